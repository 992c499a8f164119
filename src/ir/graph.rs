use core::ops::Range;

use super::{IrError, Op, Shape, Type};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A value of a graph.
    ValueId
);
id!(
    /// A node of a graph.
    NodeId
);
id!(
    /// A parameter of a graph.
    ParamId
);
id!(
    /// An input of a graph.
    InputId
);
id!(
    /// A state of a graph.
    StateId
);

/// How a parameter starts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Init {
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// As [`Init::Normal`], with one row of zeros.
    Padded {
        /// Standard deviation.
        std: f64,
        /// The row.
        row: u32,
    },
    /// All 1.
    Ones,
    /// All 0.
    Zeros,
}

/// What is trained: one tensor of a checkpoint, or several of them stacked along their first axis, so that one product
/// serves them all.
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    /// The key in a checkpoint; of a stack a name for people.
    pub name: String,
    /// Its extents, as stored.
    pub shape: Shape,
    /// Its first values; of a stack, its parts have their own.
    pub init: Init,
    /// Whether weight decay applies.
    pub decay: bool,
    /// Saved with the model, but not trained: it has no gradient.
    pub frozen: bool,
    /// The tensors of a stack, in order; empty for a single tensor.
    pub parts: Vec<Part>,
}

/// One tensor of a stack.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// The key in a checkpoint.
    pub name: String,
    /// Its first extent; the others are those of the stack.
    pub rows: usize,
    /// Its first values.
    pub init: Init,
}

/// A tensor of a checkpoint, and where a parameter keeps it.
#[derive(Clone, PartialEq, Debug)]
pub struct NamedTensor {
    /// The key in a checkpoint.
    pub name: String,
    /// Its extents.
    pub shape: Shape,
    /// Its first values.
    pub init: Init,
    /// Which parameter holds it.
    pub param: ParamId,
    /// Its elements inside the parameter.
    pub range: Range<usize>,
}

impl Param {
    /// The tensors of a checkpoint that this is, in the order of their elements.
    #[must_use]
    pub fn tensors(&self, id: ParamId) -> Vec<NamedTensor> {
        if self.parts.is_empty() {
            let (name, shape, init) = (self.name.clone(), self.shape.clone(), self.init);
            let range = 0..shape.elements();
            return vec![NamedTensor { name, shape, init, param: id, range }];
        }
        let mut start = 0;
        let tensor = |part: &Part| {
            let shape = self.shape.with_rows(part.rows);
            let range = start..start + shape.elements();
            start = range.end;
            NamedTensor { name: part.name.clone(), shape, init: part.init, param: id, range }
        };
        self.parts.iter().map(tensor).collect()
    }
}

/// What outlives a step beside the parameters, such as the keys and values of tokens seen so far.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// Graphs that name it alike share it.
    pub name: String,
    /// Element type and extents.
    pub ty: Type,
}

/// Data of a step.
#[derive(Clone, PartialEq, Debug)]
pub struct Input {
    /// What it is for.
    pub name: String,
    /// Element type and extents.
    pub ty: Type,
}

/// One application of an operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it makes, in the operation's order.
    pub outputs: Vec<ValueId>,
    /// Where in the model, e.g. `block.2/attn`.
    pub scope: String,
}

/// A tensor in a graph.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    /// Element type and extents.
    pub ty: Type,
    /// The node that makes it.
    pub node: NodeId,
}

/// A network as data: nodes in an order in which they can run, each value made once.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    /// Trainable tensors, in declaration order.
    pub params: Vec<Param>,
    /// Data of a step.
    pub inputs: Vec<Input>,
    /// What outlives a step, in declaration order.
    pub states: Vec<State>,
    /// In execution order.
    pub nodes: Vec<Node>,
    /// All tensors.
    pub values: Vec<Value>,
    /// Results by name, e.g. `loss`, `logits`.
    pub outputs: Vec<(String, ValueId)>,
    /// The gradient of the loss for parameters that influence it; [`crate::autodiff`] fills it.
    pub gradients: Vec<(ParamId, ValueId)>,
}

impl Graph {
    /// The type of a value.
    #[must_use]
    pub fn ty(&self, value: ValueId) -> &Type {
        &self.values[value.index()].ty
    }

    /// The node that makes a value.
    #[must_use]
    pub fn producer(&self, value: ValueId) -> &Node {
        &self.nodes[self.values[value.index()].node.index()]
    }

    /// The value whose elements these are: reshaping makes none of its own.
    #[must_use]
    pub fn viewed(&self, value: ValueId) -> ValueId {
        let mut value = value;
        loop {
            let node = self.producer(value);
            match (&node.op, node.inputs.first()) {
                (Op::Reshape { .. }, Some(&input)) => value = input,
                _ => return value,
            }
        }
    }

