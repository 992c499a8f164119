//! Running a prepared plan: K steps become one encoder, one pass, one submit; results come back through a ring of
//! staging buffers, later.
//!
//! A step counts only when its record has been read back from the device that ran it. Records are overwritten with a
//! mark before each submit, so a step that never ran is told from one whose loss is zero.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::kernels::{STEP_STRIDE, Step};
use crate::plan::Buffer;

use super::prepared::Prepared;
use super::readback::{self, Mapping};
use super::signal::Signal;
use super::{GpuError, inputs, platform};

/// Four f32 a record: loss, gradient norm, two that plans may use.
const RECORD_BYTES: u64 = 16;

/// A NaN that no arithmetic makes: the record has not been written.
const UNWRITTEN: u32 = 0x7fc0_1dea;

/// NaN, for poisoned slots.
const POISON: u32 = 0x7fc0_0000;

/// Tickets handed out by this process.
static TICKETS: AtomicU64 = AtomicU64::new(0);

/// A step's data.
#[derive(Clone, Debug)]
pub struct StepData<'a> {
    /// What changes between steps; `slot` is set by the executor. A step that is not the last part of its batch leaves no
    /// record.
    pub step: Step,
    /// The words of every input of the plan, by name.
    pub inputs: Vec<(&'a str, &'a [u32])>,
}

/// What a step leaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Record {
    /// Mean loss of the batch.
    pub loss: f32,
    /// Gradient norm before clipping; NaN where the plan computes none.
    pub grad_norm: f32,
}

/// A submit whose results are to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "an unfinished submit keeps its staging buffer"]
pub struct Ticket {
    generation: u32,
    number: u64,
}

/// A submit under way.
pub(super) struct InFlight {
    number: u64,
    staging: usize,
    /// Numbers of the steps, and whether they leave a record.
    steps: Vec<(u32, bool)>,
    submission: wgpu::SubmissionIndex,
    signal: Signal,
}

impl Prepared {
    /// Runs up to [`Prepared::ring`] steps, one after the other, without waiting.
    ///
    /// # Errors
    /// [`GpuError::Busy`] when no staging buffer is free; [`GpuError::Mismatch`] when the data does not fit the plan
    /// (nothing has run then); a lost device.
    pub fn submit(&mut self, steps: &[StepData<'_>]) -> Result<Ticket, GpuError> {
        self.device.check()?;
        let staging = (0..self.staging.len())
            .find(|i| self.in_flight.iter().all(|f| f.staging != *i))
            .ok_or(GpuError::Busy { in_flight: self.in_flight.len() })?;
        self.write(steps)?;

        let mut encoder = self.device.encoder("trainyard.run");
        let mut dispatches = 0;
        for (slot, step) in steps.iter().enumerate() {
            let mut start = 0;
            let last = if step.step.updates() { self.commands.len() } else { self.tail };
            for end in self.pieces.iter().map(|&end| end.min(last)) {
                if end <= start {
                    continue;
                }
                // Steps that are not cut share a submit.
                if self.pieces.len() > 1 && dispatches > 0 {
                    let full = core::mem::replace(&mut encoder, self.device.encoder("trainyard.run"));
                    self.device.submit(full, core::mem::take(&mut dispatches));
                }
                self.encode(&mut encoder, slot, start..end);
                dispatches += (end - start) as u64;
                start = end;
            }
        }
        let bytes = steps.len() as u64 * RECORD_BYTES;
        let staging_buffer = &self.staging[staging].raw;
        if let Some(records) = self.buffers.get(&Buffer::Records) {
            encoder.copy_buffer_to_buffer(&records.raw, 0, staging_buffer, 0, bytes);
        }
        let submission = self.device.submit(encoder, dispatches);
        let number = TICKETS.fetch_add(1, Ordering::Relaxed);
        self.in_flight.push_back(InFlight {
            number,
            staging,
            steps: steps.iter().map(|s| (s.step.step, s.step.updates())).collect(),
            submission,
            signal: Signal::map(staging_buffer, bytes),
        });
        Ok(Ticket { generation: self.device.generation(), number })
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder, slot: usize, range: Range<usize>) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let mut site = None;
        for (i, command) in self.commands[range].iter().enumerate() {
            if site != Some(command.site) {
                pass.set_bind_group(0, &self.step_group, &[self.step_offset(slot, command.site)]);
                site = Some(command.site);
            }
            if i == 0 || !command.same_pipeline {
                pass.set_pipeline(&command.pipeline);
            }
            pass.set_bind_group(1, &command.bind_group, &[]);
            let [x, y, z] = command.grid;
            pass.dispatch_workgroups(x, y, z);
        }
    }

