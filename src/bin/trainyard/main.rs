//! The native command line: trains, generates, evaluates, plans, verifies and measures with the same core as the page.
//!
//! It translates arguments into calls of `train` and prints what comes back; nothing is computed here. Figures and text
//! go to standard output, progress and notices to standard error. A failure is one sentence there and exit code 1,
//! wrong usage 2; a reader that closes the pipe early is no failure.

mod args;
mod bench;
mod error;
mod eval;
mod generate;
mod info;
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

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Presets(args) => presets::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args),
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
