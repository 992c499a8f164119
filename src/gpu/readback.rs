//! Reading from the device: a result is what was mapped from a live device, or an error; never what a buffer happened
//! to hold.

use super::device::{Allocation, Device};
use super::signal::Signal;
use super::{GpuError, platform};

/// A mapping under way or done. Dropping it gives the buffer back, also when nobody waited for the end.
pub(super) struct Mapping<'a> {
    buffer: &'a wgpu::Buffer,
    signal: Signal,
    bytes: u64,
}

impl<'a> Mapping<'a> {
    /// Asks for the first `bytes` of a staging buffer.
    pub(super) fn request(buffer: &'a wgpu::Buffer, bytes: u64) -> Self {
        Self { buffer, signal: Signal::map(buffer, bytes), bytes }
    }

    /// A mapping that was requested before and has an outcome.
    pub(super) fn resume(buffer: &'a wgpu::Buffer, bytes: u64, signal: Signal) -> Self {
        Self { buffer, signal, bytes }
    }

    /// Waits for its outcome.
    pub(super) async fn wait(&self, device: &Device, submission: &wgpu::SubmissionIndex) {
        wait(device, &self.signal, submission).await;
    }

    /// The bytes, handed to `read`, once they are there and the device is still the one that made them.
    pub(super) fn view<T>(&self, device: &Device, label: &str, read: impl FnOnce(&[u8]) -> T) -> Result<T, GpuError> {
        let failed = |message: &str| GpuError::Map { label: label.to_owned(), message: message.to_owned() };
        device.check()?;
        if self.signal.get() != Some(true) {
            return Err(failed("the mapping was refused"));
        }
        let view = self.buffer.slice(..self.bytes).get_mapped_range().map_err(|e| failed(&e.to_string()))?;
        Ok(read(&view))
    }
}

impl Drop for Mapping<'_> {
    fn drop(&mut self) {
        // A buffer whose mapping was refused is not mapped, and must not be unmapped.
        if self.signal.get() != Some(false) {
            self.buffer.unmap();
        }
    }
}

/// Waits for a mapping; a refusal is given the time to turn out as a loss.
pub(super) async fn wait(device: &Device, signal: &Signal, submission: &wgpu::SubmissionIndex) {
    let shared = &device.shared;
    if !platform::wait(&shared.raw, &shared.queue, &shared.health, signal, submission).await {
        platform::settle(&shared.raw, &shared.health).await;
    }
}

/// Reads `elements` f32 from the start of `source`, in pieces as large as `staging`.
pub(super) async fn read(
    device: &Device,
    source: &Allocation,
    elements: usize,
    staging: &Allocation,
    label: &str,
) -> Result<Vec<f32>, GpuError> {
    device.check()?;
    let total = elements as u64 * 4;
    let mut values = Vec::with_capacity(elements);
    let mut offset = 0;
    while offset < total {
        let bytes = staging.bytes.min(total - offset);
        let mut encoder = device.encoder(label);
        encoder.copy_buffer_to_buffer(&source.raw, offset, &staging.raw, 0, bytes);
        let submission = device.submit(encoder, 0);
        let mapping = Mapping::request(&staging.raw, bytes);
        mapping.wait(device, &submission).await;
        mapping.view(device, label, |view| {
            values.extend(view.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        })?;
        offset += bytes;
    }
    Ok(values)
}
