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
    /// Attention probabilities of one query.
    Attention { layer: usize, head: usize, row: usize, query: usize },
    /// Hidden state of one token, first values.
    Hidden { layer: usize, row: usize, time: usize },
    /// `grad_l2`.
    Gradients,
    /// `grad_global_l2`.
    GlobalGradient,
    /// `adamw_losses_before_each_step`.
    AdamW,
    /// Greedy ids.
    Greedy { prompt: Vec<u32> },
    /// Beam-search ids.
    Beam { beams: usize, length_penalty: f64, prompt: Vec<u32> },
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

fn parse_indexed(key: &str) -> Option<Key> {
    let bare = without_parentheses(key);
    let mut parts = bare.split('_');
    let kind = parts.next()?;
    let mut number = |prefix: &str| parts.next()?.strip_prefix(prefix)?.parse::<usize>().ok();
    let key = match kind {
        "attn" => Key::Attention { layer: number("L")?, head: number("H")?, row: number("b")?, query: number("row")? },
        "hidden" => Key::Hidden { layer: number("L")?, row: number("b")?, time: number("t")? },
        _ => return None,
    };
    parts.next().is_none().then_some(key)
}

fn parse_generated(key: &str) -> Option<Key> {
    let (head, prompt) = key.split_once("_from_[")?;
    let prompt = prompt.strip_suffix(']')?;
    let prompt = prompt.split(',').map(|id| id.trim().parse().ok()).collect::<Option<Vec<u32>>>()?;
    if head == "greedy" {
        return Some(Key::Greedy { prompt });
    }
    let (beams, penalty) =
        head.strip_prefix("beam")?.split_once("_lp").map_or((head.strip_prefix("beam")?, "1"), |p| p);
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
