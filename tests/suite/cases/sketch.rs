//! A case under construction: a graph whose inputs get their data as they are declared.

use trainyard::ir::{Builder, Init, Op, PREFIX, Param, Shape, StateId, Type, ValueId};
use trainyard::reference::{StepKey, Tensor};
use trainyard::rng::{Draws, Stream, unit};

use super::Case;

pub struct Sketch {
    name: String,
    b: Builder,
    params: Vec<Vec<f64>>,
    inputs: Vec<Tensor<f64>>,
    wrt: Vec<ValueId>,
    draws: Draws,
}

impl Sketch {
    /// Data depends on the name alone.
    pub fn new(name: String) -> Self {
        let draws = Draws::new(trainyard::rng::fnv1a32(&name), Stream::Task, 1);
        let mut b = Builder::new();
        b.set_scope("case");
        Self { name, b, params: vec![], inputs: vec![], wrt: vec![], draws }
    }

    /// Uniform in [-1, 1), exact in f32, and away from 0, where a ReLU has no derivative.
    fn number(&mut self) -> f64 {
        let x = f64::from(unit(self.draws.word())) * 2.0 - 1.0;
        if x.abs() < 1.0 / 64.0 { x + 0.125 } else { x }
    }

    fn numbers(&mut self, dims: &[usize]) -> Vec<f64> {
        (0..Shape::new(dims).elements()).map(|_| self.number()).collect()
    }

    fn declare(&mut self, ty: Type, data: Tensor<f64>) -> ValueId {
        let value = self.b.input(&format!("x{}", self.inputs.len()), ty).expect("names are counted");
        self.inputs.push(data);
        value
    }

    /// An input of random numbers, to be differentiated for.
    pub fn x(&mut self, dims: &[usize]) -> ValueId {
        let numbers = self.numbers(dims);
        self.given(dims, numbers)
    }

    /// As [`Self::x`], with the given numbers, rounded to f32.
    pub fn given(&mut self, dims: &[usize], numbers: Vec<f64>) -> ValueId {
        let rounded = numbers.into_iter().map(|x| f64::from(x as f32)).collect();
        let value = self.declare(Type::f32(dims), Tensor::Float(rounded));
        self.wrt.push(value);
        value
    }

    /// As [`Self::x`], with numbers in `center ± spread`.
    pub fn around(&mut self, dims: &[usize], center: f64, spread: f64) -> ValueId {
        let numbers = self.numbers(dims).into_iter().map(|x| center + spread * x).collect();
        self.given(dims, numbers)
    }

    /// An input of random numbers that has no gradient.
    pub fn data(&mut self, dims: &[usize]) -> ValueId {
        let numbers = self.numbers(dims);
        self.declare(Type::f32(dims), Tensor::Float(numbers))
    }

    /// Weights of rows, some of them 0.
    pub fn weights(&mut self, dims: &[usize]) -> ValueId {
        let rows = Shape::new(dims).elements();
        let weights = (0..rows).map(|i| if i % 3 == 1 { 0.0 } else { f64::from(self.draws.below(64) + 1) / 64.0 });
        let weights = weights.collect();
        self.declare(Type::f32(dims), Tensor::Float(weights))
    }

    /// An input of random indices below `n`.
    pub fn ids(&mut self, dims: &[usize], n: u32) -> ValueId {
        let ids = (0..Shape::new(dims).elements()).map(|_| self.draws.below(n)).collect();
        self.given_ids(dims, ids)
    }

    /// An input of the given indices.
    pub fn given_ids(&mut self, dims: &[usize], ids: Vec<u32>) -> ValueId {
        self.declare(Type::u32(dims), Tensor::Index(ids))
    }

    /// A state, zero at first.
    pub fn state(&mut self, name: &str, ty: Type) -> StateId {
        self.b.state(name, ty).expect("a case names a state once")
    }

    /// Narrows what will be differentiated for.
    pub fn differentiate_only(&mut self, operands: &[ValueId]) {
        self.wrt.retain(|v| operands.contains(v));
    }

    /// A key mask `[B,T]`: about a third of the keys hidden; key 0 of sequence 0 hidden, so that a causal query sees
    /// nothing; the last of several sequences hidden as a whole. Keys belong to two documents, in turns of two, whose
    /// numbers fill the bits, and a third of them carry the mark of a prefix, whether anybody asks or not.
    pub fn key_mask(&mut self, batch: usize, time: usize) -> ValueId {
        let mut mask = Vec::new();
        for i in 0..batch * time {
            let document = if i / 2 % 2 == 0 { 1 } else { !PREFIX };
            let mark = if self.draws.below(3) == 0 { PREFIX } else { 0 };
            mask.push(if self.draws.below(3) > 0 { document | mark } else { 0 });
        }
        mask[0] = 0;
        if batch > 1 {
            mask[(batch - 1) * time..].fill(0);
        }
        self.declare(Type::u32(&[batch, time]), Tensor::Index(mask))
    }

    /// A parameter of random numbers, to be differentiated for.
    pub fn param(&mut self, dims: &[usize]) -> ValueId {
        let param = Param {
            name: "weight".to_owned(),
            shape: Shape::new(dims),
            init: Init::Ones,
            decay: true,
            frozen: false,
            parts: vec![],
        };
        let value = self.b.param(param).expect("one parameter a case");
        let numbers = self.numbers(dims);
        self.params.push(numbers);
        self.wrt.push(value);
        value
    }

    pub fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        self.push_all(op, inputs)[0]
    }

    pub fn push_all(&mut self, op: Op, inputs: &[ValueId]) -> Vec<ValueId> {
        self.b.push_all(op, inputs).unwrap_or_else(|error| panic!("case {}: {error}", self.name))
    }

    /// The case with the outputs `y0`, `y1`, …; `terms` is the length of its longest sum.
    pub fn finish(mut self, outputs: &[ValueId], terms: usize) -> Case {
        for (i, &value) in outputs.iter().enumerate() {
            self.b.output(&format!("y{i}"), value);
        }
        let Self { name, b, params, inputs, wrt, .. } = self;
        Case { name, graph: b.finish(), params, inputs, wrt, key: StepKey { seed: 7, step: 3 }, terms }
    }

    /// The case of an operation that is no function to differentiate (a gradient, say).
    pub fn finish_forward(mut self, outputs: &[ValueId], terms: usize) -> Case {
        self.wrt.clear();
        self.finish(outputs, terms)
    }
}
