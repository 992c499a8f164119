//! From what the steps did to the table at the end and the verdict.

use std::fmt;
use std::time::Duration;

use super::counts::Counts;
use super::step::Step;
use crate::error::Result;

/// One step's share of the verdict.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub counts: Counts,
    /// Why it failed, where the counts do not say it.
    pub reason: Option<String>,
}

impl Verdict {
    /// A check passes or fails as one.
    pub fn of_check(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self { counts: Counts { passed: 1, ..Counts::default() }, reason: None },
            Err(error) => Self::failure(error.to_string()),
        }
    }

    /// Tests count one by one. That the runner failed is a failure of its own if no test shows it, and a run without
    /// tests is never a success.
    pub fn of_tests(counts: Counts, result: Result<()>) -> Self {
        let reason = match result {
            Err(error) if counts.failed == 0 => Some(error.to_string()),
            _ if counts.ran() == 0 => Some("no test ran".to_owned()),
            _ => None,
        };
        let failed = counts.failed + u64::from(reason.is_some());
        Self { counts: Counts { failed, ..counts }, reason }
    }

    pub fn blocked_by(step: Step) -> Self {
        Self::failure(format!("not run, because {} failed", step.name()))
    }

    fn failure(reason: String) -> Self {
        Self { counts: Counts { failed: 1, ..Counts::default() }, reason: Some(reason) }
    }

    pub fn succeeded(&self) -> bool {
        self.counts.failed == 0 && self.counts.passed > 0
    }
}

pub struct Record {
    pub step: Step,
    pub verdict: Verdict,
    pub time: Duration,
}

/// Runs the steps in order. One that fails blocks only those that need it.
pub fn run_steps(steps: &[Step], mut run: impl FnMut(Step) -> (Verdict, Duration)) -> Report {
    let mut records: Vec<Record> = Vec::new();
    for &step in steps {
        let failed_need = step
            .needs()
            .iter()
            .copied()
            .find(|need| records.iter().any(|record| record.step == *need && !record.verdict.succeeded()));
        let (verdict, time) = match failed_need {
            Some(need) => (Verdict::blocked_by(need), Duration::ZERO),
            None => run(step),
        };
        records.push(Record { step, verdict, time });
    }
    Report { records }
}

pub struct Report {
    records: Vec<Record>,
}

impl Report {
    pub fn succeeded(&self) -> bool {
        !self.records.is_empty() && self.records.iter().all(|record| record.verdict.succeeded())
    }
}

impl fmt::Display for Report {
    /// The table; its last line is `N passed, N failed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<12} {:>8} {:>7} {:>7} {:>8}", "step", "passed", "failed", "skipped", "seconds")?;
        let (mut passed, mut failed) = (0, 0);
        for Record { step, verdict, time } in &self.records {
            let counts = verdict.counts;
            passed += counts.passed;
            failed += counts.failed;
            write!(
                f,
                "{:<12} {:>8} {:>7} {:>7} {:>8.1}",
                step.name(),
                counts.passed,
                counts.failed,
                counts.skipped,
                time.as_secs_f64()
            )?;
            match &verdict.reason {
                // The rest of a longer reason was printed when it happened.
                Some(reason) => writeln!(f, "  {}", reason.lines().next().unwrap_or_default())?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "{passed} passed, {failed} failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn counts(passed: u64, failed: u64) -> Counts {
        Counts { passed, failed, skipped: 0 }
    }

    fn wrong() -> Result<()> {
        Err(Error::Check("wrong".to_owned()))
    }

    #[test]
    fn tests_that_did_not_run_are_a_failure() {
        assert!(!Verdict::of_tests(counts(0, 0), Ok(())).succeeded());
        let skipped = Counts { skipped: 5, ..Counts::default() };
        assert_eq!(Verdict::of_tests(skipped, Ok(())).counts.failed, 1);
    }

    #[test]
    fn a_runner_that_fails_after_its_tests_passed_counts_once() {
        assert_eq!(Verdict::of_tests(counts(3, 0), wrong()).counts, counts(3, 1));
        assert_eq!(Verdict::of_tests(counts(3, 2), wrong()).counts, counts(3, 2));
        assert_eq!(Verdict::of_tests(counts(0, 0), wrong()).counts, counts(0, 1));
    }

    #[test]
    fn failed_tests_fail_even_if_the_runner_does_not() {
        assert!(!Verdict::of_tests(counts(3, 1), Ok(())).succeeded());
        assert!(Verdict::of_tests(counts(3, 0), Ok(())).succeeded());
    }

    #[test]
    fn a_failure_blocks_what_needs_it_and_nothing_else() {
        let mut ran = Vec::new();
        let report = run_steps(&Step::ALL, |step| {
            ran.push(step);
            let result = if step == Step::Wasm { wrong() } else { Ok(()) };
            (Verdict::of_check(result), Duration::ZERO)
        });
        for blocked in [Step::Size, Step::Check, Step::Unit, Step::Page, Step::Browser] {
            assert!(!ran.contains(&blocked), "{}", blocked.name());
        }
        for independent in [Step::Suite, Step::Npm, Step::Chromium] {
            assert!(ran.contains(&independent), "{}", independent.name());
        }
        assert!(!report.succeeded());
        let text = report.to_string();
        assert!(text.contains("not run, because wasm failed"), "{text}");
        assert!(text.ends_with("\n9 passed, 7 failed\n"), "{text}");
    }

    #[test]
    fn all_passed_and_nothing_at_all() {
        let passing = |_| (Verdict::of_check(Ok(())), Duration::ZERO);
        assert!(run_steps(&Step::ALL, passing).succeeded());
        assert!(!run_steps(&[], passing).succeeded());
    }
}