    /// An output by name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<ValueId> {
        self.outputs.iter().find(|(n, _)| n == name).map(|&(_, v)| v)
    }

    /// An input by name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<InputId> {
        self.inputs.iter().position(|input| input.name == name).map(|i| InputId(i as u32))
    }

    /// The tensors of a checkpoint, in the order of the parameters.
    #[must_use]
    pub fn tensors(&self) -> Vec<NamedTensor> {
        self.params.iter().enumerate().flat_map(|(i, param)| param.tensors(ParamId(i as u32))).collect()
    }

    /// Values that must outlive the graph: outputs and gradients.
    pub fn results(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.outputs.iter().map(|&(_, v)| v).chain(self.gradients.iter().map(|&(_, v)| v))
    }

    /// Number of trainable elements.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.params.iter().filter(|p| !p.frozen).map(|p| p.shape.elements()).sum()
    }
}

/// Appends nodes to a graph, inferring types and keeping the scope.
#[derive(Debug, Default)]
pub struct Builder {
    graph: Graph,
    scope: Vec<String>,
}

impl Builder {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with a graph.
    #[must_use]
    pub fn from_graph(graph: Graph) -> Self {
        Self { graph, scope: Vec::new() }
    }

    /// The graph so far.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph.
    #[must_use]
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// Appends `name` to the scope of the nodes to come, until [`Self::leave`].
    pub fn enter(&mut self, name: &str) {
        self.scope.push(name.to_owned());
    }

    /// Leaves the innermost scope.
    pub fn leave(&mut self) {
        self.scope.pop();
    }

    /// Replaces the whole scope, for passes that copy nodes.
    pub fn set_scope(&mut self, scope: &str) {
        self.scope = if scope.is_empty() { Vec::new() } else { vec![scope.to_owned()] };
    }

    /// Declares a parameter and the value that reads it.
    ///
    /// # Errors
    /// [`IrError::Name`] when the name is taken, [`IrError::Size`] when it is empty or too large.
    pub fn param(&mut self, param: Param) -> Result<ValueId, IrError> {
        if self.graph.params.iter().any(|p| p.name == param.name) {
            return Err(IrError::Name { name: param.name });
        }
        let id = ParamId(self.graph.params.len() as u32);
        self.graph.params.push(param);
        self.push(Op::Param(id), &[])
    }

    /// Declares a state, or finds it again. Read it with [`Op::State`], change it with [`Op::Store`] or [`Op::Append`].
    ///
    /// # Errors
    /// [`IrError::Name`] when the name stands for another type.
    pub fn state(&mut self, name: &str, ty: Type) -> Result<StateId, IrError> {
        match self.graph.states.iter().position(|s| s.name == name) {
            Some(i) if self.graph.states[i].ty == ty => Ok(StateId(i as u32)),
            Some(_) => Err(IrError::Name { name: name.to_owned() }),
            None => {
                self.graph.states.push(State { name: name.to_owned(), ty });
                Ok(StateId(self.graph.states.len() as u32 - 1))
            }
        }
    }

    /// Declares an input and the value that reads it.
    ///
    /// # Errors
    /// [`IrError::Name`] when the name is taken, [`IrError::Size`] when it is empty or too large.
    pub fn input(&mut self, name: &str, ty: Type) -> Result<ValueId, IrError> {
        if self.graph.inputs.iter().any(|i| i.name == name) {
            return Err(IrError::Name { name: name.to_owned() });
        }
        let id = InputId(self.graph.inputs.len() as u32);
        self.graph.inputs.push(Input { name: name.to_owned(), ty });
        self.push(Op::Input(id), &[])
    }

    /// Appends an operation with one output.
    ///
    /// # Errors
    /// When the inputs do not fit the operation.
    pub fn push(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId, IrError> {
        let name = op.name();
        let outputs = self.push_all(op, inputs)?;
        outputs.first().copied().ok_or_else(|| IrError::Arity { op: name, scope: self.scope.join("/"), found: 0 })
    }

    /// Appends an operation; returns all its outputs.
    ///
    /// # Errors
    /// When the inputs do not fit the operation.
    pub fn push_all(&mut self, op: Op, inputs: &[ValueId]) -> Result<Vec<ValueId>, IrError> {
        let scope = self.scope.join("/");
        let types = super::infer::infer(&self.graph, &op, inputs, &scope)?;
        let node = NodeId(self.graph.nodes.len() as u32);
        let first = self.graph.values.len() as u32;
        let outputs: Vec<ValueId> = (first..first + types.len() as u32).map(ValueId).collect();
        self.graph.values.extend(types.into_iter().map(|ty| Value { ty, node }));
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: outputs.clone(), scope });
        Ok(outputs)
    }

    /// Names a result.
    pub fn output(&mut self, name: &str, value: ValueId) {
        self.graph.outputs.push((name.to_owned(), value));
    }

    /// Records the gradient of a parameter.
    pub fn gradient(&mut self, param: ParamId, value: ValueId) {
        self.graph.gradients.push((param, value));
    }
}
