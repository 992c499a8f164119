//! `cargo xtask serve`, and the web server that the browser tests use too.

mod files;
mod headers;
mod request;
mod server;
#[cfg(test)]
mod tests;

pub use server::Server;

use crate::error::Result;
use crate::site;
use crate::workspace::Workspace;

/// Builds the page and serves it until the process ends.
pub fn run(workspace: &Workspace, port: u16) -> Result<()> {
    // Before the build, so that a taken port is told now and not minutes later.
    let server = Server::bind(port)?;
    site::build(workspace)?;
    println!("Trainyard is at {} (Ctrl-C stops it)", server.address());
    server.run(&workspace.dist())
}
