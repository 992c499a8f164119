//! Training: settings and presets, the session that runs steps, what people see of it, checkpoints, known answers.
//!
//! [`Session`] is a run. It turns data into batches and the schedule into learning rates, hands steps to an
//! [`Engine`] and counts those whose losses have come back. Everything that decides a run is in [`Settings`], a seed and the data:
//! same build, adapter, settings and seed give the same bits.

mod bench;
pub mod checkpoint;
mod clock;
pub mod decode;
mod engine;
mod error;
mod evaluate;
mod families;
mod generate;
mod info;
mod inspect;
mod knobs;
pub mod known_answers;
mod metrics;
mod pace;
mod presets;
mod report;
mod schedule;
mod session;
mod settings;

pub use crate::gpu::{AdapterInfo, Device, GpuError};
pub use bench::{BenchResult, KernelTime, bench};
pub use clock::now_ms;
pub use engine::{DeviceChoice, Engine, Footprint, Inputs, RING, Record, State};
pub use error::{Divergence, TrainError};
pub use evaluate::{Evaluation, Measure, accuracy, validation};
pub use families::{NOISE, default_objective, objectives};
pub use generate::{Ended, Generated, Generation, Request, generate, source_of_text, start_of_text, stop_token};
pub use info::RunInfo;
pub use inspect::{Inspection, Predicted, Prediction, ShownText, Stage};
pub use knobs::{Group, KNOBS, Kind, Knob};
pub use metrics::{StepMetrics, number, readable, single};
pub use pace::Pace;
pub use presets::{PRESETS, Preset, Source};
pub use report::{PlanReport, adapters, dense_flops, plan_report};
pub use schedule::{Schedule, ScheduleKind};
pub use session::Session;
pub use settings::{Rule, SettingError, Settings};
