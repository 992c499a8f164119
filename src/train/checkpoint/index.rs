use core::fmt;
use std::collections::BTreeMap;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::load::unreadable;
use super::{INDEX, Source, WeightsError};

const MAX_BYTES: u64 = 16 << 20;
const MAX_FILES: usize = 1000;
const MAX_NAME: usize = 255;

/// `model.safetensors.index.json`: which file has which tensor.
#[derive(Deserialize)]
pub(super) struct Index {
    weight_map: WeightMap,
}

/// File of each tensor.
struct WeightMap(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for WeightMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(BTreeMap::new()))
    }
}

impl<'de> Visitor<'de> for WeightMap {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of file names")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((tensor, file)) = map.next_entry::<String, String>()? {
            // A file lies beside its index, nowhere else.
            if file.len() > MAX_NAME || file.contains(['/', '\\', ':', '\0']) || !file.ends_with(".safetensors") {
                let file: String = file.chars().take(80).collect();
                return Err(A::Error::custom(format_args!("{file:?} is no name of a safetensors file")));
            }
            if self.0.contains_key(&tensor) {
                let tensor: String = tensor.chars().take(80).collect();
                return Err(A::Error::custom(format_args!("tensor {tensor:?} occurs twice")));
            }
            self.0.insert(tensor, file);
        }
        Ok(self)
    }
}

impl Index {
    /// Reads and checks an index.
    pub async fn read<S: Source>(source: &S) -> Result<Self, WeightsError> {
        let size = source.size();
        if size > MAX_BYTES {
            return Err(WeightsError::Index(format!("{size} bytes; at most {MAX_BYTES} are accepted")));
        }
        let mut bytes = vec![0; size as usize];
        source.read_at(0, &mut bytes).await.map_err(|error| unreadable(INDEX, &error))?;
        let index: Self = serde_json::from_slice(&bytes).map_err(|error| WeightsError::Index(error.to_string()))?;
        match index.files().len() {
            0 => Err(WeightsError::Index("it names no file".to_owned())),
            1..=MAX_FILES => Ok(index),
            files => Err(WeightsError::Index(format!("it names {files} files; at most {MAX_FILES} are accepted"))),
        }
    }

    /// Every tensor with its file, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.weight_map.0.iter().map(|(tensor, file)| (tensor.as_str(), file.as_str()))
    }

    /// Every file with its tensors, by name.
    pub fn files(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tensor, file) in self.tensors() {
            files.entry(file).or_default().push(tensor);
        }
        files
    }
}
