//! Training: settings and presets, the session that runs steps, what people see of it, checkpoints, known answers.
//!
//! [`Session`] is a run. It turns data into batches and the schedule into learning rates, hands steps to an
//! [`Engine`] and counts those whose losses have come back. Everything that decides a run is in [`Settings`], a seed and the data:
//! same build, adapter, settings and seed give the same bits.

pub mod checkpoint;
mod clock;
pub mod decode;
mod engine;
mod error;
mod info;
mod knobs;
pub mod known_answers;
mod look;
mod metrics;
mod pace;
mod presets;
mod schedule;
mod session;
mod settings;

pub use clock::now_ms;
pub use engine::{DeviceChoice, Engine, Footprint, Inputs, RING, Record, State};
pub use error::{Divergence, TrainError};
pub use info::RunInfo;
pub use knobs::{Group, KNOBS, Kind, Knob};
pub use look::{Evaluation, Inspection, Prediction, Window, generate};
pub use metrics::{StepMetrics, number, single};
pub use pace::Pace;
pub use presets::{PRESETS, Preset, Source};
pub use schedule::{Schedule, ScheduleKind};
pub use session::Session;
pub use settings::{SettingError, Settings, TokenizerKind};
