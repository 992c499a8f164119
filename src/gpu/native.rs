//! The native half of what differs between platforms: finding adapters, error scopes, waiting.
//!
//! `wgpu` turns a device loss inside `poll` into a panic (a failed wait is "fatal" there); here it becomes a loss. The
//! guard works only where panics unwind.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::adapter::is_software_name;
use super::health::{Health, lock};
use super::signal::Signal;
use super::{AdapterInfo, AdapterKind, GpuError, Limits};

/// What the scopes round a call caught.
pub(super) type Verdict = Pin<Box<dyn Future<Output = Option<GpuError>>>>;

/// How long one wait lasts before the loss flag is looked at again.
const SLICE: Duration = Duration::from_secs(1);

/// How a user is told to get an adapter.
const REMEDY: &str = if cfg!(target_os = "linux") {
    "Install a Vulkan driver for the GPU; without one, the package mesa-vulkan-drivers computes on the processor"
} else {
    "Install or update the GPU's driver"
};

/// Adapters are found by one instance at a time: Vulkan loaders are not safe to start twice at once.
static FINDING: Mutex<()> = Mutex::new(());

/// Every adapter, best first: discrete, integrated, virtual, software; in the system's order within a kind.
async fn enumerate() -> Vec<(AdapterInfo, wgpu::Adapter)> {
    let instance = {
        let _one = lock(&FINDING);
        wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::PRIMARY,
            // No validation layers: they are rarely installed, and wgpu validates before the driver does.
            flags: wgpu::InstanceFlags::empty(),
            // Where the driver tells its budget, an allocation beyond it is refused, not paid for with the device.
            memory_budget_thresholds: wgpu::MemoryBudgetThresholds {
                for_resource_creation: Some(95),
                for_device_loss: None,
            },
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        })
    };
    let mut found: Vec<_> =
        instance.enumerate_adapters(wgpu::Backends::PRIMARY).await.into_iter().map(|a| (describe(&a), a)).collect();
    found.sort_by_key(|(info, _)| info.kind);
    found
}

fn describe(adapter: &wgpu::Adapter) -> AdapterInfo {
    let info = adapter.get_info();
    let kind = match info.device_type {
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        _ if is_software_name(&info.name) => AdapterKind::Software,
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Other => AdapterKind::Unspecified,
    };
    let backend = match info.backend {
        wgpu::Backend::Vulkan => "Vulkan",
        wgpu::Backend::Metal => "Metal",
        wgpu::Backend::Dx12 => "DX12",
        wgpu::Backend::Gl => "GL",
        wgpu::Backend::BrowserWebGpu => "WebGPU",
        wgpu::Backend::Noop => "none",
    };
    AdapterInfo {
        name: info.name,
        backend: backend.to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        kind,
        limits: Limits::of(&adapter.limits()),
        timestamps: adapter.features().contains(wgpu::Features::TIMESTAMP_QUERY),
    }
}

/// Every adapter, best first.
pub(super) async fn list() -> Vec<AdapterInfo> {
    enumerate().await.into_iter().map(|(info, _)| info).collect()
}

/// The best adapter, or the best of those whose name contains `choice`.
pub(super) async fn find(choice: Option<&str>) -> Result<(AdapterInfo, wgpu::Adapter), GpuError> {
    let mut found = enumerate().await;
    if found.is_empty() {
        let searched = if cfg!(target_os = "linux") {
            "Vulkan has none"
        } else if cfg!(target_vendor = "apple") {
            "Metal has none"
        } else {
            "Vulkan and DirectX 12 have none"
        };
        return Err(GpuError::NoAdapter { searched: searched.to_owned(), remedy: REMEDY });
    }
    let index = match choice {
        None => 0,
        Some(part) => {
            found.iter().position(|(info, _)| info.is_called(part)).ok_or_else(|| GpuError::NoSuchAdapter {
                wanted: part.to_owned(),
                available: found.iter().map(|(info, _)| info.name.clone()).collect(),
            })?
        }
    };
    Ok(found.swap_remove(index))
}