    /// Cuts every later step into about so many submits of equal work, so that none holds the device for long: a long
    /// one drops frames of the page, and a very long one is taken for a hang. What is computed stays the same. 1 undoes
    /// it: one submit for all steps.
    pub fn split(&mut self, pieces: usize) {
        let total: u64 = self.names.iter().map(|n| n.work).sum();
        let pieces = pieces.clamp(1, self.names.len().max(1)) as u64;
        let mut done = 0;
        self.pieces.clear();
        for (i, name) in self.names.iter().enumerate() {
            done += name.work;
            // The end of a piece is where its share of the work is reached.
            let share = total * (self.pieces.len() as u64 + 1);
            if done * pieces >= share || i + 1 == self.names.len() {
                self.pieces.push(i + 1);
            }
        }
        if self.pieces.is_empty() {
            self.pieces.push(0);
        }
    }

    /// Submits whose results have not been taken.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Waits for a submit: one record for each step that is the last part of its batch, none if the plan leaves none.
    ///
    /// # Errors
    /// [`GpuError::Lost`], the error that stopped the device, or [`GpuError::Internal`] for a step without a record.
    pub async fn finish(&mut self, ticket: Ticket) -> Result<Vec<Record>, GpuError> {
        let at = self.position(ticket)?;
        readback::wait(&self.device, &self.in_flight[at].signal, &self.in_flight[at].submission).await;
        self.take(at)
    }

    /// As [`Prepared::finish`], but `None` while the device is still at it.
    ///
    /// # Errors
    /// As [`Prepared::finish`].
    pub fn try_finish(&mut self, ticket: Ticket) -> Result<Option<Vec<Record>>, GpuError> {
        let at = self.position(ticket)?;
        platform::tick(&self.device.shared.raw, &self.device.shared.health);
        if self.in_flight[at].signal.get().is_none() {
            return self.device.check().map(|()| None);
        }
        self.take(at).map(Some)
    }

    fn position(&self, ticket: Ticket) -> Result<usize, GpuError> {
        if ticket.generation != self.device.generation() {
            return Err(GpuError::Lost {
                generation: ticket.generation,
                reason: format!("its results cannot be read on generation {}", self.device.generation()),
            });
        }
        self.in_flight
            .iter()
            .position(|f| f.number == ticket.number)
            .ok_or_else(|| GpuError::Mismatch { what: "the ticket is of another plan or was used before".to_owned() })
    }

    /// The records of a submit whose mapping has an outcome.
    fn take(&mut self, at: usize) -> Result<Vec<Record>, GpuError> {
        let Some(done) = self.in_flight.remove(at) else { return Ok(Vec::new()) };
        let bytes = done.steps.len() as u64 * RECORD_BYTES;
        let mapping = Mapping::resume(&self.staging[done.staging].raw, bytes, done.signal);
        let words: Vec<[u8; 4]> = mapping.view(&self.device, "trainyard.records", |view| {
            view.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect()
        })?;
        if !self.records {
            return Ok(Vec::new());
        }
        let record = |((step, _), words): (&(u32, bool), &[[u8; 4]])| {
            if u32::from_le_bytes(words[0]) == UNWRITTEN {
                return Err(GpuError::Internal {
                    label: format!("step {step}"),
                    message: "it left no record, so it did not run".to_owned(),
                });
            }
            Ok(Record { loss: f32::from_le_bytes(words[0]), grad_norm: f32::from_le_bytes(words[1]) })
        };
        done.steps.iter().zip(words.chunks_exact(4)).filter(|((_, whole), _)| *whole).map(record).collect()
    }

    /// Reads an output as the last step left it.
    ///
    /// # Errors
    /// As [`Prepared::read_outputs`].
    pub async fn read_output(&mut self, name: &str) -> Result<Vec<f32>, GpuError> {
        Ok(self.read_outputs(&[name]).await?.pop().unwrap_or_default())
    }

