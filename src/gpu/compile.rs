//! Compiling what a plan needs: each text and entry point once, reporting progress.
//!
//! Natively on every processor, since drivers compile when a pipeline is made; in a browser one after the other, which
//! compiles in another process and leaves the worker responsive.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kernels::source;
use crate::plan::{Plan, PlanLaunch};

use super::GpuError;
use super::device::Device;
use super::pipelines::{Compiled, compile, label};

/// A pipeline to compile.
struct Job<'a> {
    /// A launch that wants it.
    launch: &'a PlanLaunch,
    text: Arc<str>,
    /// The least bytes that any launch binds.
    sizes: Vec<u64>,
}

impl Job<'_> {
    async fn run(&self, device: &Device) -> Result<Arc<Compiled>, GpuError> {
        compile(device, &self.launch.launch, &self.text, &self.sizes).await
    }
}

/// The pipeline of every launch. `progress` hears how many are done, of how many, and which was the last.
pub(super) async fn compile_all(
    device: &Device,
    plan: &Plan,
    mut progress: impl FnMut(usize, usize, &str),
) -> Result<Vec<Arc<Compiled>>, GpuError> {
    let (jobs, job_of) = jobs(plan)?;
    progress(0, jobs.len(), "");
    let compiled = run(device, &jobs, progress).await?;
    Ok(job_of.into_iter().map(|job| Arc::clone(&compiled[job])).collect())
}

/// One job for each text and entry point, and which job each launch needs.
fn jobs(plan: &Plan) -> Result<(Vec<Job<'_>>, Vec<usize>), GpuError> {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut known: BTreeMap<(Arc<str>, &str), usize> = BTreeMap::new();
    let mut job_of = Vec::with_capacity(plan.launches.len());
    for launch in &plan.launches {
        let text: Arc<str> = source(&launch.launch)?.into();
        let sizes = launch.bindings.iter().map(|b| b.size);
        let job = *known.entry((Arc::clone(&text), launch.launch.entry.name)).or_insert_with(|| {
            jobs.push(Job { launch, text, sizes: sizes.clone().collect() });
            jobs.len() - 1
        });
        for (least, size) in jobs[job].sizes.iter_mut().zip(sizes) {
            *least = size.min(*least);
        }
        job_of.push(job);
    }
    Ok((jobs, job_of))
}

#[cfg(target_arch = "wasm32")]
async fn run(
    device: &Device,
    jobs: &[Job<'_>],
    mut progress: impl FnMut(usize, usize, &str),
) -> Result<Vec<Arc<Compiled>>, GpuError> {
    let mut compiled = Vec::with_capacity(jobs.len());
    for job in jobs {
        compiled.push(job.run(device).await?);
        progress(compiled.len(), jobs.len(), &label(&job.launch.launch));
    }
    Ok(compiled)
}

#[cfg(not(target_arch = "wasm32"))]
async fn run(
    device: &Device,
    jobs: &[Job<'_>],
    mut progress: impl FnMut(usize, usize, &str),
) -> Result<Vec<Arc<Compiled>>, GpuError> {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { break };
                    // Nobody listens any more once another job has failed.
                    if sender.send((at, pollster::block_on(job.run(device)))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut compiled = vec![None; jobs.len()];
        for (done, (at, result)) in receiver.into_iter().enumerate() {
            compiled[at] = Some(result?);
            progress(done + 1, jobs.len(), &label(&jobs[at].launch.launch));
        }
        let missing = || GpuError::Internal {
            label: "a pipeline".to_owned(),
            message: "the thread that compiled it ended early".to_owned(),
        };
        compiled.into_iter().map(|c| c.ok_or_else(missing)).collect()
    })
}
