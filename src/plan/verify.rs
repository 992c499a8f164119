//! Replays a plan on paper: what each buffer range holds before every launch, and whether that is what it needs.

use std::collections::BTreeMap;

use super::buffers::{Buffer, Plan, PlanError, PlanLaunch};
use super::constants;
use super::content::{Content, Span};
use super::place::conflict;
use super::resolve::{Resolved, state_of};
use crate::ir::{Graph, Op, ParamId, StateId, ValueId};
use crate::kernels::Access;

/// Proves that each launch reads what it expects from where it lies, that none reads and writes one buffer, and that at the end
/// outputs are there, states hold what they were given last, the loss is recorded and, in training, every parameter with a
/// gradient has been updated once, and no other.
///
/// # Errors
/// The first launch that would not.
pub fn verify(plan: &Plan, graph: &Graph) -> Result<(), PlanError> {
    let mut replay = Replay::new(plan, graph);
    if plan.trace.len() != plan.launches.len() {
        let what = format!("{} launches, {} of them traced", plan.launches.len(), plan.trace.len());
        return Err(fault(plan.launches.len(), "plan", "", what));
    }
    for (at, (launch, contents)) in plan.launches.iter().zip(&plan.trace).enumerate() {
        let stem = launch.launch.kernel.stem;
        replay.launch(launch, contents).map_err(|what| fault(at, stem, &launch.scope, what))?;
    }
    replay.end()
}

fn fault(launch: usize, kernel: &'static str, scope: &str, what: String) -> PlanError {
    PlanError::Stale { launch, kernel, scope: scope.to_owned(), what }
}

struct Replay<'a> {
    plan: &'a Plan,
    graph: &'a Graph,
    resolved: Resolved,
    /// The words of everything that a launch or a result takes from a constant.
    constants: BTreeMap<Content, Option<Vec<u32>>>,
    /// What was written last to a range that starts here.
    held: BTreeMap<(Buffer, u64), Content>,
    /// Whether the step's inputs have come out of the ring.
    staged: bool,
    /// Which parameters are those of the next step.
    updated: Vec<Span>,
}

impl<'a> Replay<'a> {
    fn new(plan: &'a Plan, graph: &'a Graph) -> Self {
        let resolved = Resolved::new(graph);
        let states = (0..graph.states.len() as u32).map(|i| ((Buffer::State(i), 0), Content::State(StateId(i))));
        let constant = |buffer| matches!(buffer, Buffer::Slot(slot) if plan.constants.iter().any(|&(s, _)| s == slot));
        let bound = plan.launches.iter().zip(&plan.trace).flat_map(|(l, contents)| l.bindings.iter().zip(contents));
        let bound = bound.filter(|(binding, _)| constant(binding.buffer)).map(|(_, &content)| content);
        let mut constants = BTreeMap::new();
        for content in bound.chain(graph.results().map(|value| resolved.value(value))) {
            constants.entry(content).or_insert_with(|| constants::words(graph, content));
        }
        Self { plan, graph, held: states.collect(), resolved, constants, staged: false, updated: Vec::new() }
    }

    fn launch(&mut self, launch: &PlanLaunch, contents: &[Content]) -> Result<(), String> {
        if launch.bindings.len() != contents.len() {
            return Err(format!("{} bindings for {} operands", launch.bindings.len(), contents.len()));
        }
        for (i, a) in launch.bindings.iter().enumerate() {
            if launch.bindings[..i].iter().any(|b| a.buffer == b.buffer && conflict(a.access, b.access)) {
                return Err(format!("reads and writes {:?} in one launch", a.buffer));
            }
        }
        for (binding, &content) in launch.bindings.iter().zip(contents) {
            let (buffer, offset) = (binding.buffer, binding.offset);
            if binding.size == 0 || !self.fits(buffer, offset + binding.size) {
                return Err(format!("binds {} bytes past the end of {buffer:?}", binding.size));
            }
            if self.home(content).is_none() && !matches!(buffer, Buffer::Slot(_)) {
                return Err(format!("binds {buffer:?} for {content:?}, which lives in a slot"));
            }
            if let Some(home) = self.home(content)
                && home != (buffer, offset, binding.size)
            {
                return Err(format!(
                    "binds {} bytes of {buffer:?} at {offset} for {content:?}: {home:?}",
                    binding.size
                ));
            }
            if let Content::Total(span) = content
                && span.binding() != (offset, binding.size)
            {
                return Err(format!("binds {} bytes at {offset} for {content:?}", binding.size));
            }
            // What changes a state in place needs what the state was before.
            let needed = match binding.access {
                Access::ReadWrite => self.before(content),
                Access::Read | Access::Write => content,
            };
            // What persists is as the part of the batch before has left it.
            let kept = content.persists() && binding.access == Access::ReadWrite;
            if binding.access != Access::Write && !kept && !self.ready(buffer, offset, needed) {
                return Err(format!(
                    "needs {needed:?} in {buffer:?}, which holds {:?}",
                    self.held.get(&(buffer, offset))
                ));
            }
        }
        for (binding, &content) in launch.bindings.iter().zip(contents).filter(|(b, _)| b.access != Access::Read) {
            if let Content::Value(value) = content
                && self.in_parts(value)
                && self.held.get(&(binding.buffer, binding.offset)) != Some(&Content::Partial(value))
            {
                return Err(format!("completes {content:?}, of which nothing is there"));
            }
            match binding.buffer {
                Buffer::Slot(slot) if self.constant(slot).is_some() => {
                    return Err(format!("overwrites the constant of slot {slot}"));
                }
                _ => {}
            }
            if binding.buffer == Buffer::Params {
                let Content::Params(span) = content else { return Err(format!("writes {content:?} to a parameter")) };
                if self.updated.iter().any(|u| u.overlaps(span)) {
                    return Err("updates the parameters a second time".to_owned());
                }
                self.updated.push(span);
            }
            self.staged |= content == Content::Inputs;
            self.held.insert((binding.buffer, binding.offset), content);
        }
        Ok(())
    }

