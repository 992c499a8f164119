//! The graph: fused operations and the text form.
