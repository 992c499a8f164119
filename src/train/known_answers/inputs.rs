use serde_json::{Map, Value};

use super::Data;

/// The arguments of `GPT2LMHeadModel.forward`, as our graph takes them.
pub(super) struct Batch {
    pub rows: usize,
    pub time: usize,
    pub ids: Vec<u32>,
    pub key_mask: Option<Vec<u32>>,
    pub targets: Vec<u32>,
    pub weights: Vec<f64>,
}

impl Batch {
    /// The graph's inputs by name.
    pub fn inputs(&self) -> Vec<(String, Data)> {
        let mut inputs = Self::ids_only(self.ids.clone());
        inputs.push(("targets".to_owned(), Data::Index(self.targets.clone())));
        inputs.push(("weights".to_owned(), Data::Float(self.weights.clone())));
        if let Some(mask) = &self.key_mask {
            inputs.push(("key_mask".to_owned(), Data::Index(mask.clone())));
        }
        inputs
    }

    pub fn ids_only(ids: Vec<u32>) -> Vec<(String, Data)> {
        vec![("ids".to_owned(), Data::Index(ids))]
    }
}

/// Reads ids, mask and labels; the model shifts labels by one, and -100 is ignored.
pub(super) fn language_model_inputs(inputs: &Map<String, Value>, vocabulary: usize) -> Result<Batch, String> {
    let mut ids = None;
    let mut key_mask = None;
    let mut labels = None;
    let mut positions = None;
    for (key, value) in inputs {
        match key.as_str() {
            "input_ids" => ids = Some(matrix(key, value)?),
            "attention_mask" => key_mask = Some(matrix(key, value)?),
            "labels" => labels = Some(matrix(key, value)?),
            "position_ids" => positions = Some(matrix(key, value)?),
            "use_cache" | "return_dict" => {}
            _ if key.starts_with("output_") || key.starts_with('_') => {}
            _ => return Err(format!("input {key:?} is not known")),
        }
    }
    let (rows, time, ids) = ids.ok_or("input_ids are missing")?;
    let same = |name: &str, (r, t, values): (usize, usize, Vec<i64>)| {
        if (r, t) == (rows, time) { Ok(values) } else { Err(format!("{name} is {r}×{t}, input_ids {rows}×{time}")) }
    };
    let id = |&value: &i64| {
        let id = u32::try_from(value).ok().filter(|&id| (id as usize) < vocabulary);
        id.ok_or_else(|| format!("id {value} lies outside the vocabulary of {vocabulary}"))
    };
    let ids = ids.iter().map(id).collect::<Result<Vec<u32>, _>>()?;
    if let Some(positions) = positions.map(|m| same("position_ids", m)).transpose()?
        && positions.iter().enumerate().any(|(i, &p)| p != (i % time) as i64)
    {
        return Err("position_ids other than 0, 1, 2 … are not supported".to_owned());
    }
    let key_mask = key_mask.map(|m| same("attention_mask", m)).transpose()?;
    let key_mask = key_mask.map(|mask| mask.iter().map(|&m| u32::from(m != 0)).collect());
    let labels = same("labels", labels.ok_or("labels are missing")?)?;

    let mut targets = vec![0; rows * time];
    let mut weights = vec![0.0; rows * time];
    for (at, label) in labels.iter().enumerate() {
        if at % time > 0 && *label != -100 {
            targets[at - 1] = id(label)?;
            weights[at - 1] = 1.0;
        }
    }
    let counted: f64 = weights.iter().sum();
    if counted == 0.0 {
        return Err("no label counts".to_owned());
    }
    weights.iter_mut().for_each(|w| *w /= counted);
    Ok(Batch { rows, time, ids, key_mask, targets, weights })
}

fn matrix(name: &str, value: &Value) -> Result<(usize, usize, Vec<i64>), String> {
    let wrong = || format!("{name} is no matrix of whole numbers");
    let rows = value.as_array().ok_or_else(wrong)?;
    let mut flat = Vec::new();
    for row in rows {
        let row = row.as_array().ok_or_else(wrong)?;
        flat.extend(row.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>().ok_or_else(wrong)?);
    }
    let time = flat.len() / rows.len().max(1);
    let even = rows.iter().all(|row| row.as_array().map(Vec::len) == Some(time));
    if time == 0 || !even { Err(wrong()) } else { Ok((rows.len(), time, flat)) }
}
