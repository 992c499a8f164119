//! The safetensors format, read strictly: a u64 header length, a JSON header, raw little-endian data.
//!
//! Own code because the crate refuses large tensors on 32-bit targets and accepts duplicate names, which two readers
//! may then understand differently. Limits are checked before anything is allocated.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::Dtype;

const MAX_HEADER: u64 = 16 << 20;
const MAX_TENSORS: usize = 20_000;
const MAX_RANK: usize = 8;
const MAX_NAME: usize = 512;

/// First bytes of other files that hold weights. As a header's length each of them is far too large.
const FOREIGN: [(&[u8], &str); 4] = [
    (b"PK\x03\x04", "a PyTorch archive"),
    (b"\x80\x02", "a Python pickle"),
    (b"GGUF", "a GGUF file"),
    (b"\x89HDF", "an HDF5 file"),
];

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
    /// A file of another kind, by its first bytes.
    #[error("safetensors: this is {0}, which is not read; convert it to safetensors")]
    Foreign(&'static str),
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

/// Where a tensor lies in its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its key.
    pub name: String,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// Its extents.
    pub shape: Vec<usize>,
    /// First byte, from the beginning of the file.
    pub begin: u64,
    /// Byte after the last.
    pub end: u64,
}

impl Entry {
    /// That its numbers are of a type that is read.
    pub(super) fn check_read(&self) -> Result<(), SafetensorsError> {
        if self.dtype.is_read() {
            return Ok(());
        }
        let what = format!("dtype {} holds no weights; F32, F16, BF16 and F64 are read", self.dtype.name());
        Err(SafetensorsError::Tensor { name: self.name.clone(), what })
    }
}

/// One tensor of a file in memory, borrowed from it.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor<'a> {
    /// Name, type, shape and place.
    pub entry: Entry,
    data: &'a [u8],
}

impl Tensor<'_> {
    /// Its numbers in single precision.
    ///
    /// # Errors
    /// When they are integers, truth values or quantized.
    pub fn to_f32(&self) -> Result<Vec<f32>, SafetensorsError> {
        self.entry.check_read()?;
        let mut values = Vec::with_capacity(self.data.len() / self.entry.dtype.bytes() as usize);
        self.entry.dtype.decode(self.data, &mut values);
        Ok(values)
    }
}

/// The tensors of a file in memory, in the order of their data.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tensors<'a>(pub Vec<Tensor<'a>>);

impl Tensors<'_> {
    /// A tensor by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor<'_>> {
        self.0.iter().find(|t| t.entry.name == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The header's entries in order; a map type would silently keep the last of two equal names.
struct Entries(Vec<(String, Described)>);

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
            let entry = map.next_value::<Described>()?;
            self.0.push((name, entry));
        }
        Ok(self)
    }
}

/// Length of the header, from the first eight bytes of a file of `size` bytes.
pub(super) fn header_length(first: [u8; 8], size: u64) -> Result<usize, SafetensorsError> {
    let length = u64::from_le_bytes(first);
    if length > MAX_HEADER {
        if let Some(&(_, kind)) = FOREIGN.iter().find(|(magic, _)| first.starts_with(magic)) {
            return Err(SafetensorsError::Foreign(kind));
        }
        return Err(SafetensorsError::Limit { what: "the header's length", found: length, limit: MAX_HEADER });
    }
    if size < 8 + length {
        return Err(SafetensorsError::Truncated { found: size, needed: 8 + length });
    }
    Ok(length as usize)
}

/// The entries of a header, of a file of `size` bytes, in the order of their data.
pub(super) fn parse_header(header: &[u8], size: u64) -> Result<Vec<Entry>, SafetensorsError> {
    let mut parser = serde_json::Deserializer::from_slice(header);
    let syntax = |e: serde_json::Error| SafetensorsError::Header(e.to_string());
    let Entries(mut described) = parser.deserialize_map(Entries(Vec::new())).map_err(syntax)?;
    parser.end().map_err(syntax)?;

    let mut names: Vec<&str> = described.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(SafetensorsError::Header(format!("the name {:?} occurs twice", shorten(pair[0]))));
    }
    described.sort_by_key(|(_, described)| described.data_offsets);
    let start = 8 + header.len() as u64;
    let data = size.saturating_sub(start);
    let mut next = 0;
    let mut entries = Vec::with_capacity(described.len());
    for (name, described) in described {
        entries.push(place(name, &described, next, start, data)?);
        next = described.data_offsets[1];
    }
    if next != data {
        return Err(SafetensorsError::Header(format!("the tensors cover {next} bytes of {data} after the header")));
    }
    Ok(entries)
}

