//! Whether a device is still one: the loss and the first error that nobody asked for.
//!
//! Both are sticky. A device that lost its results or broke a rule cannot be trusted with the next step, so every
//! later call returns the same error; recovery is a new device, with the next generation.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::GpuError;

/// Generations handed out by this process; the first device is 1.
static GENERATIONS: AtomicU32 = AtomicU32::new(0);

/// Shared by a device and the callbacks that watch it.
#[derive(Debug)]
pub(super) struct Health {
    /// Which device of this process.
    pub generation: u32,
    lost: Mutex<Option<String>>,
    error: Mutex<Option<GpuError>>,
    /// Held while work is sent or the queue is polled: wgpu 30's `Device::poll` asserts what is false when another thread
    /// retires a submission between its reading of the fence and of the queue.
    pub turn: Mutex<()>,
}

impl Health {
    pub(super) fn new() -> Self {
        let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        Self { generation, lost: Mutex::new(None), error: Mutex::new(None), turn: Mutex::new(()) }
    }

    /// Records that the device is gone. The first reason stays.
    pub(super) fn lose(&self, reason: &str) {
        let mut lost = lock(&self.lost);
        if lost.is_none() {
            *lost = Some(if reason.is_empty() { "no reason given".to_owned() } else { reason.to_owned() });
        }
    }

    /// Records an error that no scope caught. The first one stays: later ones follow from it.
    pub(super) fn fail(&self, error: GpuError) {
        lock(&self.error).get_or_insert(error);
    }

    pub(super) fn is_lost(&self) -> bool {
        lock(&self.lost).is_some()
    }

    /// The loss, else the first error: a lost device fails at everything, so the loss is the cause.
    pub(super) fn check(&self) -> Result<(), GpuError> {
        if let Some(reason) = lock(&self.lost).clone() {
            return Err(GpuError::Lost { generation: self.generation, reason });
        }
        lock(&self.error).clone().map_or(Ok(()), Err)
    }
}

/// Locks also after a panic of another holder: these values are whole after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
