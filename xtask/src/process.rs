//! Programs that a command runs: their output is passed on as it comes, and their failure is an error that names them.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// One program to run, in the words a person would type.
pub struct Process {
    command: Command,
    line: String,
}

/// What a program printed on standard output, and whether it succeeded.
pub struct Outcome {
    pub stdout: String,
    pub result: Result<()>,
}

impl Process {
    pub fn new(program: &str, directory: &Path) -> Self {
        // npm is a batch file on Windows, which is found only by its full name.
        let file = if cfg!(windows) && program == "npm" { "npm.cmd" } else { program };
        let mut command = Command::new(file);
        command.current_dir(directory).stdin(Stdio::null());
        Self { command, line: program.to_owned() }
    }

    /// The cargo that runs this program, so that its toolchain is ours.
    pub fn cargo(directory: &Path) -> Self {
        let mut process = Self::new("cargo", directory);
        if let Some(cargo) = std::env::var_os("CARGO") {
            process.command = Command::new(cargo);
            process.command.current_dir(directory).stdin(Stdio::null());
        }
        process
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.line.push(' ');
        self.line.push_str(&argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// Arguments as one string of words; none of them may contain a blank.
    pub fn args(self, words: &str) -> Self {
        words.split_whitespace().fold(self, Self::arg)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs with the output passed straight on.
    pub fn run(mut self) -> Result<()> {
        eprintln!("> {}", self.line);
        let status = self.command.status().map_err(|source| self.start_error(source))?;
        self.check(status)
    }

    /// Runs with standard output passed on and kept.
    pub fn run_and_keep(mut self) -> Result<Outcome> {
        eprintln!("> {}", self.line);
        let mut child = self.command.stdout(Stdio::piped()).spawn().map_err(|source| self.start_error(source))?;
        let mut kept = Vec::new();
        let copied = match child.stdout.take() {
            Some(mut pipe) => pass_on(&mut pipe, &mut io::stdout().lock(), &mut kept),
            None => Ok(()),
        };
        let status = child.wait().map_err(|source| self.start_error(source))?;
        Ok(Outcome {
            stdout: String::from_utf8_lossy(&kept).into_owned(),
            result: copied.map_err(|source| self.start_error(source)).and_then(|()| self.check(status)),
        })
    }

    /// Runs in silence and returns standard output; standard error is shown only as part of the failure.
    pub fn read(mut self) -> Result<String> {
        let output = self.command.output().map_err(|source| self.start_error(source))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(Error::Failed { command: self.line, status: format!("{}\n{}", output.status, stderr.trim_end()) })
    }

    fn start_error(&self, source: io::Error) -> Error {
        Error::Start { command: self.line.clone(), source }
    }

    fn check(self, status: std::process::ExitStatus) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed { command: self.line, status: status.to_string() })
    }
}

/// Copies as the bytes arrive. The pipe is drained even if our own output is gone, so that the child never blocks.
fn pass_on(from: &mut impl Read, to: &mut impl Write, kept: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 8192];
    let mut written = Ok(());
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return written,
            Ok(count) => {
                kept.extend_from_slice(&buffer[..count]);
                if written.is_ok() {
                    written = to.write_all(&buffer[..count]).and_then(|()| to.flush());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo(words: &str) -> Process {
        Process::cargo(Path::new(".")).args(words)
    }

    #[test]
    fn output_is_kept_beside_success_and_failure() -> Result<()> {
        let outcome = cargo("--version").run_and_keep()?;
        assert!(outcome.result.is_ok() && outcome.stdout.starts_with("cargo "));
        assert!(cargo("no-such-command").run_and_keep()?.result.is_err());
        Ok(())
    }

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let Err(error) = cargo("no-such-command").read() else {
            panic!("cargo has a command of that name");
        };
        let message = error.to_string();
        assert!(message.starts_with("`cargo no-such-command` failed: "), "{message}");
        assert!(message.contains("no such command"), "{message}");
    }

    #[test]
    fn what_cannot_start_is_named() {
        let process = Process::new("no-such-program", Path::new(".")).arg("-x");
        let Err(error) = process.run_and_keep() else {
            panic!("there is a program of that name");
        };
        assert!(matches!(error, Error::Start { .. }), "{error}");
        assert!(error.to_string().contains("`no-such-program -x`"), "{error}");
    }

    /// A terminal that goes away must not leave the child waiting for somebody to read its output.
    #[test]
    fn a_lost_terminal_does_not_stop_the_reading() {
        struct Lost;
        impl Write for Lost {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let text = vec![b'x'; 100_000];
        let mut kept = Vec::new();
        assert!(pass_on(&mut text.as_slice(), &mut Lost, &mut kept).is_err());
        assert_eq!(kept, text);
    }
}
