/// How many steps go into one submit, and how long a step takes.
///
/// Small models finish a step faster than a host can prepare one submit, so several share one; big ones go alone, so
/// that no submit holds the GPU for long. What is computed does not depend on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Smoothed milliseconds a step; 0 until known.
    ms_per_step: f64,
    last_finish: f64,
    /// Submits that a step is cut into; 0 and 1 mean one.
    pieces: usize,
}

/// A submit should take about this long.
const TARGET_MS: f64 = 16.0;
/// A step that takes longer than this is cut into submits of about [`PIECE_MS`]: a long one drops frames of a visible
/// page, and a very long one is taken for a hang.
const LONG_MS: f64 = 250.0;
const PIECE_MS: f64 = 100.0;

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

    /// Into how many submits to cut a step from now on, when that changes.
    pub fn pieces(&mut self) -> Option<usize> {
        let wanted = if self.ms_per_step > LONG_MS { (self.ms_per_step / PIECE_MS).ceil() as usize } else { 1 };
        // Only doubling or more counts as a change, so that noise does not move the cuts about.
        let changes = wanted >= 2 * self.pieces.max(1);
        changes.then(|| {
            self.pieces = wanted;
            wanted
        })
    }

    /// Smoothed milliseconds a step.
    #[must_use]
    pub const fn ms_per_step(&self) -> f64 {
        self.ms_per_step
    }
}
