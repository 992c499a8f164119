//! Compiling what a plan needs: each text and entry point once, one after the other, reporting progress.
//!
//! A browser compiles in another process, so the worker stays responsive between two pipelines. Several threads would not
//! help natively: llvmpipe compiles one shader at a time (measured, equal times on one processor and on two).

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

/// The pipeline of every launch. `progress` hears how many are done, of how many, and which was the last.
pub(super) async fn compile_all(
    device: &Device,
    plan: &Plan,
    mut progress: impl FnMut(usize, usize, &str),
) -> Result<Vec<Arc<Compiled>>, GpuError> {
    let (jobs, job_of) = jobs(plan)?;
    progress(0, jobs.len(), "");
    let mut compiled = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let launch = &job.launch.launch;
        compiled.push(compile(device, launch, &job.text, &job.sizes).await?);
        progress(compiled.len(), jobs.len(), &label(launch));
    }
    Ok(job_of.into_iter().map(|job| Arc::clone(&compiled[job])).collect())
}

/// How many pipelines a plan needs: the total that [`super::Prepared::build`] reports.
///
/// # Errors
/// When a launch and its shader do not fit.
pub fn pipeline_count(plan: &Plan) -> Result<usize, GpuError> {
    Ok(jobs(plan)?.0.len())
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