/// Routes losses and errors outside of scopes to `health`.
pub(super) fn watch(raw: &wgpu::Device, health: &Arc<Health>) {
    let lost = Arc::clone(health);
    raw.set_device_lost_callback(move |reason, message| {
        lost.lose(&format!(
            "{}: {message}",
            match reason {
                wgpu::DeviceLostReason::Unknown => "unknown",
                wgpu::DeviceLostReason::Destroyed => "destroyed",
            }
        ));
    });
    let failed = Arc::clone(health);
    raw.on_uncaptured_error(Arc::new(move |error| failed.fail(translate(&error, "an operation"))));
}

fn translate(error: &wgpu::Error, label: &str) -> GpuError {
    let label = label.to_owned();
    match error {
        wgpu::Error::OutOfMemory { .. } => {
            GpuError::OutOfMemory { label, message: "the driver refused the allocation".to_owned() }
        }
        wgpu::Error::Validation { description, .. } => GpuError::Validation { label, message: description.clone() },
        wgpu::Error::Internal { description, .. } => GpuError::Internal { label, message: description.clone() },
    }
}

/// Runs `make` inside scopes for every kind of error.
pub(super) fn scoped<T>(raw: &wgpu::Device, label: &str, make: impl FnOnce() -> T) -> (T, Verdict) {
    let validation = raw.push_error_scope(wgpu::ErrorFilter::Validation);
    let memory = raw.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = raw.push_error_scope(wgpu::ErrorFilter::Internal);
    let made = make();
    let (internal, memory, validation) = (internal.pop(), memory.pop(), validation.pop());
    let label = label.to_owned();
    let verdict = async move {
        let first = memory.await.or(internal.await).or(validation.await);
        first.map(|error| translate(&error, &label))
    };
    (made, Box::pin(verdict))
}

/// Lets callbacks run, waiting for a submission if one is given. Says whether the queue is empty.
fn poll(raw: &wgpu::Device, health: &Health, submission: Option<&wgpu::SubmissionIndex>) -> bool {
    let poll_type = match submission {
        Some(index) => wgpu::PollType::Wait { submission_index: Some(index.clone()), timeout: Some(SLICE) },
        None => wgpu::PollType::Poll,
    };
    let _turn = lock(&health.turn);
    match catch_unwind(AssertUnwindSafe(|| raw.poll(poll_type))) {
        Ok(Ok(status)) => status.wait_finished(),
        Ok(Err(wgpu::PollError::Timeout)) => false,
        // The submission was refused, because of a loss or an error that its own callback reports.
        Ok(Err(wgpu::PollError::WrongSubmissionIndex(..))) => true,
        Err(panic) => {
            let reason = panic.downcast_ref::<String>().map_or("waiting for the queue failed", String::as_str);
            health.lose(reason);
            true
        }
    }
}

/// Runs the callbacks that are due, without waiting.
pub(super) fn tick(raw: &wgpu::Device, health: &Health) {
    poll(raw, health, None);
}

/// Waits until the mapping behind `signal`, requested after `submission`, has an outcome.
pub(super) async fn wait(
    raw: &wgpu::Device,
    _queue: &wgpu::Queue,
    health: &Health,
    signal: &Signal,
    submission: &wgpu::SubmissionIndex,
) -> bool {
    loop {
        if let Some(mapped) = signal.get() {
            return mapped;
        }
        if poll(raw, health, Some(submission)) || health.is_lost() {
            return callback(signal);
        }
    }
}

/// The outcome of a mapping whose submission is over: at once, unless another thread polled first and is about to call.
fn callback(signal: &Signal) -> bool {
    let deadline = Instant::now() + SLICE;
    loop {
        match signal.get() {
            Some(mapped) => return mapped,
            None if Instant::now() > deadline => return false,
            None => std::thread::yield_now(),
        }
    }
}

/// Gives a loss that has just happened the time to be reported.
pub(super) async fn settle(raw: &wgpu::Device, health: &Health) {
    tick(raw, health);
}
