//! The graph: fused operations spelled out, and the text form.

mod expand;
mod text;
