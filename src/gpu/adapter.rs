//! What a device can do, in plain data: for the page's device line, the command line's list and the limit checks.

use serde::Serialize;

use crate::kernels::Target;

/// How an adapter computes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU behind a hypervisor.
    Virtual,
    /// A GPU of which the browser does not say more.
    Unspecified,
    /// A CPU that speaks Vulkan or WebGPU: llvmpipe, SwiftShader, WARP.
    Software,
}

/// The limits that plans can meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Limits {
    /// Bytes of one buffer.
    pub buffer_bytes: u64,
    /// Bytes of one storage binding.
    pub binding_bytes: u64,
    /// Storage buffers of one shader.
    pub storage_buffers: u32,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Threads of a workgroup.
    pub invocations: u32,
    /// Threads of a workgroup along each axis.
    pub workgroup_size: [u32; 3],
    /// Workgroups of a dispatch along each axis.
    pub workgroups: u32,
}

impl Limits {
    /// What every WebGPU device allows.
    pub const FLOOR: Self = Self {
        buffer_bytes: 256 << 20,
        binding_bytes: 128 << 20,
        storage_buffers: 8,
        workgroup_bytes: 16 << 10,
        invocations: 256,
        workgroup_size: [256, 256, 64],
        workgroups: 65_535,
    };

    pub(super) fn of(limits: &wgpu::Limits) -> Self {
        Self {
            buffer_bytes: limits.max_buffer_size,
            binding_bytes: limits.max_storage_buffer_binding_size,
            storage_buffers: limits.max_storage_buffers_per_shader_stage,
            workgroup_bytes: limits.max_compute_workgroup_storage_size,
            invocations: limits.max_compute_invocations_per_workgroup,
            workgroup_size: [
                limits.max_compute_workgroup_size_x,
                limits.max_compute_workgroup_size_y,
                limits.max_compute_workgroup_size_z,
            ],
            workgroups: limits.max_compute_workgroups_per_dimension,
        }
    }
}

/// An adapter, described.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AdapterInfo {
    /// The product's name.
    pub name: String,
    /// `Vulkan`, `Metal`, `DX12` or `WebGPU`.
    pub backend: String,
    /// Name and version of the driver; empty in browsers.
    pub driver: String,
    /// How it computes.
    pub kind: AdapterKind,
    /// Of the adapter in a list, of the device once one is open.
    pub limits: Limits,
    /// Whether passes can be timed.
    pub timestamps: bool,
}

impl AdapterInfo {
    /// Whether it computes on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.kind == AdapterKind::Software
    }

    /// What kernels should be shaped for.
    #[must_use]
    pub fn target(&self) -> Target {
        match self.kind {
            AdapterKind::Software => Target::Software,
            AdapterKind::Discrete | AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Unspecified => {
                Target::Gpu
            }
        }
    }

    /// Whether a choice by name means this adapter: part of its name, in any case.
    #[must_use]
    pub fn is_called(&self, part: &str) -> bool {
        self.name.to_lowercase().contains(&part.to_lowercase())
    }
}

/// Names under which CPUs offer a GPU interface; browsers do not always flag them as fallback.
pub(super) fn is_software_name(name: &str) -> bool {
    let name = name.to_lowercase();
    ["swiftshader", "llvmpipe", "lavapipe", "basic render driver"].iter().any(|s| name.contains(s))
}
