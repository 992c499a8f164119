//! x
use super::{CaseResult, Machine};
use serde_json::{Map, Value};
pub fn operations(_: &Map<String, Value>, _: &mut dyn Machine) -> Vec<CaseResult> {
    Vec::new()
}
