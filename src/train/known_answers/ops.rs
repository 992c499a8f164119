//! x
use serde_json::{Map, Value};
use super::{CaseResult, Machine};
pub fn operations(_: &Map<String, Value>, _: &mut dyn Machine) -> Vec<CaseResult> { Vec::new() }
