//! The one thing that is awaited here: that a staging buffer has been mapped, or could not be.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::{Arc, Mutex};

use super::health::lock;

#[derive(Default)]
struct State {
    mapped: Option<bool>,
    waker: Option<Waker>,
}

/// Set once by the callback of a mapping; read or awaited by whoever wants the data.
#[derive(Clone, Default)]
pub(super) struct Signal(Arc<Mutex<State>>);

impl Signal {
    /// Whether the buffer was mapped; `None` while that is open.
    pub(super) fn get(&self) -> Option<bool> {
        lock(&self.0).mapped
    }

    /// Resolves the signal. The first call counts.
    pub(super) fn set(&self, mapped: bool) {
        let waker = {
            let mut state = lock(&self.0);
            state.mapped.get_or_insert(mapped);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Asks for the first `bytes` of a buffer.
    pub(super) fn map(buffer: &wgpu::Buffer, bytes: u64) -> Self {
        let signal = Self::default();
        let setter = signal.clone();
        buffer.slice(..bytes).map_async(wgpu::MapMode::Read, move |result| setter.set(result.is_ok()));
        signal
    }
}

impl Future for Signal {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = lock(&self.0);
        match state.mapped {
            Some(mapped) => Poll::Ready(mapped),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