    /// Whether two launches write a value: the gradient of a packed projection, queries and keys apart.
    fn in_parts(&self, value: ValueId) -> bool {
        let node = self.graph.producer(value);
        matches!(node.op, Op::AttentionGrad(a) if !a.cross) && node.outputs.first() == Some(&value)
    }

    /// What a range holds that will be changed to `content` in place.
    fn before(&self, content: Content) -> Content {
        let Content::Value(value) = content else { return content };
        self.resolved.before(value).unwrap_or(content)
    }

    /// Whether a range holds what is expected of it.
    fn ready(&self, buffer: Buffer, offset: u64, content: Content) -> bool {
        let holds = |at: (Buffer, u64), what| self.held.get(&at) == Some(&what);
        match buffer {
            // A launch that reads them before they are updated computes this step, one that comes later the next.
            Buffer::Params => !self.updated.iter().any(|u| self.params(content).is_none_or(|p| u.overlaps(p))),
            Buffer::Moment1 | Buffer::Moment2 | Buffer::InputRing => true,
            Buffer::Inputs => self.staged,
            Buffer::Records => false,
            Buffer::Grads => match content {
                Content::Grads(span) => self.graph.gradients.iter().all(|&(param, value)| {
                    let at = self.arena(param).0;
                    !self.plan.arenas.span(param).overlaps(span)
                        || holds((Buffer::Grads, at), self.resolved.value(value))
                }),
                _ => holds((buffer, offset), content),
            },
            Buffer::Slot(_) if matches!(content, Content::Total(_)) => {
                holds((buffer, 0), Content::Total(self.plan.arenas.all()))
            }
            Buffer::State(_) => holds((buffer, offset), content),
            Buffer::Slot(slot) => {
                let known = || self.constants.get(&content).and_then(Option::as_deref);
                holds((buffer, offset), content) || self.constant(slot).is_some_and(|words| known() == Some(words))
            }
        }
    }

