//! Gradients against differences, in f64. In f32 the differences themselves would be wrong.

use trainyard::reference::{Interpreter, Keep, Values};
use trainyard::rng::{Draws, Stream, unit};

use crate::cases::Case;

/// Above this many elements an operand is checked along random directions instead of along each axis.
const EVERY_ELEMENT: usize = 512;
const DIRECTIONS: usize = 20;

/// `⟨cotangent, y0⟩` as a function of the operands.
struct Objective {
    interpreter: Interpreter<f64>,
    case: Case,
    cotangent: Vec<f64>,
}

impl Objective {
    /// Takes the cotangent from a differentiated case.
    fn new(case: &Case, differentiated: &Case) -> Result<Self, String> {
        let interpreter = Interpreter::new(&case.graph, Keep::Results).map_err(|e| e.to_string())?;
        let cotangent = differentiated.graph.input("cotangent").ok_or("the case is not differentiated")?;
        let cotangent = match &differentiated.inputs[cotangent.index()] {
            trainyard::reference::Tensor::Float(numbers) => numbers.clone(),
            trainyard::reference::Tensor::Index(_) => return Err("a cotangent is numbers".to_owned()),
        };
        Ok(Self { interpreter, case: case.clone(), cotangent })
    }

    /// The terms of the objective when operand `i` is `x`.
    fn terms(&mut self, i: usize, x: &[f64]) -> Result<Vec<f64>, String> {
        let value = self.case.wrt[i];
        let kept = self.case.operand(value).to_vec();
        self.case.operand_mut(value).copy_from_slice(x);
        let Case { params, inputs, key, .. } = &self.case;
        let values = self.interpreter.run(params, inputs, *key).map_err(|e| e.to_string())?;
        let y = values.output("y0").ok_or("no output y0")?;
        let terms = y.iter().zip(&self.cotangent).map(|(y, c)| y * c).collect();
        self.interpreter.recycle(values);
        self.case.operand_mut(value).copy_from_slice(&kept);
        Ok(terms)
    }

    /// The objective, when operand `i` is `x + step · direction`.
    fn at(&mut self, i: usize, direction: &[f64], step: f64) -> Result<f64, String> {
        let x = self.case.operand(self.case.wrt[i]);
        let moved: Vec<f64> = x.iter().zip(direction).map(|(x, d)| x + step * d).collect();
        Ok(self.terms(i, &moved)?.iter().sum())
    }

    /// Sum of the magnitudes of the terms: what rounding is relative to.
    fn magnitude(&mut self, i: usize) -> Result<f64, String> {
        let x = self.case.operand(self.case.wrt[i]).to_vec();
        Ok(self.terms(i, &x)?.iter().map(|t| t.abs()).sum())
    }
}

/// Gradients of a differentiated case, by operand.
pub fn gradients(differentiated: &Case) -> Result<Vec<Vec<f64>>, String> {
    let values: Values<f64> = differentiated.run().map_err(|e| e.to_string())?;
    (0..differentiated.wrt.len())
        .map(|i| values.output(&format!("d{i}")).map(<[f64]>::to_vec).ok_or_else(|| format!("no output d{i}")))
        .collect()
}

/// Compares `claimed` gradients with central differences, h = 1e-5·max(1,|x|), to 1e-6 of the operand's largest
/// gradient; what is added to that is the rounding of the difference quotient, 2⁻⁵²·|objective|/h.
pub fn against_differences(case: &Case, differentiated: &Case, claimed: &[Vec<f64>]) -> Result<(), String> {
    let mut objective = Objective::new(case, differentiated)?;
    for (i, claimed) in claimed.iter().enumerate() {
        let x = case.operand(case.wrt[i]).to_vec();
        let largest = claimed.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        let rounding = 1e-10 * objective.magnitude(i)?;
        for (k, direction) in directions(case, i, x.len()).into_iter().enumerate() {
            let reach = direction.iter().zip(&x).filter(|(d, _)| **d != 0.0).fold(1.0_f64, |m, (_, x)| m.max(x.abs()));
            let h = 1e-5 * reach;
            let difference = (objective.at(i, &direction, h)? - objective.at(i, &direction, -h)?) / (2.0 * h);
            let gradient = dot(claimed, &direction);
            let gate = 1e-6 * largest * norm(&direction) + rounding;
            let error = (difference - gradient).abs();
            // A NaN fails.
            if !(error <= gate) {
                return Err(format!(
                    "{}: operand {i}, direction {k}: gradient {gradient:e}, difference {difference:e}, error \
                     {error:e} above {gate:e}",
                    case.name
                ));
            }
        }
    }
    Ok(())
}

/// `⟨cotangent, J v⟩ = ⟨Jᵀ cotangent, v⟩` for a random v over all operands together, to 1e-10; J v is a difference of
/// fourth order, whose error at h = 1e-3 is of the order of 1e-13.
pub fn dot_test(case: &Case, differentiated: &Case, claimed: &[Vec<f64>]) -> Result<(), String> {
    let mut objective = Objective::new(case, differentiated)?;
    for (i, claimed) in claimed.iter().enumerate() {
        let direction = random(case, 100 + i as u32, claimed.len());
        let h = 1e-3;
        let mut at = |step: f64| objective.at(i, &direction, step);
        let forward = (8.0 * (at(h)? - at(-h)?) - (at(2.0 * h)? - at(-2.0 * h)?)) / (12.0 * h);
        let backward = dot(claimed, &direction);
        let scale = objective.magnitude(i)?.max(norm(claimed) * norm(&direction));
        let error = (forward - backward).abs();
        if !(error <= 1e-10 * scale) {
            return Err(format!(
                "{}: operand {i}: ⟨c, Jv⟩ = {forward:e}, ⟨Jᵀc, v⟩ = {backward:e}, error {error:e} of scale {scale:e}",
                case.name
            ));
        }
    }
    Ok(())
}

/// Axes of a small operand, random directions in a large one.
fn directions(case: &Case, operand: usize, len: usize) -> Vec<Vec<f64>> {
    if len > EVERY_ELEMENT {
        return (0..DIRECTIONS).map(|k| random(case, (operand * DIRECTIONS + k) as u32, len)).collect();
    }
    let axis = |k: usize| (0..len).map(|j| if j == k { 1.0 } else { 0.0 }).collect();
    (0..len).map(axis).collect()
}

fn random(case: &Case, item: u32, len: usize) -> Vec<f64> {
    let mut draws = Draws::new(item, Stream::Task, trainyard::rng::fnv1a32(&case.name));
    (0..len).map(|_| f64::from(unit(draws.word())) * 2.0 - 1.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
