use bytemuck::{Pod, Zeroable};

/// What changes between steps: the uniform of group 0, one [`STEP_STRIDE`] apart in its ring.
///
/// `shaders/lib/step.wgsl` declares the same struct; a test compares the offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Step {
    /// Number of the training step, from 0, or of its part where steps come in parts: keys dropout.
    pub step: u32,
    /// The run's seed: keys dropout.
    pub seed: u32,
    /// Which slot of the input ring and the record ring belongs to this step.
    pub slot: u32,
    /// Which dropout site of the model a launch is for; the executor sets it, see [`super::Launch::site`].
    pub site: u32,
    /// Learning rate.
    pub lr: f32,
    /// What the optimizer takes its first moment by, `1/(1 - β₁ᵗ)` for AdamW with t counted from 1: see
    /// [`crate::ir::OptimizerKind::corrections`].
    pub correction1: f32,
    /// What it takes its second moment by.
    pub correction2: f32,
    /// Weight decay.
    pub weight_decay: f32,
    /// Largest gradient norm; `f32::MAX` does not clip.
    pub clip: f32,
    /// Which part of its batch this is, from 0, where gradients are accumulated.
    pub part: u32,
    /// Parts of a batch; 0 counts as 1.
    pub parts: u32,
}

impl Step {
    /// Whether the optimizer acts after this step: it is the last part of its batch.
    #[must_use]
    pub const fn updates(&self) -> bool {
        self.part + 1 >= self.parts
    }
}

/// Names and byte offsets of the fields, for the layout test.
pub const STEP_FIELDS: &[(&str, usize)] = &[
    ("step", core::mem::offset_of!(Step, step)),
    ("seed", core::mem::offset_of!(Step, seed)),
    ("slot", core::mem::offset_of!(Step, slot)),
    ("site", core::mem::offset_of!(Step, site)),
    ("lr", core::mem::offset_of!(Step, lr)),
    ("correction1", core::mem::offset_of!(Step, correction1)),
    ("correction2", core::mem::offset_of!(Step, correction2)),
    ("weight_decay", core::mem::offset_of!(Step, weight_decay)),
    ("clip", core::mem::offset_of!(Step, clip)),
    ("part", core::mem::offset_of!(Step, part)),
    ("parts", core::mem::offset_of!(Step, parts)),
];

/// Bytes between the uniforms of two steps: the alignment that dynamic offsets need.
pub const STEP_STRIDE: u64 = 256;
