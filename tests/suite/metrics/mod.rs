//! Scores against the programs that define them, and what they refuse.

mod bounds;
mod known;
