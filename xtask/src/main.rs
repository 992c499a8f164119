//! `cargo xtask`: everything done to the project that is more than one `cargo` call.
//!
//! `serve` builds the page and serves it, `test` runs every check there is, `wasm` builds the WebAssembly module alone,
//! `reference` exchanges checkpoints with Hugging Face's transformers.
//! Each command works on a machine that has Rust and Node only and says in one sentence what else it misses. Written in
//! Rust rather than in shell so that it behaves the same on every system, with a server of its own rather than a
//! dependency: the page is a folder of static files.

mod args;
mod error;
mod npm;
mod process;
mod reference;
mod serve;
mod site;
mod stamp;
mod test;
mod wasm;
mod workspace;

use std::process::ExitCode;

use args::Command;
use error::Result;
use workspace::Workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let command = args::parse(arguments)?;
    let workspace = Workspace::locate()?;
    match command {
        Command::Help => {
            print!("{}", args::help());
            Ok(ExitCode::SUCCESS)
        }
        Command::Reference => reference::run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Serve { port } => serve::run(&workspace, port).map(|()| ExitCode::SUCCESS),
        Command::Test { only } => test::run(&workspace, &only),
        Command::Wasm => {
            let module = wasm::build(&workspace)?;
            let size = wasm::size(&module)?;
            println!("{}: {size}", module.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}
