//! The browser's half of what differs between platforms: finding adapters, error scopes, waiting.
//!
//! `wgpu` 30.0.1 aborts the module when a browser reports an internal error (gfx-rs/wgpu#9914), be it through its error
//! scopes or its handler for uncaptured errors. Neither is used here: scopes, `lost` and `uncapturederror` are taken
//! from the raw `GPUDevice`. This file can shrink when a release contains gfx-rs/wgpu#9919.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::adapter::is_software_name;
use super::health::Health;
use super::signal::Signal;
use super::{AdapterInfo, AdapterKind, GpuError, Limits};

/// What the scopes round a call caught.
pub(super) type Verdict = Pin<Box<dyn Future<Output = Option<GpuError>>>>;

/// How often an adapter is asked for, and the pauses between, in ms: on Windows the first 100 ms of a renderer have none.
const PAUSES: [i32; 5] = [0, 100, 300, 800, 1800];

/// Turns of the event loop that a loss may take to arrive after the call that it broke.
const SETTLE_TURNS: usize = 20;

/// How a user is told to get an adapter.
const REMEDY: &str = "Use a current Chrome, Edge, Safari or Firefox with hardware acceleration switched on; on Linux, \
                      WebGPU may have to be enabled by a flag";

#[wasm_bindgen]
extern "C" {
    /// `GPUDevice`, with the members that must not go through `wgpu`.
    #[derive(Clone)]
    type RawDevice;

    #[wasm_bindgen(method, js_name = pushErrorScope)]
    fn push_error_scope(this: &RawDevice, filter: &str);

    #[wasm_bindgen(method, catch, js_name = popErrorScope)]
    fn pop_error_scope(this: &RawDevice) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn lost(this: &RawDevice) -> Promise;

    #[wasm_bindgen(method, js_name = addEventListener)]
    fn add_event_listener(this: &RawDevice, event: &str, listener: &JsValue);

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: i32);
}

/// A property, or `undefined`, also of what has none.
fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

fn text(of: &JsValue, name: &str) -> String {
    get(of, name).as_string().unwrap_or_default()
}

/// A limit of `GPUSupportedLimits`, or what every device allows.
fn limit(limits: &JsValue, name: &str, floor: u64) -> u64 {
    // Limits are integers below 2^53, which f64 holds exactly.
    get(limits, name).as_f64().map_or(floor, |v| v as u64)
}

fn small_limit(limits: &JsValue, name: &str, floor: u32) -> u32 {
    u32::try_from(limit(limits, name, u64::from(floor))).unwrap_or(u32::MAX)
}

/// What a thrown or rejected value says.
fn message(value: &JsValue) -> String {
    let message = text(value, "message");
    if message.is_empty() { value.as_string().unwrap_or_else(|| format!("{value:?}")) } else { message }
}

/// Lets the event loop run for at least so many milliseconds.
async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |resolve, _reject| set_timeout(&resolve, milliseconds));
    // A promise that only ever resolves.
    let _ = JsFuture::from(promise).await;
}

/// `navigator.gpu`, if there is one that `wgpu` can use: in a page or a worker.
fn browser_gpu() -> Option<JsValue> {
    let global: JsValue = js_sys::global().into();
    let known = ["Window", "WorkerGlobalScope"].iter().any(|name| !get(&global, name).is_undefined());
    let gpu = get(&get(&global, "navigator"), "gpu");
    (known && gpu.is_object()).then_some(gpu)
}

/// A `GPUAdapter` of our own, to read what `wgpu` does not pass on.
async fn request(gpu: &JsValue) -> Option<JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"powerPreference".into(), &"high-performance".into()).ok()?;
    let method: Function = get(gpu, "requestAdapter").dyn_into().ok()?;
    let promise: Promise = method.call1(gpu, &options).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok().filter(JsValue::is_object)
}

