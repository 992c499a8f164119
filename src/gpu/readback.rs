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

/// Part of a source, on its way through the staging buffer.
struct Piece {
    source: usize,
    /// First byte in the source.
    from: u64,
    /// First byte in the staging buffer.
    at: u64,
    bytes: u64,
}

/// Reads so many f32 from the start of each source, with as few round trips as `staging` is large.
pub(super) async fn read(
    device: &Device,
    sources: &[(&Allocation, usize)],
    staging: &Allocation,
    label: &str,
) -> Result<Vec<Vec<f32>>, GpuError> {
    device.check()?;
    let mut values: Vec<Vec<f32>> = sources.iter().map(|&(_, elements)| Vec::with_capacity(elements)).collect();
    for trip in trips(sources, staging.bytes) {
        let mut encoder = device.encoder(label);
        let mut bytes = 0;
        for piece in &trip {
            let source = &sources[piece.source].0.raw;
            encoder.copy_buffer_to_buffer(source, piece.from, &staging.raw, piece.at, piece.bytes);
            bytes = piece.at + piece.bytes;
        }
        let submission = device.submit(encoder, 0);
        let mapping = Mapping::request(&staging.raw, bytes);
        mapping.wait(device, &submission).await;
        mapping.view(device, label, |view| {
            for piece in &trip {
                let words = view[piece.at as usize..(piece.at + piece.bytes) as usize].chunks_exact(4);
                values[piece.source].extend(words.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
            }
        })?;
    }
    Ok(values)
}

/// Cuts the sources into round trips of at most `room` bytes.
fn trips(sources: &[(&Allocation, usize)], room: u64) -> Vec<Vec<Piece>> {
    let mut trips = Vec::new();
    let mut trip = Vec::new();
    let mut at = 0;
    for (source, &(_, elements)) in sources.iter().enumerate() {
        let total = elements as u64 * 4;
        let mut from = 0;
        while from < total && room > 0 {
            if at == room {
                trips.push(core::mem::take(&mut trip));
                at = 0;
            }
            let bytes = (total - from).min(room - at);
            trip.push(Piece { source, from, at, bytes });
            from += bytes;
            at += bytes;
        }
    }
    if !trip.is_empty() {
        trips.push(trip);
    }
    trips
}
