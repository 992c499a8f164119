//! The text form of a plan: a line a launch, and the sums that decide how fast a small model is.

use core::fmt;

use super::buffers::{Binding, Buffer, Plan};
use crate::kernels::Access;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, launch) in self.launches.iter().enumerate() {
            let [x, y, z] = launch.launch.grid;
            let bindings: Vec<String> = launch.bindings.iter().map(binding).collect();
            writeln!(
                f,
                "{i:>3} {}.{} [{x},{y},{z}] {}  @ {}",
                launch.launch.kernel.stem,
                launch.launch.entry.name,
                bindings.join(" "),
                launch.scope
            )?;
        }
        for (i, bytes) in self.slots.iter().enumerate() {
            writeln!(f, "slot {i}: {bytes} bytes")?;
        }
        for state in &self.states {
            writeln!(f, "state {}: {} bytes", state.name, state.ty.bytes())?;
        }
        for input in &self.inputs {
            writeln!(f, "input {} {:?}: {} words at {}", input.name, input.derived, input.words, input.offset)?;
        }
        writeln!(
            f,
            "{} dispatches, {} bytes of activations and rings, {} bytes of arenas",
            self.launches.len(),
            self.own_bytes(),
            self.arena_bytes()
        )
    }
}

fn binding(b: &Binding) -> String {
    let access = match b.access {
        Access::Read => "r",
        Access::Write => "w",
        Access::ReadWrite => "rw",
    };
    let name = match b.buffer {
        Buffer::Params => "p".to_owned(),
        Buffer::Grads => "g".to_owned(),
        Buffer::Moment1 => "m".to_owned(),
        Buffer::Moment2 => "v".to_owned(),
        Buffer::InputRing => "ring".to_owned(),
        Buffer::Inputs => "in".to_owned(),
        Buffer::Records => "rec".to_owned(),
        Buffer::Slot(slot) => format!("s{slot}"),
        Buffer::State(state) => format!("state{state}"),
    };
    if b.offset == 0 { format!("{access}:{name}") } else { format!("{access}:{name}+{}", b.offset) }
}