/// The entry of a tensor whose data begin at byte `next` of the `data` bytes that begin at `start`.
fn place(name: String, described: &Described, next: u64, start: u64, data: u64) -> Result<Entry, SafetensorsError> {
    let fault = |what: String| SafetensorsError::Tensor { name: shorten(&name), what };
    if name.len() > MAX_NAME {
        return Err(fault(format!("a name of {} bytes; at most {MAX_NAME} are accepted", name.len())));
    }
    if described.shape.len() > MAX_RANK {
        return Err(fault(format!("rank {}; at most {MAX_RANK} is accepted", described.shape.len())));
    }
    let Some(dtype) = Dtype::from_name(&described.dtype) else {
        return Err(fault(format!("dtype {:?} is unknown", shorten(&described.dtype))));
    };
    let overflow = || fault(format!("the shape {:?} overflows", described.shape));
    let elements = described.shape.iter().try_fold(1_u64, |n, &d| n.checked_mul(d));
    let bytes = elements.and_then(|n| n.checked_mul(dtype.bytes())).ok_or_else(overflow)?;
    let shape: Result<Vec<usize>, _> = described.shape.iter().map(|&d| usize::try_from(d)).collect();
    let shape = shape.map_err(|_| overflow())?;
    let [begin, end] = described.data_offsets;
    if begin != next {
        return Err(fault(format!("its data begin at {begin}, but the tensor before ends at {next}")));
    }
    if end.checked_sub(begin) != Some(bytes) {
        return Err(fault(format!("its offsets {begin}..{end} do not hold {bytes} bytes")));
    }
    if end > data {
        return Err(SafetensorsError::Truncated { found: start + data, needed: start.saturating_add(end) });
    }
    Ok(Entry { name, dtype, shape, begin: start + begin, end: start + end })
}

/// A name for a message, without flooding it.
fn shorten(name: &str) -> String {
    name.chars().take(80).collect()
}

/// Reads a file that is in memory.
///
/// # Errors
/// When header or data are not exactly what the format says, or exceed a limit.
pub fn read(file: &[u8]) -> Result<Tensors<'_>, SafetensorsError> {
    let size = file.len() as u64;
    let Some((first, rest)) = file.split_first_chunk::<8>() else {
        return Err(SafetensorsError::Truncated { found: size, needed: 8 });
    };
    let entries = parse_header(&rest[..header_length(*first, size)?], size)?;
    let tensor = |entry: Entry| Tensor { data: &file[entry.begin as usize..entry.end as usize], entry };
    Ok(Tensors(entries.into_iter().map(tensor).collect()))
}

/// A tensor to write: name, shape, numbers.
pub type Named<'a> = (&'a str, &'a [usize], &'a [f32]);

/// The tensors in name order, the order in which they are written.
pub(super) fn sorted<'a>(tensors: &[Named<'a>]) -> Vec<Named<'a>> {
    let mut sorted = tensors.to_vec();
    sorted.sort_unstable_by_key(|&(name, ..)| name);
    sorted
}

/// The bytes before the data of a file of these tensors, in this order: length and header.
pub(super) fn head(tensors: &[Named<'_>]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), serde_json::json!({ "format": "pt" }));
    let mut offset = 0_u64;
    for &(name, shape, data) in tensors {
        let end = offset + size_of_val(data) as u64;
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [offset, end] });
        header.insert(name.to_owned(), entry);
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    // Data aligned to eight bytes can be mapped; readers skip trailing spaces.
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice()].concat()
}

/// A file of single-precision tensors in name order: the bytes are a function of the tensors alone.
#[must_use]
pub fn write(tensors: &[Named<'_>]) -> Vec<u8> {
    let sorted = sorted(tensors);
    let mut file = head(&sorted);
    file.reserve_exact(sorted.iter().map(|&(.., data)| size_of_val(data)).sum());
    for &(.., data) in &sorted {
        file.extend_from_slice(bytemuck::cast_slice(data));
    }
    file
}
