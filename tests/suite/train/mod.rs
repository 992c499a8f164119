//! Runs: learning, determinism, steady state, memory, divergence.

mod runs;
