//! The known answers of PyTorch's optimizers, and the interpreter held to them. `tests/reference/optimizers.py` made them.

use serde_json::Value;
use trainyard::ir::{Init, Optimizer, OptimizerKind, Param, Shape};
use trainyard::reference::{AdamState, Float, update};

/// What the file says.
pub struct Answers {
    pub lr: f64,
    pub table: Vec<Param>,
    /// A vector a parameter.
    pub first: Vec<Vec<f64>>,
    /// The same for every step.
    pub gradients: Vec<Vec<Vec<f64>>>,
    pub cases: Vec<Case>,
}

/// The steps of one optimizer.
pub struct Case {
    pub name: String,
    pub optimizer: Optimizer,
    /// Parameters after each step.
    pub after: Vec<Vec<Vec<f64>>>,
}

pub fn answers() -> Answers {
    let file: Value = serde_json::from_str(include_str!("../../fixtures/optimizers_kat.json")).expect("a JSON file");
    let table: Vec<Param> = file["shapes"]
        .as_object()
        .expect("shapes by name")
        .iter()
        .map(|(name, dims)| {
            let dims: Vec<usize> = numbers(dims).iter().map(|&d| d as usize).collect();
            Param {
                name: name.clone(),
                shape: Shape::new(&dims),
                init: Init::Zeros,
                decay: dims.len() == 2,
                frozen: false,
                parts: vec![],
            }
        })
        .collect();
    let tensors = |value: &Value| table.iter().map(|p| numbers(&value[p.name.as_str()])).collect::<Vec<_>>();
    let steps = |value: &Value| value.as_array().expect("a list of steps").iter().map(tensors).collect::<Vec<_>>();
    let cases = file["cases"].as_object().expect("cases by name").iter().map(|(name, case)| {
        let optimizer = Optimizer { kind: kind(case), clip: case["clip"].as_f64() };
        Case { name: name.clone(), optimizer, after: steps(&case["after"]) }
    });
    Answers {
        lr: number(&file["lr"]),
        first: tensors(&file["first"]),
        gradients: steps(&file["gradients"]),
        cases: cases.collect(),
        table,
    }
}

fn kind(case: &Value) -> OptimizerKind {
    let betas = || numbers(&case["betas"]);
    let (beta1, beta2) = (|| betas()[0], || betas()[1]);
    let [eps, momentum] = ["eps", "momentum"].map(|key| move || number(&case[key]));
    let weight_decay = number(&case["weight_decay"]);
    match case["rule"].as_str().expect("a rule") {
        "adamw" => OptimizerKind::AdamW { beta1: beta1(), beta2: beta2(), eps: eps(), weight_decay },
        "sgd" => OptimizerKind::Sgd { momentum: momentum(), weight_decay },
        "lion" => OptimizerKind::Lion { beta1: beta1(), beta2: beta2(), weight_decay },
        "adafactor" => OptimizerKind::Adafactor {
            eps: eps(),
            clip_threshold: number(&case["clip_threshold"]),
            decay_rate: number(&case["decay_rate"]),
            weight_decay,
        },
        "muon" => {
            OptimizerKind::Muon { momentum: momentum(), beta1: beta1(), beta2: beta2(), eps: eps(), weight_decay }
        }
        rule => panic!("the file has a rule {rule:?}"),
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

/// Whether every element is within `gate` of the largest one expected.
///
/// # Errors
/// The first element that is not.
pub fn agree(found: &[f64], expected: &[f64], gate: f64) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} values instead of {}", found.len(), expected.len()));
    }
    let scale = expected.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
    for (i, (&f, &e)) in found.iter().zip(expected).enumerate() {
        if !((f - e).abs() <= gate * scale) {
            return Err(format!("[{i}] is {f:e} instead of {e:e}, off by {:.1e} of {scale:e}", (f - e).abs() / scale));
        }
    }
    Ok(())
}

/// Parameters after each step, by the interpreter.
fn steps<F: Float>(answers: &Answers, optimizer: Optimizer) -> Vec<Vec<Vec<f64>>> {
    let narrow = |tensors: &[Vec<f64>]| -> Vec<Vec<F>> {
        tensors.iter().map(|t| t.iter().map(|&x| F::new(x)).collect()).collect()
    };
    let mut params = narrow(&answers.first);
    let mut state = AdamState::new(&answers.table);
    let mut after = Vec::new();
    for (t, gradients) in (1..).zip(&answers.gradients) {
        let gradients = narrow(gradients);
        let views: Vec<Option<&[F]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
        update(&optimizer, &answers.table, &mut params, &views, &mut state, answers.lr, t).expect("it fits");
        after.push(params.iter().map(|p| p.iter().map(|x| x.widen()).collect()).collect());
    }
    after
}

