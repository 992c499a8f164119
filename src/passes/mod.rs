//! Graph to graph: what is computed stays, how often memory is crossed shrinks.
//!
//! Passes run after [`crate::autodiff`], so no fused operation ever needs a gradient of its own. Each pass rewrites a
//! list of nodes over the old values, [`rebuild`] renumbers it, and the result is verified. A fused operation is
//! defined by the primitive subgraph it replaces ([`crate::ir::Fused::define`]); tests interpret a graph before and
//! after and compare the text with a reviewed snapshot.

mod dce;
mod fuse;
mod rebuild;
mod uses;

pub use dce::remove_dead;
pub use fuse::fuse;

use crate::ir::{Graph, IrError};

/// All passes in order: what lowering expects.
///
/// # Errors
/// When a pass made an ill-formed graph, which is a fault of the pass.
pub fn optimize(graph: &Graph) -> Result<Graph, IrError> {
    remove_dead(&fuse(&remove_dead(graph)?)?)
}
