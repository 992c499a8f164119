//! Gives every operand a buffer: arenas for parameters and gradients, the inputs buffer for the host's data, slots by
//! liveness for the rest.

use std::collections::BTreeMap;

use super::buffers::{Arenas, Binding, Buffer, DerivedInput, InputSlot, OutputSlot, Plan, PlanError, PlanLaunch};
use super::content::{Content, Emitted, Span};
use super::lower::Lowered;
use super::resolve::{Resolved, state_of};
use crate::ir::{Graph, InputId, Op, ValueId};
use crate::kernels::Access;

const ALIGNMENT: u64 = 256;

/// A launch reads from its first operands and writes to its last ones, so a slot can be handed on after the launch
/// that reads it last, never during it: no launch may read and write one buffer.
pub(super) fn place(
    graph: &Graph,
    resolved: &Resolved,
    lowered: &Lowered,
    arenas: Arenas,
    ring: u32,
    trains: bool,
) -> Result<Plan, PlanError> {
    let inputs = input_slots(graph, &lowered.derived);
    let input_bytes = input_bytes(graph, lowered);
    let mut placer = Placer {
        graph,
        resolved,
        lowered,
        arenas: &arenas,
        inputs: &inputs,
        input_bytes,
        ring,
        slots: Slots::default(),
    };

    let mut constants = Vec::new();
    let last_use = placer.last_uses();
    for (content, words) in lowered.constants.iter().filter(|(content, _)| last_use.contains_key(content)) {
        let slot = placer.slots.take(*content, words.len() as u64 * 4, usize::MAX);
        constants.push((slot, words.clone()));
    }
    let mut launches = Vec::with_capacity(lowered.launches.len());
    let mut trace = Vec::with_capacity(lowered.launches.len());
    for (at, emitted) in lowered.launches.iter().enumerate() {
        for content in emitted.operands.iter().map(|c| c.tenant()) {
            if placer.needs_slot(content) && !placer.slots.holds(content) {
                let bytes = placer.bytes(content);
                let until = last_use.get(&content).copied().unwrap_or(at);
                placer.slots.take(content, bytes, until);
            }
        }
        launches.push(placer.bind(emitted, at)?);
        trace.push(emitted.operands.clone());
        placer.slots.release(at);
    }
    let outputs = placer.outputs()?;
    let slots = placer.slots.sizes;
    let tail = lowered.tail.unwrap_or(launches.len());
    let states = graph.states.clone();
    Ok(Plan { trace, launches, tail, slots, constants, states, outputs, inputs, input_bytes, ring, trains, arenas })
}

/// Bytes of the inputs buffer.
pub(super) fn input_bytes(graph: &Graph, lowered: &Lowered) -> u64 {
    let end = |s: &InputSlot| (s.offset + s.words as u64 * 4).next_multiple_of(ALIGNMENT);
    input_slots(graph, &lowered.derived).last().map_or(ALIGNMENT, end)
}

fn input_slots(graph: &Graph, derived: &[(InputId, DerivedInput)]) -> Vec<InputSlot> {
    let mut offset = 0;
    let slot = |&(id, derived): &(InputId, DerivedInput)| {
        let input = &graph.inputs[id.index()];
        let n = input.ty.shape.elements();
        let words = match derived {
            DerivedInput::Direct => n,
            DerivedInput::SortedPositions { rows, .. } => rows as usize + 1 + n,
        };
        let slot = InputSlot { name: input.name.clone(), derived, offset, words };
        offset = (offset + words as u64 * 4).next_multiple_of(ALIGNMENT);
        slot
    };
    derived.iter().map(slot).collect()
}

struct Placer<'a> {
    graph: &'a Graph,
    resolved: &'a Resolved,
    lowered: &'a Lowered,
    arenas: &'a Arenas,
    inputs: &'a [InputSlot],
    input_bytes: u64,
    ring: u32,
    slots: Slots,
}

