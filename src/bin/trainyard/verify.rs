//! `trainyard verify`: known answers of other implementations, run here, a line a case.

use std::path::Path;

use pollster::block_on;
use serde::Serialize;
use trainyard::train::TrainError;
use trainyard::train::known_answers::{AnyMachine, CaseResult, InterpreterMachine, KnownAnswersError, Outcome, verify};

use crate::args::VerifyArgs;
use crate::error::CliError;
use crate::output;
use crate::source::read_file;

/// The largest file of known answers.
const MAX_FILE: u64 = 256 << 20;

#[derive(Serialize)]
struct Case {
    file: String,
    /// Absent when the file itself cannot be read.
    name: Option<String>,
    machine: String,
    outcome: &'static str,
    detail: String,
}

#[derive(Serialize, Default)]
struct Report {
    cases: Vec<Case>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    fn cases(
        &mut self,
        file: &Path,
        machine: &str,
        results: Result<Vec<CaseResult>, KnownAnswersError>,
    ) -> Vec<String> {
        match results {
            Err(problem) => vec![self.add(file, None, machine, Outcome::Fail(problem.to_string()))],
            Ok(cases) => cases.into_iter().map(|case| self.add(file, Some(case.name), machine, case.outcome)).collect(),
        }
    }

    fn add(&mut self, file: &Path, name: Option<String>, machine: &str, outcome: Outcome) -> String {
        let (word, detail, count) = match outcome {
            Outcome::Pass(detail) => ("pass", detail, &mut self.passed),
            Outcome::Fail(detail) => ("FAIL", detail, &mut self.failed),
            Outcome::Skip(detail) => ("skip", detail, &mut self.skipped),
        };
        *count += 1;
        let file = file.display().to_string();
        let line = format!("{word}  {}  {machine}  {detail}", name.as_ref().unwrap_or(&file));
        self.cases.push(Case { file, name, machine: machine.to_owned(), outcome: word, detail });
        line
    }
}

pub fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let mut machines = match block_on(args.device.choice()?.open()).map_err(TrainError::from)? {
        Some(device) => vec![AnyMachine::on(Some(device))],
        None => vec![AnyMachine::F64(InterpreterMachine::default()), AnyMachine::F32(InterpreterMachine::default())],
    };
    let mut report = Report::default();
    for path in &args.files {
        let mut lines = Vec::new();
        match read(path) {
            Ok(text) => {
                for machine in &mut machines {
                    let results = block_on(verify(&text, machine));
                    lines.extend(report.cases(path, machine.name(), results));
                }
            }
            Err(problem) => lines.push(report.add(path, None, "-", Outcome::Fail(problem))),
        }
        if !args.json {
            lines.iter().try_for_each(|line| output::line(line))?;
        }
    }
    let Report { passed, failed, skipped, .. } = report;
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&format!("{passed} passed, {failed} failed, {skipped} skipped"))?;
    }
    if failed > 0 || passed == 0 { Err(CliError::Missed { failed, passed }) } else { Ok(()) }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = read_file(path, MAX_FILE).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("the file is not UTF-8: {}", error.utf8_error()))
}
