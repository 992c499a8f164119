//! `trainyard info`: what there is to compute on.

use pollster::block_on;
use serde_json::json;
use trainyard::train::adapters;

use crate::args::InfoArgs;
use crate::error::CliError;
use crate::output;

pub fn run(args: &InfoArgs) -> Result<(), CliError> {
    let adapters = block_on(adapters());
    if args.json {
        let interpreter = json!({ "device": "cpu", "precisions": ["f32", "f64"] });
        return output::json(&json!({
            "version": env!("CARGO_PKG_VERSION"), "adapters": adapters, "interpreter": interpreter,
        }));
    }
    if adapters.is_empty() {
        output::line("no GPU adapter found")?;
    }
    for (i, adapter) in adapters.iter().enumerate() {
        let limits = &adapter.limits;
        let kind = format!("{:?}", adapter.kind).to_lowercase();
        let default = if i == 0 { ", the default" } else { "" };
        output::line(&format!("{} ({kind}, {}{default})", adapter.name, adapter.backend))?;
        output::line(&format!("  driver             {}", adapter.driver))?;
        output::line(&format!("  one buffer         {}", output::mib(limits.buffer_bytes)))?;
        output::line(&format!("  one binding        {}", output::mib(limits.binding_bytes)))?;
        output::line(&format!("  storage buffers    {} a shader", limits.storage_buffers))?;
        let [x, y, z] = limits.workgroup_size;
        output::line(&format!("  workgroup          {} threads, {x} × {y} × {z}", limits.invocations))?;
        output::line(&format!("  workgroup memory   {} bytes", limits.workgroup_bytes))?;
        output::line(&format!("  dispatch           {} workgroups an axis", limits.workgroups))?;
        output::line(&format!("  timestamps         {}", if adapter.timestamps { "yes" } else { "no" }))?;
    }
    output::line("CPU interpreter (--device cpu): always there; f32 trains, verify runs f64 as well")
}
