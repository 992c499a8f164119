//! `trainyard bench`: how fast the presets train here.

use pollster::block_on;
use serde::Serialize;
use trainyard::train::{BenchResult, Preset, bench};

use crate::args::BenchArgs;
use crate::error::CliError;
use crate::output;
use crate::source;

const DEFAULT: [&str; 3] = ["bench-a", "bench-b", "bench-c"];
/// Steps that `--profile` times launch by launch.
const PROFILED: u32 = 5;

#[derive(Serialize)]
struct Report {
    preset: &'static str,
    #[serde(flatten)]
    result: BenchResult,
}

pub fn run(args: &BenchArgs) -> Result<(), CliError> {
    let names = if args.preset.is_empty() { DEFAULT.map(str::to_owned).to_vec() } else { args.preset.clone() };
    let presets = names.iter().map(|name| Preset::find(name)).collect::<Result<Vec<_>, _>>()?;
    let mut reports = Vec::with_capacity(presets.len());
    for preset in presets {
        let settings = source::settings(preset, &args.settings, None)?;
        let data = preset.dataset(&settings, None)?;
        let profiled = if args.profile { PROFILED } else { 0 };
        let result = block_on(bench(settings, data, args.device.choice()?, args.steps, profiled))?;
        let report = Report { preset: preset.name, result };
        if !args.json {
            print(&report)?;
        }
        reports.push(report);
    }
    match reports.as_slice() {
        _ if !args.json => Ok(()),
        [one] if args.preset.len() == 1 => output::json(one),
        all => output::json(&all),
    }
}

fn print(report: &Report) -> Result<(), CliError> {
    let r = &report.result;
    output::line(&format!("{} on {}", report.preset, r.adapter))?;
    output::line(&format!(
        "  {:.3} ms a step, median of {} (quartiles {:.3} to {:.3})",
        r.ms_per_step, r.steps, r.ms_p25, r.ms_p75
    ))?;
    output::line(&format!("  {} tokens/s, {:.2} GFLOP/s", output::short(r.tokens_per_s), r.gflops))?;
    output::line(&format!(
        "  {} dispatches a step, {}, first loss after {:.0} ms",
        r.dispatches,
        output::mib(r.bytes),
        r.first_step_ms
    ))?;
    for kernel in &r.kernels {
        output::line(&format!(
            "  {:<36} {:>3} × {:>10.1} µs {:>5.1} % {:>8.2} GFLOP/s",
            kernel.kernel,
            kernel.launches,
            kernel.microseconds,
            100.0 * kernel.share,
            kernel.gflops
        ))?;
    }
    Ok(())
}
