//! `cargo xtask test`: every check there is, in one command, the same on a laptop and in continuous integration.
//!
//! A step that fails does not stop the others, so that one run tells everything. The last line of standard output is
//! `N passed, N failed`: tests count one by one, every other check counts once, and what could not run has failed.

mod counts;
mod report;
mod step;
mod tools;

pub use step::Step;

use std::process::ExitCode;
use std::time::Instant;

use crate::error::Result;
use crate::process::{Outcome, Process};
use crate::serve::Server;
use crate::workspace::Workspace;
use crate::{npm, site, wasm};
use counts::Counts;
use report::{Verdict, run_steps};
use tools::Vulkan;

pub fn run(workspace: &Workspace, only: &[Step]) -> Result<ExitCode> {
    let report = run_steps(&Step::selection(only), |step| {
        eprintln!("\n=== {}", step.name());
        let start = Instant::now();
        let verdict = perform(workspace, step);
        if let Some(reason) = &verdict.reason {
            eprintln!("{}: {reason}", step.name());
        }
        (verdict, start.elapsed())
    });
    print!("\n{report}");
    Ok(if report.succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn perform(workspace: &Workspace, step: Step) -> Verdict {
    let cargo = |words: &str| cargo(workspace).args(words);
    let script = |name: &str| npm::script(workspace, name).env("CI", "1");
    match step {
        Step::Fmt => Verdict::of_check(cargo("fmt --all -- --check").run()),
        Step::Clippy => Verdict::of_check(cargo("clippy --locked --workspace --all-targets -- --deny warnings").run()),
        Step::ClippyWasm => Verdict::of_check(wasm::ensure_target(workspace).and_then(|()| {
            let clippy = cargo("clippy --locked --package trainyard --lib --target").arg(wasm::TARGET);
            clippy.args("-- --deny warnings").run()
        })),
        Step::Xtask => tests(cargo("test --locked --package xtask"), counts::of_cargo),
        Step::Vulkan => Verdict::of_check(tools::vulkan(workspace).map(drop)),
        Step::Suite => suite(workspace),
        Step::Tree => Verdict::of_check(wasm::check_dependencies(workspace)),
        Step::Wasm => Verdict::of_check(wasm::build(workspace).map(drop)),
        Step::Size => Verdict::of_check(wasm::size(&wasm::module(workspace)).and_then(|size| {
            eprintln!("{size}");
            size.check()
        })),
        Step::Npm => Verdict::of_check(npm::install(workspace)),
        Step::Check => Verdict::of_check(script("check").run()),
        Step::Lint => Verdict::of_check(script("lint").run()),
        Step::Page => Verdict::of_check(site::bundle(workspace)),
        Step::Unit => tests(script("test:unit"), counts::of_vitest),
        Step::Chromium => Verdict::of_check(tools::chromium(workspace).map(drop)),
        Step::Browser => browser(workspace, script("test:browser")),
    }
}

/// Cargo such that snapshots fail on drift instead of being written.
fn cargo(workspace: &Workspace) -> Process {
    Process::cargo(workspace.root()).env("CI", "1").env("INSTA_UPDATE", "no")
}

/// The library's tests. A missing device is a failure here, not a reason to skip.
fn suite(workspace: &Workspace) -> Verdict {
    let process = cargo(workspace).args("test --locked --package trainyard --no-fail-fast").env("REQUIRE_GPU", "1");
    match tools::vulkan(workspace) {
        Ok(Vulkan::AsIs) => tests(process, counts::of_cargo),
        Ok(Vulkan::Lavapipe(driver)) => tests(process.env("VK_DRIVER_FILES", driver), counts::of_cargo),
        Err(error) => Verdict::of_check(Err(error)),
    }
}

/// The page's tests in a browser, against our own server, so that they run under the headers that visitors get.
fn browser(workspace: &Workspace, script: Process) -> Verdict {
    let prepare = || -> Result<Process> {
        let chromium = tools::chromium(workspace)?;
        let server = Server::bind(0)?;
        let address = server.address();
        server.start(&workspace.dist())?;
        Ok(script.env("TRAINYARD_URL", address).env("CHROMIUM", chromium))
    };
    match prepare() {
        Ok(process) => tests(process, counts::of_browser),
        Err(error) => Verdict::of_check(Err(error)),
    }
}

fn tests(process: Process, count: fn(&str) -> Counts) -> Verdict {
    match process.run_and_keep() {
        Ok(Outcome { stdout, result }) => Verdict::of_tests(count(&stdout), result),
        Err(error) => Verdict::of_check(Err(error)),
    }
}