    /// The elements of the parameters that a content stands for, if it is of parameters.
    fn params(&self, content: Content) -> Option<Span> {
        match content {
            Content::Params(span) => Some(span),
            Content::Value(value) => match self.graph.producer(value).op {
                Op::Param(param) => Some(self.plan.arenas.span(param)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The range that a content must have: fixed for all but slots, of which only the size is.
    fn home(&self, content: Content) -> Option<(Buffer, u64, u64)> {
        let plan = self.plan;
        let within = |buffer, span: Span| Some((buffer, span.binding().0, span.binding().1));
        match content {
            Content::Value(value) | Content::Partial(value) => self.home_of(value),
            Content::Scratch(_) | Content::DerivedTable(..) | Content::Total(_) | Content::TotalLoss => None,
            Content::State(id) => self.state(id),
            Content::Derived(id, derived) => {
                let name = &self.graph.inputs.get(id.index())?.name;
                let slot = plan.inputs.iter().find(|s| s.name == *name && s.derived == derived)?;
                Some((Buffer::Inputs, slot.offset, slot.words as u64 * 4))
            }
            Content::Params(span) => within(Buffer::Params, span),
            Content::Grads(span) => within(Buffer::Grads, span),
            Content::Moment1(span) => within(Buffer::Moment1, span),
            Content::Moment2(span) => within(Buffer::Moment2, span),
            Content::InputRing => Some((Buffer::InputRing, 0, plan.input_bytes * u64::from(plan.ring))),
            Content::Inputs => Some((Buffer::Inputs, 0, plan.input_bytes)),
            Content::Records => Some((Buffer::Records, 0, plan.record_bytes())),
        }
    }

    fn home_of(&self, value: ValueId) -> Option<(Buffer, u64, u64)> {
        if let Some(id) = state_of(self.graph, value) {
            return self.state(id);
        }
        let content = Content::Value(value);
        let gradient = self.graph.gradients.iter().find(|&&(_, v)| self.resolved.value(v) == content);
        let (buffer, (offset, bytes)) = match (&self.graph.producer(value).op, gradient) {
            (Op::Param(param), _) => (Buffer::Params, self.arena(*param)),
            (_, Some(&(param, _))) => (Buffer::Grads, self.arena(param)),
            (_, None) => return None,
        };
        Some((buffer, offset, bytes))
    }

    /// First byte and bytes of a parameter in an arena.
    fn arena(&self, param: ParamId) -> (u64, u64) {
        let Span { first, end } = self.plan.arenas.span(param);
        (first as u64 * 4, (end - first) as u64 * 4)
    }

    /// The whole of a state, as the graph has it.
    fn state(&self, id: StateId) -> Option<(Buffer, u64, u64)> {
        self.graph.states.get(id.index()).map(|state| (Buffer::State(id.0), 0, state.ty.bytes()))
    }

    fn constant(&self, slot: u32) -> Option<&[u32]> {
        self.plan.constants.iter().find(|&&(s, _)| s == slot).map(|(_, words)| words.as_slice())
    }

    fn fits(&self, buffer: Buffer, end: u64) -> bool {
        let plan = self.plan;
        let size = match buffer {
            Buffer::Params | Buffer::Grads | Buffer::Moment1 | Buffer::Moment2 => plan.arenas.elements as u64 * 4,
            Buffer::InputRing => plan.input_bytes * u64::from(plan.ring),
            Buffer::Inputs => plan.input_bytes,
            Buffer::Records => plan.record_bytes(),
            Buffer::Slot(slot) => plan.slots.get(slot as usize).copied().unwrap_or(0),
            Buffer::State(state) => plan.states.get(state as usize).map_or(0, |s| s.ty.bytes()),
        };
        end <= size
    }

    /// What goes over from one part of a batch to the next has its buffer alone, and the launches that run with every part
    /// do not need those that run with the last.
    fn parts(&self) -> Result<(), PlanError> {
        let bindings = || {
            let launches = self.plan.launches.iter().zip(&self.plan.trace).enumerate();
            launches.flat_map(|(at, (l, contents))| l.bindings.iter().zip(contents).map(move |(b, c)| (at, l, b, *c)))
        };
        for (_, _, kept, tenant) in bindings().filter(|(.., content)| content.persists()) {
            let intruder = bindings().find(|(.., b, c)| b.buffer == kept.buffer && c.tenant() != tenant.tenant());
            if let Some((at, launch, _, content)) = intruder {
                let what = format!("puts {content:?} where {tenant:?} is kept between the parts of a batch");
                return Err(fault(at, launch.launch.kernel.stem, &launch.scope, what));
            }
        }
        let early = bindings()
            .find(|(at, _, b, _)| *at < self.plan.tail && b.buffer == Buffer::Params && b.access != Access::Read);
        match early {
            Some((at, launch, ..)) => {
                let what = "updates parameters with every part of a batch".to_owned();
                Err(fault(at, launch.launch.kernel.stem, &launch.scope, what))
            }
            None => Ok(()),
        }
    }

    fn end(&self) -> Result<(), PlanError> {
        self.parts()?;
        let count = self.plan.launches.len();
        for output in &self.plan.outputs {
            let expected = self.graph.output(&output.name).map(|value| self.resolved.value(value));
            if !expected.is_some_and(|content| self.ready(output.buffer, 0, content)) {
                let found = self.held.get(&(output.buffer, 0)).copied();
                return Err(fault(count, "output", &output.name, format!("the slot holds {found:?} at the end")));
            }
        }
        for (i, (state, expected)) in self.graph.states.iter().zip(self.resolved.states()).enumerate() {
            let found = self.held.get(&(Buffer::State(i as u32), 0));
            if found != Some(expected) {
                return Err(fault(count, "state", &state.name, format!("the state holds {found:?} at the end")));
            }
        }
        if self.graph.output("loss").is_some() && !self.held.contains_key(&(Buffer::Records, 0)) {
            return Err(fault(count, "record", "loss", "no launch records the loss".to_owned()));
        }
        if self.plan.trains && self.updated.is_empty() {
            return Err(fault(count, "optimizer", "", "no launch updates the parameters".to_owned()));
        }
        for (i, param) in self.graph.params.iter().enumerate().filter(|_| self.plan.trains) {
            let id = ParamId(i as u32);
            let span = self.plan.arenas.span(id);
            let learns = self.graph.gradients.iter().any(|&(p, _)| p == id);
            let whole = self.updated.iter().any(|u| u.first <= span.first && span.end <= u.end);
            let what = match (learns, whole) {
                (true, false) => "no launch updates all of it",
                (false, _) if self.updated.iter().any(|u| u.overlaps(span)) => "it has no gradient but is updated",
                (true, true) | (false, _) => continue,
            };
            return Err(fault(count, "optimizer", &param.name, what.to_owned()));
        }
        if self.plan.tail > count {
            return Err(fault(count, "plan", "", format!("the tail starts at launch {}", self.plan.tail)));
        }
        Ok(())
    }
}
