//! Replays a plan on paper: what each buffer range holds before every launch, and whether that is what it needs.

use std::collections::BTreeMap;

use super::buffers::{Buffer, Plan, PlanError};
use super::content::Content;
use super::place::conflict;
use crate::ir::{Graph, Op};
use crate::kernels::Access;

/// Proves that each launch reads what it expects, and that none reads and writes one buffer.
///
/// # Errors
/// The first launch that would not.
pub fn verify(plan: &Plan, graph: &Graph) -> Result<(), PlanError> {
    let mut held: BTreeMap<(Buffer, u64), Content> = BTreeMap::new();
    for &(slot, _) in &plan.constants {
        // A constant's slot is its own from the start; its content is known by whoever reads it first.
        held.remove(&(Buffer::Slot(slot), 0));
    }
    let mut staged = false;
    for (at, (launch, contents)) in plan.launches.iter().zip(&plan.trace).enumerate() {
        let fault = |what: String| PlanError::Stale {
            launch: at,
            kernel: launch.launch.kernel.stem,
            scope: launch.scope.clone(),
            what,
        };
        for (i, a) in launch.bindings.iter().enumerate() {
            for b in &launch.bindings[..i] {
                if a.buffer == b.buffer && conflict(a.access, b.access) {
                    return Err(fault(format!("reads and writes {:?} in one launch", a.buffer)));
                }
            }
        }
        for (binding, &content) in launch.bindings.iter().zip(contents) {
            if binding.size == 0 || !fits(plan, binding.buffer, binding.offset + binding.size) {
                return Err(fault(format!("binds {} bytes past the end of {:?}", binding.size, binding.buffer)));
            }
            if binding.access == Access::Write {
                continue;
            }
            let place = (binding.buffer, binding.offset);
            let ready = match binding.buffer {
                Buffer::Params | Buffer::Moment1 | Buffer::Moment2 | Buffer::InputRing => true,
                Buffer::Inputs => staged,
                Buffer::Records => false,
                Buffer::Grads => graph.gradients.iter().all(|&(_, v)| held.values().any(|&c| c == Content::Value(v))),
                Buffer::Slot(slot) => {
                    held.get(&place) == Some(&content)
                        || (plan.constants.iter().any(|&(s, _)| s == slot) && is_constant(graph, content))
                }
            };
            if !ready {
                return Err(fault(format!(
                    "needs {content:?} in {:?}, which holds {:?}",
                    binding.buffer,
                    held.get(&place)
                )));
            }
        }
        for (binding, &content) in launch.bindings.iter().zip(contents) {
            if binding.access != Access::Read {
                staged |= content == Content::Inputs;
                held.insert((binding.buffer, binding.offset), content);
            }
        }
    }
    for output in &plan.outputs {
        let expected = graph.output(&output.name).map(Content::Value);
        if held.get(&(output.buffer, 0)).copied() != expected {
            return Err(PlanError::Stale {
                launch: plan.launches.len(),
                kernel: "output",
                scope: output.name.clone(),
                what: format!("the slot holds {:?} at the end", held.get(&(output.buffer, 0))),
            });
        }
    }
    Ok(())
}

fn is_constant(graph: &Graph, content: Content) -> bool {
    matches!(content, Content::Value(v) if matches!(graph.producer(v).op, Op::Fill { .. }))
}

fn fits(plan: &Plan, buffer: Buffer, end: u64) -> bool {
    let size = match buffer {
        Buffer::Params | Buffer::Grads | Buffer::Moment1 | Buffer::Moment2 => plan.arenas.elements as u64 * 4,
        Buffer::InputRing => plan.input_bytes * u64::from(plan.ring),
        Buffer::Inputs => plan.input_bytes,
        Buffer::Records => plan.record_bytes(),
        Buffer::Slot(slot) => plan.slots.get(slot as usize).copied().unwrap_or(0),
    };
    end <= size
}
