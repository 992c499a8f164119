//! Data sets: tasks, texts and the synthetic world.

mod task;
mod text;
