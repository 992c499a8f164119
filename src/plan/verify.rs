//! Replays a plan on paper: what each buffer range holds before every launch, and whether that is what it needs.

use std::collections::BTreeMap;

use super::buffers::{Buffer, Plan, PlanError, PlanLaunch};
use super::content::Content;
use super::place::conflict;
use crate::ir::{Graph, Op, ParamId, ValueId};
use crate::kernels::Access;

/// Proves that each launch reads what it expects from where it lies, that none reads and writes one buffer, and that at the end
/// outputs are there, the loss is recorded and, in training, every parameter has been updated once.
///
/// # Errors
/// The first launch that would not.
pub fn verify(plan: &Plan, graph: &Graph) -> Result<(), PlanError> {
    let mut replay = Replay { plan, graph, held: BTreeMap::new(), staged: false, updated: false };
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
    /// What was written last to a range that starts here.
    held: BTreeMap<(Buffer, u64), Content>,
    /// Whether the step's inputs have come out of the ring.
    staged: bool,
    /// Whether the parameters are those of the next step.
    updated: bool,
}

impl Replay<'_> {
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
            if let Some(home) = self.home(content)
                && home != (buffer, offset, binding.size)
            {
                return Err(format!(
                    "binds {} bytes of {buffer:?} at {offset} for {content:?}: {home:?}",
                    binding.size
                ));
            }
            if binding.access != Access::Write && !self.ready(buffer, offset, content) {
                return Err(format!(
                    "needs {content:?} in {buffer:?}, which holds {:?}",
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
                Buffer::Params if self.updated => return Err("updates the parameters a second time".to_owned()),
                _ => {}
            }
            self.updated |= binding.buffer == Buffer::Params;
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

    /// Whether a range holds what is expected of it.
    fn ready(&self, buffer: Buffer, offset: u64, content: Content) -> bool {
        let holds = |at: (Buffer, u64), what| self.held.get(&at) == Some(&what);
        match buffer {
            // A launch that still reads them computes this step, one that came later the next.
            Buffer::Params => !self.updated,
            Buffer::Moment1 | Buffer::Moment2 | Buffer::InputRing => true,
            Buffer::Inputs => self.staged,
            Buffer::Records => false,
            Buffer::Grads if content == Content::Grads => self.graph.gradients.iter().all(|&(param, value)| {
                let at = self.arena(param).0;
                holds((Buffer::Grads, at), Content::Value(value))
            }),
            Buffer::Grads => holds((buffer, offset), content),
            Buffer::Slot(slot) => {
                holds((buffer, offset), content) || self.constant(slot).is_some_and(|n| self.fills(content, n))
            }
        }
    }

    /// The range that a content must have: fixed for all but slots, of which only the size is.
    fn home(&self, content: Content) -> Option<(Buffer, u64, u64)> {
        let plan = self.plan;
        let arena = plan.arenas.elements as u64 * 4;
        match content {
            Content::Value(value) | Content::Partial(value) => self.home_of(value),
            Content::Scratch(_) => None,
            Content::Derived(id, derived) => {
                let name = &self.graph.inputs.get(id.index())?.name;
                let slot = plan.inputs.iter().find(|s| s.name == *name && s.derived == derived)?;
                Some((Buffer::Inputs, slot.offset, slot.words as u64 * 4))
            }
            Content::Params => Some((Buffer::Params, 0, arena)),
            Content::Grads => Some((Buffer::Grads, 0, arena)),
            Content::Moment1 => Some((Buffer::Moment1, 0, arena)),
            Content::Moment2 => Some((Buffer::Moment2, 0, arena)),
            Content::InputRing => Some((Buffer::InputRing, 0, plan.input_bytes * u64::from(plan.ring))),
            Content::Inputs => Some((Buffer::Inputs, 0, plan.input_bytes)),
            Content::Records => Some((Buffer::Records, 0, plan.record_bytes())),
        }
    }

    fn home_of(&self, value: ValueId) -> Option<(Buffer, u64, u64)> {
        let gradient = self.graph.gradients.iter().find(|&&(_, v)| v == value);
        let (buffer, (offset, bytes)) = match (&self.graph.producer(value).op, gradient) {
            (Op::Param(param), _) => (Buffer::Params, self.arena(*param)),
            (_, Some(&(param, _))) => (Buffer::Grads, self.arena(param)),
            (_, None) => return None,
        };
        Some((buffer, offset, bytes))
    }

    /// First byte and bytes of a parameter in an arena.
    fn arena(&self, param: ParamId) -> (u64, u64) {
        let (offset, elements) = self.plan.arenas.params.get(param.index()).copied().unwrap_or_default();
        (offset as u64 * 4, elements as u64 * 4)
    }

    fn constant(&self, slot: u32) -> Option<f32> {
        self.plan.constants.iter().find(|&&(s, _)| s == slot).map(|&(_, number)| number)
    }

    fn fills(&self, content: Content, number: f32) -> bool {
        matches!(content, Content::Value(v) if self.graph.producer(v).op == (Op::Fill { value: number }))
    }

    fn fits(&self, buffer: Buffer, end: u64) -> bool {
        let plan = self.plan;
        let size = match buffer {
            Buffer::Params | Buffer::Grads | Buffer::Moment1 | Buffer::Moment2 => plan.arenas.elements as u64 * 4,
            Buffer::InputRing => plan.input_bytes * u64::from(plan.ring),
            Buffer::Inputs => plan.input_bytes,
            Buffer::Records => plan.record_bytes(),
            Buffer::Slot(slot) => plan.slots.get(slot as usize).copied().unwrap_or(0),
        };
        end <= size
    }

    fn end(&self) -> Result<(), PlanError> {
        let count = self.plan.launches.len();
        for output in &self.plan.outputs {
            let expected = self.graph.output(&output.name).map(Content::Value);
            let found = self.held.get(&(output.buffer, 0)).copied();
            if found != expected {
                return Err(fault(count, "output", &output.name, format!("the slot holds {found:?} at the end")));
            }
        }
        if self.graph.output("loss").is_some() && !self.held.contains_key(&(Buffer::Records, 0)) {
            return Err(fault(count, "record", "loss", "no launch records the loss".to_owned()));
        }
        if self.plan.trains && !self.updated {
            return Err(fault(count, "optimizer", "", "no launch updates the parameters".to_owned()));
        }
        Ok(())
    }
}
