/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dtype {
    /// IEEE 754 double precision.
    F64,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of F32.
    Bf16,
    /// A type of masks, positions or quantized numbers: its extent in a file is known, its numbers are not read.
    Other {
        /// The format's name for it.
        name: &'static str,
        /// Bytes of an element.
        bytes: u64,
    },
}

/// The types that are stepped over, with their bytes.
const OTHERS: [(&str, u64); 12] = [
    ("BOOL", 1),
    ("U8", 1),
    ("I8", 1),
    ("F8_E4M3", 1),
    ("F8_E5M2", 1),
    ("U16", 2),
    ("I16", 2),
    ("U32", 4),
    ("I32", 4),
    ("U64", 8),
    ("I64", 8),
    ("C64", 8),
];

impl Dtype {
    /// The type of this name in a safetensors header.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            _ => OTHERS.iter().find(|other| other.0 == name).map(|&(name, bytes)| Self::Other { name, bytes })?,
        })
    }

    /// Its name in a safetensors header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Other { name, .. } => name,
        }
    }

    /// Bytes of an element.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Other { bytes, .. } => bytes,
        }
    }

    /// Whether a weight may be stored so.
    #[must_use]
    pub const fn is_read(self) -> bool {
        !matches!(self, Self::Other { .. })
    }

    /// Appends the numbers in these little-endian bytes in single precision, rounded to nearest where they are F64;
    /// nothing where the type is not read.
    pub(super) fn decode(self, bytes: &[u8], into: &mut Vec<f32>) {
        match self {
            Self::F64 => into.extend(elements(bytes).map(|b| f64::from_le_bytes(b) as f32)),
            Self::F32 => into.extend(elements(bytes).map(f32::from_le_bytes)),
            Self::F16 => into.extend(elements(bytes).map(|b| half::f16::from_le_bytes(b).to_f32())),
            Self::Bf16 => into.extend(elements(bytes).map(|b| half::bf16::from_le_bytes(b).to_f32())),
            Self::Other { .. } => {}
        }
    }
}

/// The bytes, N at a time.
fn elements<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}