impl Placer<'_> {
    /// The last launch that touches each content; results last for ever.
    fn last_uses(&self) -> BTreeMap<Content, usize> {
        let mut last = BTreeMap::new();
        for (at, emitted) in self.lowered.launches.iter().enumerate() {
            for content in &emitted.operands {
                last.insert(content.tenant(), at);
            }
        }
        for (_, until) in last.iter_mut().filter(|(content, _)| content.persists()) {
            *until = usize::MAX;
        }
        for value in self.graph.results() {
            last.insert(self.resolved.value(value), usize::MAX);
        }
        last
    }

    fn gradient_of(&self, value: ValueId) -> Option<usize> {
        let content = Content::Value(value);
        self.graph.gradients.iter().find(|&&(_, v)| self.resolved.value(v) == content).map(|&(p, _)| p.index())
    }

    fn needs_slot(&self, content: Content) -> bool {
        match content {
            Content::Value(value) | Content::Partial(value) => {
                !matches!(self.graph.producer(value).op, Op::Param(_))
                    && state_of(self.graph, value).is_none()
                    && self.gradient_of(value).is_none()
            }
            Content::Scratch(_) | Content::DerivedTable(..) | Content::Total(_) | Content::TotalLoss => true,
            Content::Derived(..)
            | Content::State(_)
            | Content::Params(_)
            | Content::Grads(_)
            | Content::Moment1(_)
            | Content::Moment2(_)
            | Content::InputRing
            | Content::Inputs
            | Content::Records => false,
        }
    }

    fn bytes(&self, content: Content) -> u64 {
        match content {
            Content::Value(value) | Content::Partial(value) => self.graph.ty(value).bytes(),
            Content::Scratch(id) => self.lowered.scratch[id as usize],
            Content::Total(_) => self.arenas.elements as u64 * 4,
            Content::TotalLoss => 4,
            Content::Derived(..) | Content::DerivedTable(..) => self.range(content).2,
            Content::State(id) => self.graph.states[id.index()].ty.bytes(),
            Content::Params(span) | Content::Grads(span) | Content::Moment1(span) | Content::Moment2(span) => {
                span.binding().1
            }
            Content::InputRing => self.input_bytes * u64::from(self.ring),
            Content::Inputs => self.input_bytes,
            Content::Records => u64::from(self.ring) * 16,
        }
    }

    /// Buffer, first byte and number of bytes.
    fn range(&self, content: Content) -> (Buffer, u64, u64) {
        let whole = |buffer| (buffer, 0, self.bytes(content));
        let within = |buffer, span: Span| (buffer, span.binding().0, span.binding().1);
        match content {
            Content::Value(value) | Content::Partial(value) => {
                if let Some(id) = state_of(self.graph, value) {
                    return whole(Buffer::State(id.0));
                }
                let arena = match self.graph.producer(value).op {
                    Op::Param(param) => Some((Buffer::Params, param.index())),
                    _ => self.gradient_of(value).map(|param| (Buffer::Grads, param)),
                };
                match arena {
                    Some((buffer, param)) => {
                        let (offset, elements) = self.arenas.params[param];
                        (buffer, offset as u64 * 4, elements as u64 * 4)
                    }
                    None => whole(self.slots.buffer(Content::Value(value))),
                }
            }
            Content::Scratch(_) | Content::TotalLoss => whole(self.slots.buffer(content)),
            Content::Total(span) => within(self.slots.buffer(content.tenant()), span),
            Content::DerivedTable(..) => {
                let words = self.lowered.constants.iter().find(|(c, _)| *c == content).map_or(0, |(_, w)| w.len());
                (self.slots.buffer(content), 0, words as u64 * 4)
            }
            Content::State(id) => whole(Buffer::State(id.0)),
            Content::Derived(id, derived) => {
                let name = &self.graph.inputs[id.index()].name;
                let found = self.inputs.iter().find(|s| s.name == *name && s.derived == derived);
                found.map_or((Buffer::Inputs, 0, 0), |s| (Buffer::Inputs, s.offset, s.words as u64 * 4))
            }
            Content::Params(span) => within(Buffer::Params, span),
            Content::Grads(span) => within(Buffer::Grads, span),
            Content::Moment1(span) => within(Buffer::Moment1, span),
            Content::Moment2(span) => within(Buffer::Moment2, span),
            Content::InputRing => whole(Buffer::InputRing),
            Content::Inputs => whole(Buffer::Inputs),
            Content::Records => whole(Buffer::Records),
        }
    }

    fn bind(&self, emitted: &Emitted, at: usize) -> Result<PlanLaunch, PlanError> {
        let entry = emitted.launch.entry;
        let stale = |what: String| PlanError::Stale {
            launch: at,
            kernel: emitted.launch.kernel.stem,
            scope: emitted.scope.clone(),
            what,
        };
        if entry.bindings.len() != emitted.operands.len() {
            return Err(stale(format!(
                "{} operands for the {} bindings of {}",
                emitted.operands.len(),
                entry.bindings.len(),
                entry.name
            )));
        }
        let bindings: Vec<Binding> = entry
            .bindings
            .iter()
            .zip(&emitted.operands)
            .map(|(&(_, access), &content)| {
                let (buffer, offset, size) = self.range(content);
                Binding { buffer, offset, size, access }
            })
            .collect();
        Ok(PlanLaunch { launch: emitted.launch.clone(), bindings, scope: emitted.scope.clone() })
    }

    fn outputs(&self) -> Result<Vec<OutputSlot>, PlanError> {
        let slot = |(name, value): &(String, ValueId)| {
            let content = self.resolved.value(*value);
            let in_slot = self.needs_slot(content) && self.slots.ever_held(content);
            let (buffer, ..) = self.range(content);
            if !in_slot && !matches!(buffer, Buffer::State(_)) {
                let node = self.graph.producer(*value);
                return Err(PlanError::Unsupported {
                    op: node.op.name(),
                    scope: node.scope.clone(),
                    what: "an output must be computed by a launch",
                });
            }
            let elements = self.graph.ty(*value).shape.elements();
            Ok(OutputSlot { name: name.clone(), buffer, elements })
        };
        self.graph.outputs.iter().map(slot).collect()
    }
}

