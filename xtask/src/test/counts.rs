//! How many tests a runner says it ran. Each parser reads the runner's own summary and nothing else.

/// What a step found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Counts {
    pub fn ran(self) -> u64 {
        self.passed.saturating_add(self.failed)
    }
}

/// The sum over the `test result:` lines of `cargo test`, one for each test binary.
pub fn of_cargo(output: &str) -> Counts {
    let mut sum = Counts::default();
    for line in output.lines() {
        let Some(("ok" | "FAILED", counts)) =
            line.strip_prefix("test result: ").and_then(|summary| summary.split_once(". "))
        else {
            continue;
        };
        let counts = numbered(counts.split("; "));
        sum.passed = sum.passed.saturating_add(counts.passed);
        sum.failed = sum.failed.saturating_add(counts.failed);
        sum.skipped = sum.skipped.saturating_add(counts.skipped);
    }
    sum
}

/// The line `Tests  1 failed | 36 passed | 2 skipped (39)` that ends a run of Vitest. The last one counts.
pub fn of_vitest(output: &str) -> Counts {
    without_escapes(output)
        .lines()
        .rev()
        .find_map(|line| line.trim_start().strip_prefix("Tests  "))
        .map(|summary| {
            let summary = summary.split(" (").next().unwrap_or_default();
            numbered(summary.split(" | "))
        })
        .unwrap_or_default()
}

/// The very last line of the browser runner, `N passed, N failed`.
pub fn of_browser(output: &str) -> Counts {
    let last = output.lines().rev().find(|line| !line.trim().is_empty());
    last.and_then(|line| {
        let (passed, failed) = line.split_once(", ")?;
        Some(Counts {
            passed: passed.strip_suffix(" passed")?.parse().ok()?,
            failed: failed.strip_suffix(" failed")?.parse().ok()?,
            skipped: 0,
        })
    })
    .unwrap_or_default()
}

/// Adds up `12 passed`, `1 failed`, `2 ignored` …; other words are no result of a test.
fn numbered<'a>(parts: impl Iterator<Item = &'a str>) -> Counts {
    let mut counts = Counts::default();
    for part in parts {
        let Some((number, word)) = part.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" | "skipped" | "todo" => {
                counts.skipped = counts.skipped.saturating_add(number);
            }
            _ => {}
        }
    }
    counts
}

/// Text without the color sequences (`ESC [ … letter`) that a runner may print.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn cargo_results_are_added_up() {
        let output = "\
running 2 tests
test a ... ok
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s

test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s
";
        assert_eq!(of_cargo(output), counts(15, 2, 1));
    }

    #[test]
    fn cargo_lines_that_are_no_results() {
        for line in [
            "",
            "test a ... ok",
            "  test result: ok. 1 passed; 0 failed",
            "test result: 1 passed",
            "test result: maybe. 1 passed; 0 failed",
            "12 passed; 0 failed",
        ] {
            assert_eq!(of_cargo(line), Counts::default(), "{line}");
        }
    }

    #[test]
    fn vitest_summary_with_and_without_colors() {
        let plain = " Test Files  1 failed | 3 passed (4)\n      Tests  2 failed | 36 passed | 1 skipped (39)\n";
        assert_eq!(of_vitest(plain), counts(36, 2, 1));
        let colored = "\u{1b}[2m Test Files \u{1b}[22m \u{1b}[1m\u{1b}[32m1 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (1)\u{1b}[39m\n\
            \u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (7)\u{1b}[39m\n";
        assert_eq!(of_vitest(colored), counts(7, 0, 0));
    }

    #[test]
    fn vitest_without_tests() {
        assert_eq!(of_vitest(" Test Files  1 failed (1)\n      Tests  no tests\n"), Counts::default());
        assert_eq!(of_vitest(" Test Files  4 passed (4)\n"), Counts::default());
        assert_eq!(of_vitest("No test files found, exiting with code 1\n"), Counts::default());
    }

    #[test]
    fn the_browser_runner_speaks_last() {
        assert_eq!(of_browser("ok: a\n31 passed, 2 failed\n\n"), counts(31, 2, 0));
        for line in [
            "31 passed, 2 failed\nthen it crashed",
            "31 passed",
            "31 passed, 2 failed!",
            "-1 passed, 2 failed",
            "all passed, 0 failed",
            "",
        ] {
            assert_eq!(of_browser(line), Counts::default(), "{line}");
        }
    }
}
