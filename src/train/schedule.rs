/// How the learning rate moves over a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScheduleKind {
    /// Stays at its peak after the warm-up.
    Constant,
    /// Falls in a straight line to its minimum at the last step.
    Linear,
    /// Falls along half a cosine to its minimum at the last step.
    Cosine,
}

/// The learning rate as a function of the step, computed here and nowhere else.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Schedule {
    /// The shape after the warm-up.
    pub kind: ScheduleKind,
    /// Peak.
    pub lr: f64,
    /// Value at the last step, for falling shapes.
    pub min_lr: f64,
    /// Steps of linear warm-up.
    pub warmup: u32,
    /// Steps of the run.
    pub steps: u32,
}

impl Schedule {
    /// The learning rate of a step counted from 0. Warm-up is nanoGPT's `lr·(step + 1)/(warmup + 1)`.
    #[must_use]
    pub fn at(&self, step: u32) -> f64 {
        if step < self.warmup {
            return self.lr * (f64::from(step) + 1.0) / (f64::from(self.warmup) + 1.0);
        }
        let span = self.steps.saturating_sub(self.warmup).max(1);
        let done = (f64::from(step - self.warmup) / f64::from(span)).min(1.0);
        match self.kind {
            ScheduleKind::Constant => self.lr,
            ScheduleKind::Linear => self.lr + done * (self.min_lr - self.lr),
            ScheduleKind::Cosine => {
                let weight = 0.5 * (1.0 + libm::cos(core::f64::consts::PI * done));
                self.min_lr + weight * (self.lr - self.min_lr)
            }
        }
    }
}