/// Slots and who lives in them.
#[derive(Default)]
struct Slots {
    sizes: Vec<u64>,
    /// For each slot its tenant and the last launch that touches it.
    tenants: Vec<Option<(Content, usize)>>,
    home: BTreeMap<Content, u32>,
}

impl Slots {
    fn holds(&self, content: Content) -> bool {
        self.home.get(&content).is_some_and(|&s| matches!(self.tenants[s as usize], Some((c, _)) if c == content))
    }

    fn ever_held(&self, content: Content) -> bool {
        self.home.contains_key(&content)
    }

    fn buffer(&self, content: Content) -> Buffer {
        Buffer::Slot(self.home.get(&content).copied().unwrap_or(u32::MAX))
    }

    /// The smallest free slot that fits, else the largest free one, grown, else a new one.
    fn take(&mut self, content: Content, bytes: u64, until: usize) -> u32 {
        let free = (0..self.sizes.len()).filter(|&s| self.tenants[s].is_none());
        let best = free.min_by_key(|&s| {
            let size = self.sizes[s];
            if size >= bytes { (0, size) } else { (1, u64::MAX - size) }
        });
        // A result keeps its slot for ever; giving it one of its own keeps the shared ones reusable.
        let slot = match best.filter(|_| until != usize::MAX) {
            Some(slot) => slot,
            None => {
                self.sizes.push(0);
                self.tenants.push(None);
                self.sizes.len() - 1
            }
        };
        self.sizes[slot] = self.sizes[slot].max(bytes);
        self.tenants[slot] = Some((content, until));
        self.home.insert(content, slot as u32);
        slot as u32
    }

    fn release(&mut self, after: usize) {
        for tenant in &mut self.tenants {
            if matches!(tenant, Some((_, until)) if *until <= after) {
                *tenant = None;
            }
        }
    }
}

/// Whether two accesses of one buffer in one launch exclude each other.
pub(super) const fn conflict(a: Access, b: Access) -> bool {
    matches!(
        (a, b),
        (Access::Read, Access::Write | Access::ReadWrite) | (Access::Write | Access::ReadWrite, Access::Read)
    )
}
