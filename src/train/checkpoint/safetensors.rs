//! The safetensors format, read strictly: a u64 header length, a JSON header, raw little-endian data.
//!
//! Own code because the crate refuses large tensors on 32-bit targets and accepts duplicate names, which two readers
//! may then understand differently. Limits are checked before anything is allocated.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

const MAX_HEADER: u64 = 16 << 20;
const MAX_TENSORS: usize = 20_000;
const MAX_RANK: usize = 8;
const MAX_NAME: usize = 512;

/// A file that is no safetensors file, or one that we do not trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SafetensorsError {
    /// Shorter than its own header says.
    #[error("safetensors: the file has {found} bytes, but its header needs {needed}")]
    Truncated {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        needed: u64,
    },
    /// Beyond a limit.
    #[error("safetensors: {what} is {found}; at most {limit} is accepted")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The header is not what the format says.
    #[error("safetensors: header: {0}")]
    Header(String),
    /// One tensor's entry is wrong.
    #[error("safetensors: tensor {name:?}: {what}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        what: String,
    },
}

/// How numbers are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Dtype {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of F32.
    Bf16,
}

impl Dtype {
    const fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

/// One tensor of a file, borrowed from it.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor<'a> {
    /// Its key.
    pub name: String,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// Its extents.
    pub shape: Vec<usize>,
    data: &'a [u8],
}

impl Tensor<'_> {
    /// Its numbers in single precision.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let half = |bytes: &[u8]| [bytes[0], bytes[1]];
        match self.dtype {
            Dtype::F32 => self.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::F16 => self.data.chunks_exact(2).map(|b| half::f16::from_le_bytes(half(b)).to_f32()).collect(),
            Dtype::Bf16 => self.data.chunks_exact(2).map(|b| half::bf16::from_le_bytes(half(b)).to_f32()).collect(),
        }
    }
}

/// The tensors of a file, in the order of its header.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tensors<'a>(pub Vec<Tensor<'a>>);

impl Tensors<'_> {
    /// A tensor by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor<'_>> {
        self.0.iter().find(|t| t.name == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The header's entries in order; a map type would silently keep the last of two equal names.
struct Entries(Vec<(String, Entry)>);

impl<'de> Visitor<'de> for Entries {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if self.0.len() == MAX_TENSORS {
                return Err(serde::de::Error::custom(format_args!("more than {MAX_TENSORS} tensors")));
            }
            let entry = map.next_value::<Entry>()?;
            self.0.push((name, entry));
        }
        Ok(self)
    }
}

/// Reads a file.
///
/// # Errors
/// When header or data are not exactly what the format says, or exceed a limit.
pub fn read(file: &[u8]) -> Result<Tensors<'_>, SafetensorsError> {
    let found = file.len() as u64;
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err(SafetensorsError::Truncated { found, needed: 8 });
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(SafetensorsError::Limit { what: "the header's length", found: length, limit: MAX_HEADER });
    }
    if rest.len() < length as usize {
        return Err(SafetensorsError::Truncated { found, needed: 8 + length });
    }
    let (header, data) = rest.split_at(length as usize);
    let mut parser = serde_json::Deserializer::from_slice(header);
    let syntax = |e: serde_json::Error| SafetensorsError::Header(e.to_string());
    let Entries(mut entries) = parser.deserialize_map(Entries(Vec::new())).map_err(syntax)?;
    parser.end().map_err(syntax)?;

    let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(SafetensorsError::Header(format!("the name {:?} occurs twice", pair[0])));
    }
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut next = 0;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let tensor = tensor(name, &entry, next, data)?;
        next = entry.data_offsets[1];
        tensors.push(tensor);
    }
    if next != data.len() as u64 {
        let what = format!("the tensors cover {next} bytes of {} after the header", data.len());
        return Err(SafetensorsError::Header(what));
    }
    Ok(Tensors(tensors))
}

fn tensor<'a>(name: String, entry: &Entry, next: u64, data: &'a [u8]) -> Result<Tensor<'a>, SafetensorsError> {
    let fault = |what: String| SafetensorsError::Tensor { name: name.chars().take(80).collect(), what };
    if name.len() > MAX_NAME {
        return Err(fault(format!("a name of {} bytes; at most {MAX_NAME} are accepted", name.len())));
    }
    if entry.shape.len() > MAX_RANK {
        return Err(fault(format!("rank {}; at most {MAX_RANK} is accepted", entry.shape.len())));
    }
    let dtype = match entry.dtype.as_str() {
        "F32" => Dtype::F32,
        "F16" => Dtype::F16,
        "BF16" => Dtype::Bf16,
        other => return Err(fault(format!("dtype {other:?}; F32, F16 and BF16 are read"))),
    };
    let elements = entry.shape.iter().try_fold(1_u64, |n, &d| n.checked_mul(d));
    let bytes = elements.and_then(|n| n.checked_mul(dtype.bytes()));
    let Some(bytes) = bytes else { return Err(fault(format!("the shape {:?} overflows", entry.shape))) };
    let [begin, end] = entry.data_offsets;
    if begin != next {
        return Err(fault(format!("its data begin at {begin}, but the tensor before ends at {next}")));
    }
    if end.checked_sub(begin) != Some(bytes) {
        return Err(fault(format!("its offsets {begin}..{end} do not hold {bytes} bytes")));
    }
    if end > data.len() as u64 {
        return Err(SafetensorsError::Truncated { found: data.len() as u64, needed: end });
    }
    let shape = entry.shape.iter().map(|&d| d as usize).collect();
    Ok(Tensor { name, dtype, shape, data: &data[begin as usize..end as usize] })
}

/// Writes single-precision tensors in name order: the bytes are a function of the tensors alone.
#[must_use]
pub fn write(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut sorted: Vec<_> = tensors.to_vec();
    sorted.sort_unstable_by_key(|&(name, ..)| name);
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), serde_json::json!({ "format": "pt" }));
    let mut offset = 0_u64;
    for &(name, shape, data) in &sorted {
        let end = offset + data.len() as u64 * 4;
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [offset, end] });
        header.insert(name.to_owned(), entry);
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    // Data aligned to eight bytes can be mapped; readers skip trailing spaces.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = Vec::with_capacity(8 + header.len() + offset as usize);
    file.extend_from_slice(&(header.len() as u64).to_le_bytes());
    file.extend_from_slice(&header);
    for &(.., data) in &sorted {
        file.extend_from_slice(bytemuck::cast_slice(data));
    }
    file
}