fn describe(adapter: &JsValue) -> AdapterInfo {
    let info = get(adapter, "info");
    let parts = [text(&info, "vendor"), text(&info, "architecture"), text(&info, "description")];
    let name = parts.iter().filter(|p| !p.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ");
    let fallback = [&info, adapter].iter().any(|of| get(of, "isFallbackAdapter").is_truthy());
    let limits = get(adapter, "limits");
    let floor = Limits::FLOOR;
    let features = get(adapter, "features");
    let timestamps = get(&features, "has")
        .dyn_into::<Function>()
        .ok()
        .and_then(|has| has.call1(&features, &"timestamp-query".into()).ok())
        .is_some_and(|v| v.is_truthy());
    AdapterInfo {
        kind: if fallback || is_software_name(&name) { AdapterKind::Software } else { AdapterKind::Unspecified },
        name: if name.is_empty() { "WebGPU adapter".to_owned() } else { name },
        backend: "WebGPU".to_owned(),
        driver: String::new(),
        limits: Limits {
            buffer_bytes: limit(&limits, "maxBufferSize", floor.buffer_bytes),
            binding_bytes: limit(&limits, "maxStorageBufferBindingSize", floor.binding_bytes),
            storage_buffers: small_limit(&limits, "maxStorageBuffersPerShaderStage", floor.storage_buffers),
            workgroup_bytes: small_limit(&limits, "maxComputeWorkgroupStorageSize", floor.workgroup_bytes),
            invocations: small_limit(&limits, "maxComputeInvocationsPerWorkgroup", floor.invocations),
            workgroup_size: [
                small_limit(&limits, "maxComputeWorkgroupSizeX", floor.workgroup_size[0]),
                small_limit(&limits, "maxComputeWorkgroupSizeY", floor.workgroup_size[1]),
                small_limit(&limits, "maxComputeWorkgroupSizeZ", floor.workgroup_size[2]),
            ],
            workgroups: small_limit(&limits, "maxComputeWorkgroupsPerDimension", floor.workgroups),
        },
        timestamps,
    }
}

/// The browser's adapter, if it has one.
pub(super) async fn list() -> Vec<AdapterInfo> {
    let Some(gpu) = browser_gpu() else { return Vec::new() };
    request(&gpu).await.iter().map(describe).collect()
}

/// The browser's adapter; a `choice` can only confirm it.
pub(super) async fn find(choice: Option<&str>) -> Result<(AdapterInfo, wgpu::Adapter), GpuError> {
    let missing = |searched: &str| GpuError::NoAdapter { searched: searched.to_owned(), remedy: REMEDY };
    let gpu = browser_gpu().ok_or_else(|| missing("this browser has no navigator.gpu here"))?;
    for pause in PAUSES {
        if pause > 0 {
            sleep(pause).await;
        }
        let Some(raw) = request(&gpu).await else { continue };
        let info = describe(&raw);
        if let Some(part) = choice
            && !info.is_called(part)
        {
            return Err(GpuError::NoSuchAdapter { wanted: part.to_owned(), available: vec![info.name] });
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::BROWSER_WEBGPU,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        // A device needs an adapter of its own: one that has made a device gives only lost ones afterwards.
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        if let Ok(adapter) = instance.request_adapter(&options).await {
            return Ok((info, adapter));
        }
    }
    Err(missing("navigator.gpu.requestAdapter() gave none, five times in three seconds"))
}

fn raw_device(raw: &wgpu::Device) -> Option<RawDevice> {
    raw.as_webgpu().map(|device| device.unchecked_ref::<RawDevice>().clone())
}

/// Routes losses and errors outside of scopes to `health`.
pub(super) fn watch(raw: &wgpu::Device, health: &Arc<Health>) {
    let Some(device) = raw_device(raw) else {
        health.lose("wgpu has no raw WebGPU device");
        return;
    };
    let lost = Arc::clone(health);
    // Freed by the call; a device that is never lost keeps it until the page ends.
    let on_lost: Function = Closure::once_into_js(move |info: JsValue| {
        lost.lose(&format!("{}: {}", text(&info, "reason"), text(&info, "message")));
    })
    .unchecked_into();
    if let Err(thrown) = get(&device.lost(), "then").unchecked_into::<Function>().call1(&device.lost(), &on_lost) {
        health.lose(&message(&thrown));
    }
    let failed = Arc::clone(health);
    let on_error = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
        let error = get(&event, "error");
        let kind = text(&get(&error, "constructor"), "name");
        failed.fail(translate(&kind, "an operation".to_owned(), message(&error)));
    });
    // Garbage-collected with the device.
    device.add_event_listener("uncapturederror", &on_error.into_js_value());
}

fn translate(kind: &str, label: String, message: String) -> GpuError {
    match kind {
        "GPUValidationError" => GpuError::Validation { label, message },
        "GPUOutOfMemoryError" => GpuError::OutOfMemory { label, message },
        _ => GpuError::Internal { label, message },
    }
}

/// Runs `make` inside scopes for every kind of error.
pub(super) fn scoped<T>(raw: &wgpu::Device, label: &str, make: impl FnOnce() -> T) -> (T, Verdict) {
    let Some(device) = raw_device(raw) else {
        let error = GpuError::Internal { label: label.to_owned(), message: "no raw WebGPU device".to_owned() };
        return (make(), Box::pin(core::future::ready(Some(error))));
    };
    for filter in ["validation", "out-of-memory", "internal"] {
        device.push_error_scope(filter);
    }
    let made = make();
    // Innermost first. The promises are taken at once, so that no other task's calls fall into these scopes.
    let scopes =
        ["GPUInternalError", "GPUOutOfMemoryError", "GPUValidationError"].map(|kind| (kind, device.pop_error_scope()));
    let label = label.to_owned();
    let verdict = async move {
        let mut first = None;
        for (kind, promise) in scopes {
            let caught = match promise {
                Ok(promise) => JsFuture::from(promise).await,
                Err(thrown) => Err(thrown),
            };
            let error = match caught {
                Ok(error) if error.is_object() => translate(kind, label.clone(), message(&error)),
                Ok(_) => continue,
                Err(thrown) => GpuError::Internal { label: label.clone(), message: message(&thrown) },
            };
            first.get_or_insert(error);
        }
        first
    };
    (made, Box::pin(verdict))
}

/// Browsers run callbacks by themselves.
pub(super) fn tick(_raw: &wgpu::Device, _health: &Health) {}

/// Waits until the mapping behind `signal` has an outcome.
///
/// Firefox looks at its queue only every 100 ms (bug 1870699) unless something is submitted: there, an empty submit
/// every millisecond. Goes when that bug is fixed.
pub(super) async fn wait(
    _raw: &wgpu::Device,
    queue: &wgpu::Queue,
    _health: &Health,
    signal: &Signal,
    _submission: &wgpu::SubmissionIndex,
) -> bool {
    if is_firefox() {
        while signal.get().is_none() {
            queue.submit([]);
            sleep(1).await;
        }
    }
    signal.clone().await
}

fn is_firefox() -> bool {
    let global: JsValue = js_sys::global().into();
    text(&get(&global, "navigator"), "userAgent").contains("Firefox/")
}

/// Gives a loss that has just happened the time to be reported: `lost` may resolve after the call that failed.
pub(super) async fn settle(_raw: &wgpu::Device, health: &Health) {
    for _ in 0..SETTLE_TURNS {
        if health.is_lost() {
            return;
        }
        sleep(0).await;
    }
}
