//! Progress on standard error: a bar on a terminal, lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trainyard::train::{Evaluation, StepMetrics};

use crate::output::{duration, short};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How quickly the shown speed follows: about the last second counts.
const SMOOTHING_SECONDS: f64 = 1.0;

/// The display of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: u32,
    /// Tokens a second, smoothed; 0 until known.
    speed: f64,
    tokens_per_step: f64,
    val_loss: Option<f64>,
    /// When the steps shown last came; the first ones, which warm everything up, only start the clock.
    updated: Option<Instant>,
    last_line: Option<Instant>,
}

/// Prints a line on standard error; nobody is left to tell if that fails.
pub fn notice(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Shows how far compiling is; on a terminal only.
pub fn compiling() -> impl FnMut(usize, usize, &str) {
    let bar = io::stderr().is_terminal().then(|| bar(0, "compiling {pos} of {len}"));
    move |done, total, _| {
        if let Some(bar) = &bar {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            if done == total {
                bar.finish_and_clear();
            }
        }
    }
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    // A template that does not parse would leave the default style, which shows the same numbers.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

impl Progress {
    /// Of a run of `total` steps that has done `done` already.
    pub fn new(done: u32, total: u32) -> Self {
        let bar = io::stderr().is_terminal().then(|| bar(u64::from(total), "{bar:30} {pos}/{len}  {msg}"));
        if let Some(bar) = &bar {
            bar.set_position(u64::from(done));
        }
        Self { bar, total, speed: 0.0, tokens_per_step: 0.0, val_loss: None, updated: None, last_line: None }
    }

    /// Shows the newest of some steps.
    pub fn steps(&mut self, metrics: &[StepMetrics]) {
        let Some(last) = metrics.last() else { return };
        let tokens: u64 = metrics.iter().map(|m| m.tokens).sum();
        self.tokens_per_step = last.tokens as f64;
        let seconds = self.updated.map_or(0.0, |then| then.elapsed().as_secs_f64());
        if seconds > 0.0 {
            let now = tokens as f64 / seconds;
            let weight = if self.speed > 0.0 { 1.0 - (-seconds / SMOOTHING_SECONDS).exp() } else { 1.0 };
            self.speed += weight * (now - self.speed);
        }
        self.updated = Some(Instant::now());
        let message = self.message(last);
        match &self.bar {
            Some(bar) => {
                bar.set_position(u64::from(last.step));
                bar.set_message(message);
            }
            None if self.last_line.is_none_or(|then| then.elapsed() >= LINE_EVERY) => self.print(last, &message),
            None => {}
        }
    }

    /// Shows an evaluation after a step. The time it took does not count as training.
    pub fn evaluated(&mut self, last: &StepMetrics, evaluation: &Evaluation) {
        self.val_loss = Some(evaluation.val_loss);
        self.updated = Some(Instant::now());
        let message = self.message(last);
        match &self.bar {
            Some(bar) => bar.set_message(message),
            None => self.print(last, &message),
        }
    }

    fn print(&mut self, last: &StepMetrics, message: &str) {
        self.last_line = Some(Instant::now());
        notice(&format!("step {}/{}  {message}", last.step, self.total));
    }

    fn message(&self, last: &StepMetrics) -> String {
        let val = self.val_loss.map_or_else(String::new, |v| format!("  val {v:.4}"));
        if self.speed <= 0.0 {
            return format!("loss {:.4}{val}", last.loss);
        }
        let left = f64::from(self.total.saturating_sub(last.step)) * self.tokens_per_step / self.speed;
        format!("loss {:.4}{val}  {} tokens/s  {} left", last.loss, short(self.speed), duration(left))
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
