//! The native command line: trains, generates, evaluates, plans, verifies and measures with the same core as the page.
//!
//! It translates arguments into calls of `train` and prints what comes back; nothing is computed here. Figures and text
//! go to standard output, progress and notices to standard error. A failure is one sentence there and exit code 1,
//! wrong usage 2; a reader that closes the pipe early is no failure.

mod args;
mod bench;
mod convert;
mod error;
mod eval;
mod generate;
mod info;
mod logits;
mod metrics;
mod output;
mod plan;
mod presets;
mod progress;
mod run;
mod source;
mod store;
mod train;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use error::CliError;

/// Mesa's device-select layer asks the desktop which GPU to prefer and, where there is none, complains on standard error.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the environment is changed before any other thread exists")]
fn quiet_device_selection() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: called first in `main`, when this is the only thread.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    quiet_device_selection();
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Presets(args) => presets::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Logits(args) => logits::run(&args),
        Command::Convert(args) => convert::run(&args),
    };
    match result {
        Ok(()) | Err(CliError::Pipe) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this cannot be written either.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
