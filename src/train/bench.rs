//! How fast a run is: milliseconds a step, and which kernels they go to.
//!
//! Steps are measured as they are trained, two submits under way; what data costs is in the figure, what compiling costs
//! is told apart.

use std::collections::BTreeMap;

use serde::Serialize;

use super::clock::now_ms;
use super::engine::DeviceChoice;
use super::error::TrainError;
use super::report::dense_flops;
use super::session::Session;
use super::settings::Settings;
use crate::data::Dataset;

/// Steps that warm caches and the pace up; the first one is timed on its own.
const WARM_UP: u32 = 2;
/// Fewer steps than this have no spread.
const LEAST_STEPS: u32 = 5;
/// How long a measurement takes if nobody says how many steps.
const MEASURED_MS: f64 = 2000.0;
/// Steps of a measurement at most, if nobody says how many.
const MOST_STEPS: f64 = 2000.0;

/// What a benchmark showed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BenchResult {
    /// Median over the measured steps.
    pub ms_per_step: f64,
    /// Lower quartile.
    pub ms_p25: f64,
    /// Upper quartile.
    pub ms_p75: f64,
    /// Tokens of a batch over the median.
    pub tokens_per_s: f64,
    /// [`dense_flops`] over the median, in 10⁹ a second.
    pub gflops: f64,
    /// From opening the device to the loss of the first step, compiling included.
    pub first_step_ms: f64,
    /// The adapter, or the interpreter.
    pub adapter: String,
    /// Launches of a step.
    pub dispatches: usize,
    /// Bytes of the run.
    pub bytes: u64,
    /// Bytes that were allocated: the same number, unless the estimate is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_bytes: Option<u64>,
    /// Trainable elements.
    pub parameters: usize,
    /// Steps measured.
    pub steps: u32,
    /// Buffers made while measuring.
    pub buffers_created: u64,
    /// Bind groups made while measuring.
    pub bind_groups_created: u64,
    /// Submits while measuring.
    pub submits: u64,
    /// Loss of the last step: a benchmark of a broken model is none.
    pub loss: f32,
    /// Time by kernel, most expensive first, if it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<KernelTime>,
}

/// All launches of one entry point in a step.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct KernelTime {
    /// `kernel.entry`.
    pub kernel: String,
    /// Launches a step.
    pub launches: usize,
    /// Microseconds a step.
    pub microseconds: f64,
    /// Share of the step's sum.
    pub share: f64,
    /// 10⁹ floating-point operations a second.
    pub gflops: f64,
}

/// Trains for a while and measures. Without `steps` it measures for about two seconds. `profiled` steps, if any, are
/// then timed launch by launch.
///
/// # Errors
/// When the run cannot be set up, the device fails, the run diverges, or passes cannot be timed.
pub async fn bench(
    mut settings: Settings,
    data: Dataset,
    device: DeviceChoice,
    steps: Option<u32>,
    profiled: u32,
) -> Result<BenchResult, TrainError> {
    settings.steps = u32::MAX;
    settings.eval_every = 0;
    let opened = now_ms();
    let mut session = Session::new(settings, data, 0, device, &mut |_, _, _| {}).await?;
    session.train(1).await?;
    session.drain().await?;
    let first_step_ms = now_ms() - opened;

    session.train(WARM_UP).await?;
    let warm = session.drain().await?;
    let estimate = warm.last().map_or(0.0, |m| m.ms);
    let fitting = (MEASURED_MS / estimate.max(1e-3)).min(MOST_STEPS) as u32;
    let steps = steps.unwrap_or(fitting).max(LEAST_STEPS);
    let before = session.engine().counters().unwrap_or_default();
    let mut metrics = session.train(steps).await?;
    metrics.extend(session.drain().await?);
    let after = session.engine().counters().unwrap_or_default();
    if let Some(divergence) = session.diverged() {
        return Err(TrainError::Diverged(divergence.clone()));
    }

    let mut ms: Vec<f64> = metrics.iter().map(|m| m.ms).collect();
    ms.sort_by(f64::total_cmp);
    let quantile = |share: f64| ms.get((share * (ms.len() as f64 - 1.0)).round() as usize).copied().unwrap_or(0.0);
    let median = quantile(0.5);
    let per_second = |amount: f64| if median > 0.0 { amount * 1e3 / median } else { 0.0 };
    let settings = session.settings();
    let footprint = session.engine().footprint();
    let mut result = BenchResult {
        ms_per_step: median,
        ms_p25: quantile(0.25),
        ms_p75: quantile(0.75),
        tokens_per_s: per_second((settings.batch * settings.context) as f64),
        gflops: per_second(dense_flops(settings)? as f64) / 1e9,
        first_step_ms,
        adapter: session.engine().adapter().map_or("CPU interpreter", |a| a.name.as_str()).to_owned(),
        dispatches: footprint.dispatches,
        bytes: footprint.bytes,
        allocated_bytes: session.engine().allocated_bytes(),
        parameters: session.engine().graph().parameter_count(),
        steps,
        buffers_created: after.buffers - before.buffers,
        bind_groups_created: after.bind_groups - before.bind_groups,
        submits: after.submits - before.submits,
        loss: metrics.last().map_or(f32::NAN, |m| m.loss),
        kernels: Vec::new(),
    };
    if profiled > 0 {
        result.kernels = session.profile(profiled).await?;
    }
    Ok(result)
}

impl Session {
    /// Times the launches of a step, averaged over `repeats`, by kernel; empty on the CPU. The steps do train.
    ///
    /// # Errors
    /// When the device has no timestamps or fails.
    pub async fn profile(&mut self, repeats: u32) -> Result<Vec<KernelTime>, TrainError> {
        let step = self.submitted();
        let uniform = self.step_uniform(step, 0, self.settings().schedule().at(step));
        let settings = self.settings();
        let batch = self.data().train_batch(&settings.objective, settings.shape(), self.seed(), step)?;
        let Some(gpu) = self.engine_mut().gpu_mut() else { return Ok(Vec::new()) };
        let mut sums: BTreeMap<String, (usize, f64, u64)> = BTreeMap::new();
        for launch in gpu.profile(uniform, batch, repeats).await? {
            let sum = sums.entry(format!("{}.{}", launch.kernel, launch.entry)).or_default();
            *sum = (sum.0 + 1, sum.1 + launch.nanoseconds, sum.2 + launch.flops);
        }
        let total: f64 = sums.values().map(|(_, ns, _)| ns).sum();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let mut kernels: Vec<KernelTime> = sums
            .into_iter()
            .map(|(kernel, (launches, nanoseconds, flops))| KernelTime {
                kernel,
                launches,
                microseconds: nanoseconds / 1e3,
                share: share(nanoseconds, total),
                gflops: share(flops as f64, nanoseconds),
            })
            .collect();
        kernels.sort_by(|a, b| b.microseconds.total_cmp(&a.microseconds));
        Ok(kernels)
    }
}
