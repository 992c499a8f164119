/// How many steps go into one submit, and how long a step takes.
///
/// Small models finish a step faster than a host can prepare one submit, so several share one; big ones go alone, so
/// that no submit holds the GPU for long. What is computed does not depend on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Smoothed milliseconds a step; 0 until known.
    ms_per_step: f64,
    last_finish: f64,
}

/// A submit should take about this long.
const TARGET_MS: f64 = 16.0;

impl Pace {
    /// Steps of the next chunk: doubling is enough, and jumps are not trusted.
    #[must_use]
    pub fn chunk(&self, ring: u32) -> u32 {
        if self.ms_per_step <= 0.0 {
            return 1;
        }
        ((TARGET_MS / self.ms_per_step) as u32).clamp(1, ring.max(1))
    }

    /// A chunk of `steps` came back. Returns milliseconds a step: from the later of its submit and the finish before, since
    /// two chunks are under way at a time.
    pub fn finished(&mut self, submitted: f64, now: f64, steps: u32) -> f64 {
        let ms = (now - submitted.max(self.last_finish)).max(0.0) / f64::from(steps.max(1));
        self.last_finish = now;
        self.ms_per_step = if self.ms_per_step <= 0.0 { ms } else { 0.7 * self.ms_per_step + 0.3 * ms };
        ms
    }

    /// Smoothed milliseconds a step.
    #[must_use]
    pub const fn ms_per_step(&self) -> f64 {
        self.ms_per_step
    }
}