/// The worst that is wrong with a case, if anything is.
fn fault(found: &[Vec<Vec<f64>>], case: &Case, gate: f64) -> Option<String> {
    assert_eq!(found.len(), case.after.len());
    found.iter().zip(&case.after).flat_map(|(f, e)| f.iter().zip(e)).find_map(|(f, e)| agree(f, e, gate).err())
}

#[test]
fn the_interpreter_takes_pytorchs_steps() {
    let answers = answers();
    assert_eq!(answers.cases.len(), 9);
    for case in &answers.cases {
        let found = steps::<f64>(&answers, case.optimizer);
        assert_eq!(fault(&found, case, 1e-12), None, "{} in f64", case.name);
        let found = steps::<f32>(&answers, case.optimizer);
        // Newton-Schulz amplifies rounding: 3.4 per iteration for small singular values.
        let gate = if case.name.starts_with("muon") { 1e-5 } else { 2e-6 };
        assert_eq!(fault(&found, case, gate), None, "{} in f32", case.name);
    }
}

/// Every constant of every rule matters to the answers.
#[test]
fn a_wrong_constant_is_noticed() {
    let answers = answers();
    let wrong = |name: &str, change: &dyn Fn(&mut Optimizer)| {
        let case = answers.cases.iter().find(|c| c.name == name).expect("the case exists");
        let mut optimizer = case.optimizer;
        change(&mut optimizer);
        assert_ne!(optimizer, case.optimizer, "{name}: nothing is changed");
        assert!(fault(&steps::<f64>(&answers, optimizer), case, 1e-6).is_some(), "{name} passes with {optimizer:?}");
    };
    for name in ["adamw", "sgd", "adafactor", "lion", "muon"] {
        wrong(name, &|o| o.kind = o.kind.with_weight_decay(0.11));
    }
    for name in ["adamw_clipped", "sgd_plain", "adafactor_clipped", "muon_clipped"] {
        wrong(name, &|o| o.clip = None);
    }
    // What the closure sets is a constant of the case's rule; another rule would be left as it is, which `wrong` refuses.
    let constant = |name: &str, change: fn(&mut OptimizerKind)| wrong(name, &|o| change(&mut o.kind));
    constant("sgd", |kind| {
        if let OptimizerKind::Sgd { momentum, .. } = kind {
            *momentum = 0.91;
        }
    });
    for change in [|[beta1, _]: [f64; 2]| [beta1, 0.2], |[_, beta2]: [f64; 2]| [0.2, beta2]] {
        wrong("lion", &|o| {
            if let OptimizerKind::Lion { beta1, beta2, .. } = &mut o.kind {
                [*beta1, *beta2] = change([*beta1, *beta2]);
            }
        });
        wrong("muon", &|o| {
            if let OptimizerKind::Muon { beta1, beta2, .. } = &mut o.kind {
                [*beta1, *beta2] = change([*beta1, *beta2]);
            }
        });
    }
    constant("muon", |kind| {
        if let OptimizerKind::Muon { momentum, .. } = kind {
            *momentum = 0.94;
        }
    });
    constant("adafactor", |kind| {
        if let OptimizerKind::Adafactor { decay_rate, .. } = kind {
            *decay_rate = -0.7;
        }
    });
    constant("adafactor_clipped", |kind| {
        if let OptimizerKind::Adafactor { clip_threshold, .. } = kind {
            *clip_threshold = 0.6;
        }
    });
}

#[test]
fn the_comparer_can_fail() {
    assert!(agree(&[1.0, 2.0], &[1.0, 2.0], 0.0).is_ok());
    assert!(agree(&[1.0 + 3e-6, 2.0], &[1.0, 2.0], 1e-6).is_err());
    assert!(agree(&[f64::NAN, 2.0], &[1.0, 2.0], 1e-6).is_err());
    assert!(agree(&[1.0], &[1.0, 2.0], 1.0).is_err());
}
