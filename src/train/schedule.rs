/// How the learning rate moves over a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScheduleKind {
    /// Stays at its peak after the warm-up.
    Constant,
    /// Falls in a straight line to its minimum at the last step.
    Linear,
    /// Falls along half a cosine to its minimum at the last step.
    Cosine,
    /// Falls with the inverse square root of the step (Vaswani et al. 2017, "Noam"); it has no minimum.
    InverseSqrt,
    /// Warm-up, stable, decay (Hu et al. 2024): stays at its peak, then falls in a straight line over the last steps.
    Wsd,
}

impl ScheduleKind {
    /// All kinds with their names, in the order in which they are listed.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("constant", Self::Constant),
        ("linear", Self::Linear),
        ("cosine", Self::Cosine),
        ("inverse_sqrt", Self::InverseSqrt),
        ("wsd", Self::Wsd),
    ];
}

/// The learning rate as a function of the step, computed here and nowhere else.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Schedule {
    /// The shape after the warm-up.
    pub kind: ScheduleKind,
    /// Peak.
    pub lr: f64,
    /// Value at the last step, for shapes that fall to one.
    pub min_lr: f64,
    /// Steps of linear warm-up.
    pub warmup: u32,
    /// Steps of the run.
    pub steps: u32,
    /// Steps of the fall of [`ScheduleKind::Wsd`].
    pub decay: u32,
}

impl Schedule {
    /// The schedule of the original Transformer, `factor·d^-½·min(t^-½, t·warmup^-1.5)` with steps t counted from 1.
    #[must_use]
    pub fn noam(d_model: u32, factor: f64, warmup: u32, steps: u32) -> Self {
        let lr = factor / (f64::from(d_model) * f64::from(warmup.max(1))).sqrt();
        Self { kind: ScheduleKind::InverseSqrt, lr, min_lr: 0.0, warmup, steps, decay: 0 }
    }

    /// The learning rate of a step counted from 0. Warm-up is nanoGPT's `lr·(step + 1)/(warmup + 1)`; that of the inverse
    /// square root ends a step earlier, as published.
    #[must_use]
    pub fn at(&self, step: u32) -> f64 {
        if self.kind == ScheduleKind::InverseSqrt {
            let (t, warmup) = (f64::from(step) + 1.0, f64::from(self.warmup.max(1)));
            return self.lr * (t / warmup).min((warmup / t).sqrt());
        }
        if step < self.warmup {
            return self.lr * (f64::from(step) + 1.0) / (f64::from(self.warmup) + 1.0);
        }
        let fall = |first: u32| {
            let span = self.steps.saturating_sub(first).max(1);
            (f64::from(step.saturating_sub(first)) / f64::from(span)).min(1.0)
        };
        match self.kind {
            ScheduleKind::Constant | ScheduleKind::InverseSqrt => self.lr,
            ScheduleKind::Linear => self.lr + fall(self.warmup) * (self.min_lr - self.lr),
            ScheduleKind::Cosine => {
                let weight = 0.5 * (1.0 + libm::cos(core::f64::consts::PI * fall(self.warmup)));
                self.min_lr + weight * (self.lr - self.min_lr)
            }
            ScheduleKind::Wsd => {
                let first = self.steps.saturating_sub(self.decay).max(self.warmup);
                self.lr + fall(first) * (self.min_lr - self.lr)
            }
        }
    }

    /// Steps of the run with their rates, to be drawn: `count` of them, spread evenly from the first to the last, or all if
    /// there are no more.
    #[must_use]
    pub fn points(&self, count: u32) -> Vec<(u32, f64)> {
        let last = u64::from(self.steps.saturating_sub(1));
        let count = u64::from(count).min(u64::from(self.steps));
        let step = |i: u64| if count == 1 { 0 } else { i * last / (count - 1) };
        (0..count).map(|i| step(i) as u32).map(|step| (step, self.at(step))).collect()
    }
}
