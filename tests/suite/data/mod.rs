//! Data sets: tasks, texts and the synthetic world.

mod objective;
mod review;
mod story;
mod task;
mod text;
mod translation;
mod world;
