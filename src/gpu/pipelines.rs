//! Compiled entry points, one for every specialized text: equal shapes share a pipeline, whatever plan they are in.
//!
//! Layouts are explicit, so that bind groups can be made before anything is compiled and bindings that a shader does
//! not use stay legal. They carry the sizes that the shader needs: nothing is left to be checked at each dispatch.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kernels::{Access, Entry, Launch};

use super::GpuError;
use super::device::{Device, count};

/// An entry point, compiled.
pub(super) struct Compiled {
    pub(super) pipeline: wgpu::ComputePipeline,
    /// Group 1.
    pub(super) layout: wgpu::BindGroupLayout,
    /// The least bytes of each binding.
    sizes: Vec<u64>,
}

/// A shader text with its compiled entry points.
struct Module {
    module: wgpu::ShaderModule,
    entries: BTreeMap<&'static str, Vec<Arc<Compiled>>>,
}

/// The pipelines of a device, by text and entry point.
#[derive(Default)]
pub(super) struct Pipelines {
    modules: BTreeMap<Arc<str>, Module>,
}

impl Pipelines {
    /// The pipeline that serves bindings of these sizes.
    fn find(&self, text: &str, entry: &str, sizes: &[u64]) -> Option<Arc<Compiled>> {
        let variants = self.modules.get(text)?.entries.get(entry)?;
        variants.iter().find(|c| c.sizes.iter().zip(sizes).all(|(least, size)| least <= size)).cloned()
    }
}

/// `trainyard.<stem>.<entry>`.
pub(super) fn label(launch: &Launch) -> String {
    format!("trainyard.{}.{}", launch.kernel.stem, launch.entry.name)
}

/// The pipeline of a launch, compiled if it is the first of its kind.
///
/// # Errors
/// [`GpuError::Validation`] or [`GpuError::Internal`] with the compiler's message; nothing is cached then.
pub(super) async fn compile(
    device: &Device,
    launch: &Launch,
    text: &Arc<str>,
    sizes: &[u64],
) -> Result<Arc<Compiled>, GpuError> {
    let entry = launch.entry;
    if let Some(found) = device.with_pipelines(|p| p.find(text, entry.name, sizes)) {
        return Ok(found);
    }
    let label = label(launch);
    let raw = &device.shared.raw;
    let known = device.with_pipelines(|p| p.modules.get(text).map(|m| m.module.clone()));
    let (module, compiled) = device
        .scoped(&label, || {
            let module = known.unwrap_or_else(|| {
                raw.create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some(&label),
                    source: wgpu::ShaderSource::Wgsl(text.as_ref().into()),
                })
            });
            let layout = group_layout(raw, &label, entry, sizes);
            let pipeline_layout = raw.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(&label),
                bind_group_layouts: &[Some(&device.shared.step_layout), Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = raw.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&label),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry.name),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            });
            (module, Arc::new(Compiled { pipeline, layout, sizes: sizes.to_vec() }))
        })
        .await?;
    count(&device.shared.counts.pipelines, 1);
    device.with_pipelines(|p| {
        let module = p.modules.entry(Arc::clone(text)).or_insert_with(|| Module { module, entries: BTreeMap::new() });
        module.entries.entry(entry.name).or_default().push(Arc::clone(&compiled));
    });
    Ok(compiled)
}

fn group_layout(raw: &wgpu::Device, label: &str, entry: &Entry, sizes: &[u64]) -> wgpu::BindGroupLayout {
    let entries: Vec<_> = entry
        .bindings
        .iter()
        .zip(sizes)
        .map(|(&(binding, access), &size)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage {
                    read_only: match access {
                        Access::Read => true,
                        Access::Write | Access::ReadWrite => false,
                    },
                },
                has_dynamic_offset: false,
                min_binding_size: wgpu::BufferSize::new(size),
            },
            count: None,
        })
        .collect();
    raw.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries })
}
