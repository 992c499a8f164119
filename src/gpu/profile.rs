//! How long each launch takes: a pass for each, with timestamps round it.
//!
//! Slower than a normal step, in which one pass holds all launches and neighbors may overlap. Browsers round
//! timestamps (Chrome to 0.1 ms unless a developer flag is set), so short launches need many repeats.

use std::sync::Arc;

use super::device::{Allocation, Wanted};
use super::prepared::Prepared;
use super::readback::Mapping;
use super::{GpuError, StepData, Unit};

/// A launch with its mean time.
#[derive(Clone, PartialEq, Debug)]
pub struct LaunchTime {
    /// The shader.
    pub kernel: &'static str,
    /// Its entry point.
    pub entry: &'static str,
    /// Where in the model.
    pub scope: String,
    /// Mean over the repeats.
    pub nanoseconds: f64,
    /// Floating-point operations.
    pub flops: u64,
}

impl LaunchTime {
    /// `scope kernel.entry`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}.{}", self.scope, self.kernel, self.entry).trim_start().to_owned()
    }
}

/// A query set and the buffers its times go through.
struct Timer {
    queries: wgpu::QuerySet,
    resolved: Arc<Allocation>,
    staging: Arc<Allocation>,
}

impl Prepared {
    /// Runs one step `repeats` times and times its launches, in the plan's order. A plan that trains does train.
    ///
    /// # Errors
    /// [`GpuError::Limit`] when the device has no timestamps or the plan too many launches; otherwise as
    /// [`Prepared::submit`].
    pub async fn profile(&mut self, data: &StepData<'_>, repeats: u32) -> Result<Vec<LaunchTime>, GpuError> {
        if !self.device.adapter().timestamps {
            let what = "timestamps of this device".to_owned();
            return Err(GpuError::Limit { what, needed: 1, limit: 0, unit: Unit::Count });
        }
        let queries = self.commands.len() * 2;
        let limit = wgpu::QUERY_SET_MAX_QUERIES as usize;
        if queries > limit {
            let what = "timestamps of a profiled step".to_owned();
            return Err(GpuError::Limit { what, needed: queries as u64, limit: limit as u64, unit: Unit::Count });
        }
        if queries == 0 || repeats == 0 {
            return Ok(Vec::new());
        }
        let timer = self.timer(queries as u32).await?;
        let mut ticks = vec![0u64; self.commands.len()];
        for _ in 0..repeats {
            self.write(core::slice::from_ref(data))?;
            for (sum, passed) in ticks.iter_mut().zip(self.time_once(&timer).await?) {
                *sum += passed;
            }
        }
        let scale = f64::from(self.device.shared.queue.get_timestamp_period()) / f64::from(repeats);
        let timed = self.names.iter().zip(ticks).map(|(name, ticks)| LaunchTime {
            kernel: name.kernel,
            entry: name.entry,
            scope: name.scope.clone(),
            nanoseconds: ticks as f64 * scale,
            flops: name.flops,
        });
        Ok(timed.collect())
    }

    async fn timer(&self, count: u32) -> Result<Timer, GpuError> {
        let raw = &self.device.shared.raw;
        let queries = self
            .device
            .scoped("trainyard.profile", || {
                raw.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("trainyard.profile"),
                    ty: wgpu::QueryType::Timestamp,
                    count,
                })
            })
            .await?;
        let bytes = u64::from(count) * u64::from(wgpu::QUERY_SIZE);
        let resolve = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let read = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let wanted = [("trainyard.profile.times", resolve), ("trainyard.profile.staging", read)]
            .map(|(label, usage)| Wanted { label: label.to_owned(), bytes, usage });
        match self.device.allocate(&wanted).await?.as_slice() {
            [resolved, staging] => Ok(Timer { queries, resolved: Arc::clone(resolved), staging: Arc::clone(staging) }),
            _ => Err(GpuError::Mismatch { what: "the profile's buffers were not made".to_owned() }),
        }
    }

    /// Ticks of each launch of one step.
    async fn time_once(&self, timer: &Timer) -> Result<Vec<u64>, GpuError> {
        let mut encoder = self.device.encoder("trainyard.profile");
        for (i, command) in self.commands.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &timer.queries,
                    beginning_of_pass_write_index: Some(i as u32 * 2),
                    end_of_pass_write_index: Some(i as u32 * 2 + 1),
                }),
            });
            pass.set_bind_group(0, &self.step_group, &[self.step_offset(0, command.site)]);
            pass.set_pipeline(&command.pipeline);
            pass.set_bind_group(1, &command.bind_group, &[]);
            let [x, y, z] = command.grid;
            pass.dispatch_workgroups(x, y, z);
        }
        let bytes = timer.staging.bytes;
        encoder.resolve_query_set(&timer.queries, 0..self.commands.len() as u32 * 2, &timer.resolved.raw, 0);
        encoder.copy_buffer_to_buffer(&timer.resolved.raw, 0, &timer.staging.raw, 0, bytes);
        let submission = self.device.submit(encoder, self.commands.len() as u64);
        let mapping = Mapping::request(&timer.staging.raw, bytes);
        mapping.wait(&self.device, &submission).await;
        mapping.view(&self.device, "trainyard.profile", |view| {
            let stamp = |b: &[u8]| b.iter().rev().fold(0u64, |v, &byte| v << 8 | u64::from(byte));
            // Some drivers return stamps out of order; such a launch counts as too short to measure.
            view.chunks_exact(16).map(|pair| stamp(&pair[8..]).saturating_sub(stamp(&pair[..8]))).collect()
        })
    }
}
