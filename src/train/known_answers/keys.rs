//! What the keys of a case mean: `attn_L1_H2_b0_row5`, `hidden_L2(…)_b1_t0`, `beam3_lp0.5_from_[1,7]`.

/// A key of a case, understood.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Key {
    /// Says what to run, or is a comment.
    Description,
    /// `n_unique_params`.
    Parameters,
    /// `loss`.
    Loss,
    /// `logits`.
    Logits,
    /// Attention probabilities of one query, from the graph's output of this name.
    Attention { output: String, head: usize, row: usize, query: usize },
    /// Hidden state of one token, first values, from the graph's output of this name.
    Hidden { output: String, row: usize, time: usize },
    /// `grad_l2`.
    Gradients,
    /// `grad_global_l2`.
    GlobalGradient,
    /// `adamw_losses_before_each_step`.
    AdamW,
    /// Ids of the best token each time; without a prompt from the inputs of an encoder.
    Greedy { prompt: Option<Vec<u32>> },
    /// Ids of a beam search.
    Beam { beams: usize, length_penalty: f64, prompt: Option<Vec<u32>> },
    /// Something that is not compared.
    Unchecked,
}

pub(super) fn parse_key(key: &str) -> Key {
    match key {
        "class" | "config" | "inputs" | "greedy_min_margin" => return Key::Description,
        "n_unique_params" => return Key::Parameters,
        "loss" => return Key::Loss,
        "logits" => return Key::Logits,
        "grad_l2" => return Key::Gradients,
        "grad_global_l2" => return Key::GlobalGradient,
        "adamw_losses_before_each_step" => return Key::AdamW,
        _ if key.starts_with('_') => return Key::Description,
        _ => {}
    }
    parse_indexed(key).or_else(|| parse_generated(key)).unwrap_or(Key::Unchecked)
}

/// Heads of keys, and what the graph calls what they are about.
const STACKS: [(&str, &str); 8] = [
    ("attn_", "attention"),
    ("enc_attn_", "encoder.attention"),
    ("dec_attn_", "decoder.attention"),
    ("cross_attn_", "cross.attention"),
    ("hidden_", "hidden"),
    ("enc_hidden_", "encoder.hidden"),
    ("dec_hidden_", "decoder.hidden"),
    ("enc_last_hidden_", "encoder.last"),
];

fn parse_indexed(key: &str) -> Option<Key> {
    let bare = without_parentheses(key);
    let (rest, output) = STACKS.iter().find_map(|(head, output)| Some((bare.strip_prefix(head)?, *output)))?;
    let mut parts = rest.split('_');
    let mut number = |prefix: &str| parts.next()?.strip_prefix(prefix)?.parse::<usize>().ok();
    let key = match output.rsplit('.').next() {
        Some("attention") => {
            let output = format!("{output}.{}", number("L")?);
            Key::Attention { output, head: number("H")?, row: number("b")?, query: number("row")? }
        }
        Some("last") => Key::Hidden { output: output.to_owned(), row: number("b")?, time: number("t")? },
        Some(_) | None => {
            let output = format!("{output}.{}", number("L")?);
            Key::Hidden { output, row: number("b")?, time: number("t")? }
        }
    };
    parts.next().is_none().then_some(key)
}

fn parse_generated(key: &str) -> Option<Key> {
    let (head, prompt) = match key.split_once("_from_[") {
        None => (key, None),
        Some((head, prompt)) => {
            let ids = prompt.strip_suffix(']')?.split(',');
            (head, Some(ids.map(|id| id.trim().parse().ok()).collect::<Option<Vec<u32>>>()?))
        }
    };
    if head == "greedy" {
        return Some(Key::Greedy { prompt });
    }
    let beam = head.strip_prefix("beam")?;
    let (beams, penalty) = beam.split_once("_lp").unwrap_or((beam, "1"));
    Some(Key::Beam { beams: beams.parse().ok().filter(|&b| b > 0)?, length_penalty: penalty.parse().ok()?, prompt })
}

/// The key without the comments that stand in it.
fn without_parentheses(key: &str) -> String {
    let mut depth = 0_usize;
    let mut bare = String::new();
    for c in key.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}