    /// Reads outputs as the last step left them, together: one round trip for all that fit the staging buffer.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] for an unknown name; a lost device; [`GpuError::Map`].
    pub async fn read_outputs(&mut self, names: &[&str]) -> Result<Vec<Vec<f32>>, GpuError> {
        let mut sources = Vec::with_capacity(names.len());
        for name in names {
            let output = self.outputs.iter().find(|o| o.name == *name).ok_or_else(|| {
                let names: Vec<_> = self.outputs.iter().map(|o| o.name.as_str()).collect();
                GpuError::Mismatch { what: format!("the plan has no output {name:?}; it has {names:?}") }
            })?;
            let source = self
                .buffers
                .get(&output.buffer)
                .ok_or_else(|| GpuError::Mismatch { what: format!("output {name:?} has no buffer") })?;
            sources.push((source.as_ref(), output.elements));
        }
        match &self.output_staging {
            Some(staging) => readback::read(&self.device, &sources, staging, "the outputs").await,
            None => Ok(vec![Vec::new(); names.len()]),
        }
    }

    /// Fills every slot but the constants with NaN: what a launch reads before it is written then shows.
    ///
    /// # Errors
    /// A lost device.
    pub fn poison_slots(&mut self) -> Result<(), GpuError> {
        self.device.check()?;
        let piece = vec![POISON; 1 << 18];
        for (name, buffer) in &self.buffers {
            let Buffer::Slot(slot) = name else { continue };
            if self.constants.contains(slot) {
                continue;
            }
            let mut offset = 0;
            while offset < buffer.bytes {
                let words = ((buffer.bytes - offset) / 4).min(piece.len() as u64) as usize;
                if words == 0 {
                    break;
                }
                self.device.shared.queue.write_buffer(&buffer.raw, offset, bytemuck::cast_slice(&piece[..words]));
                offset += words as u64 * 4;
            }
        }
        self.device.check()
    }

    /// Hands the host's data of some steps to the queue: inputs, step uniforms, and the mark in their records.
    pub(super) fn write(&mut self, steps: &[StepData<'_>]) -> Result<(), GpuError> {
        if steps.is_empty() || steps.len() > self.ring {
            return Err(GpuError::Mismatch {
                what: format!("{} steps in a submit; this plan takes 1 to {}", steps.len(), self.ring),
            });
        }
        for (slot, data) in steps.iter().enumerate() {
            for input in &self.inputs {
                let (_, words) = data.inputs.iter().find(|(name, _)| *name == input.name).ok_or_else(|| {
                    GpuError::Mismatch { what: format!("step {} lacks the input {:?}", data.step.step, input.name) }
                })?;
                let start = slot * self.input_words + (input.offset / 4) as usize;
                inputs::fill(input, words, &mut self.input_scratch[start..start + input.words])?;
            }
            for site in 0..self.sites {
                let step = Step { slot: slot as u32, site: site as u32, ..data.step };
                let start = self.step_offset(slot, site) as usize;
                self.step_scratch[start..start + size_of::<Step>()].copy_from_slice(bytemuck::bytes_of(&step));
            }
        }
        let queue = &self.device.shared.queue;
        if let Some(ring) = self.buffers.get(&Buffer::InputRing) {
            let words = &self.input_scratch[..steps.len() * self.input_words];
            queue.write_buffer(&ring.raw, 0, bytemuck::cast_slice(words));
        }
        queue.write_buffer(&self.step_ring.raw, 0, &self.step_scratch[..self.step_offset(steps.len(), 0) as usize]);
        if let Some(records) = self.buffers.get(&Buffer::Records) {
            let marks = vec![UNWRITTEN; steps.len() * RECORD_BYTES as usize / 4];
            queue.write_buffer(&records.raw, 0, bytemuck::cast_slice(&marks));
        }
        self.device.check()
    }

    /// The dynamic offset of a step's uniform for a dropout site.
    pub(super) fn step_offset(&self, slot: usize, site: usize) -> u32 {
        (slot * self.sites + site) as u32 * STEP_STRIDE as u32
    }
}
