//! Limits beyond which a configuration is refused before any arithmetic with it.

use crate::models::{ModelError, Options};

const MAX_PARAMETERS: u64 = 2_000_000_000;
const MAX_POSITIONS: u64 = 65_536;
const MAX_LAYERS: u64 = 256;
const MAX_WIDTH: u64 = 65_536;
const MAX_VOCABULARY: u64 = 2_000_000;

/// A size and its limit.
pub(super) struct Extent {
    key: &'static str,
    found: usize,
    limit: u64,
}

impl Extent {
    pub(super) const fn layers(key: &'static str, found: usize) -> Self {
        Self { key, found, limit: MAX_LAYERS }
    }

    pub(super) const fn positions(key: &'static str, found: usize) -> Self {
        Self { key, found, limit: MAX_POSITIONS }
    }

    pub(super) const fn width(key: &'static str, found: usize) -> Self {
        Self { key, found, limit: MAX_WIDTH }
    }

    pub(super) const fn inner(key: &'static str, found: usize) -> Self {
        Self { key, found, limit: 4 * MAX_WIDTH }
    }

    pub(super) const fn vocabulary(key: &'static str, found: usize) -> Self {
        Self { key, found, limit: MAX_VOCABULARY }
    }
}

pub(super) fn check(extents: &[Extent]) -> Result<(), ModelError> {
    match extents.iter().find(|e| e.found as u64 > e.limit) {
        Some(e) => Err(ModelError::Limit { what: e.key, found: e.found as u64, limit: e.limit }),
        None => Ok(()),
    }
}

pub(super) fn heads(key: &'static str, heads: usize, width_key: &'static str, width: usize) -> Result<(), ModelError> {
    if width.is_multiple_of(heads) { Ok(()) } else { Err(ModelError::Heads { key, heads, width_key, width }) }
}

pub(super) fn parameters(found: u64) -> Result<(), ModelError> {
    let what = "the number of parameters";
    if found > MAX_PARAMETERS { Err(ModelError::Limit { what, found, limit: MAX_PARAMETERS }) } else { Ok(()) }
}

/// Families whose blocks know no options refuse them.
pub(super) fn no_options(found: Options, plain: Options) -> Result<(), ModelError> {
    match found.to_map(plain).keys().next() {
        Some(option) => Err(ModelError::Option { option: option.clone() }),
        None => Ok(()),
    }
}
