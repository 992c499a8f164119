//! Models: names and shapes, configurations, first values, and what holds of any decoder.

mod config;
mod layout;
mod properties;
mod start;
