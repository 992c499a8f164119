//! `trainyard verify`: known answers of other implementations, run here, a line a case.

use std::path::Path;

use serde::Serialize;
use trainyard::train::TrainError;
use trainyard::train::known_answers::{CaseResult, GpuMachine, InterpreterMachine, Machine, Outcome, verify};

use crate::args::{Device, VerifyArgs};
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
    fn cases(&mut self, file: &Path, machine: &str, results: Result<Vec<CaseResult>, String>) -> Vec<String> {
        let mut fail = |problem| vec![self.add(file, None, machine, Outcome::Fail(problem))];
        match results {
            Err(problem) => fail(problem),
            Ok(cases) if cases.is_empty() => fail("the file holds no known answer".to_owned()),
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
    // Also refuses an adapter for the interpreter.
    args.device.choice()?;
    let mut machines: Vec<(String, Box<dyn Machine>)> = match args.device.device {
        Device::Cpu => vec![
            ("f64".to_owned(), Box::new(InterpreterMachine::<f64>::default())),
            ("f32".to_owned(), Box::new(InterpreterMachine::<f32>::default())),
        ],
        Device::Gpu => {
            let machine = GpuMachine::open(args.device.adapter.as_deref()).map_err(TrainError::from)?;
            vec![(machine.name().to_owned(), Box::new(machine))]
        }
    };
    let mut report = Report::default();
    for path in &args.files {
        let mut lines = Vec::new();
        match read(path) {
            Ok(text) => {
                for (name, machine) in &mut machines {
                    lines.extend(report.cases(path, name, verify(&text, machine.as_mut())));
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
