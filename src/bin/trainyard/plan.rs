//! `trainyard plan`: what a training step launches and a run allocates, computed without a device.

use serde::Serialize;
use trainyard::train::{PlanReport, Preset, plan_report};

use crate::args::PlanArgs;
use crate::error::CliError;
use crate::output;
use crate::source;

#[derive(Serialize)]
struct Report<'a> {
    preset: &'a str,
    #[serde(flatten)]
    plan: &'a PlanReport,
}

pub fn run(args: &PlanArgs) -> Result<(), CliError> {
    let preset = Preset::find(&args.preset)?;
    let mut settings = source::settings(preset, &args.settings, None)?;
    let data = source::for_plan(preset, &mut settings, args.data.as_deref())?;
    let plan = plan_report(&settings, data.as_ref(), args.software)?;
    if args.json {
        return output::json(&Report { preset: preset.name, plan: &plan });
    }
    if args.graph {
        output::text(&plan.graph)?;
    }
    if args.launches {
        output::text(&plan.launches)?;
    }
    if args.graph || args.launches { Ok(()) } else { sums(preset, &plan) }
}

fn sums(preset: &Preset, plan: &PlanReport) -> Result<(), CliError> {
    let rows = [
        ("preset", format!("{}, for a {} adapter", preset.name, plan.target)),
        ("batch", format!("{} × {} tokens, vocabulary {}", plan.batch, plan.context, plan.vocab_size)),
        ("parameters", plan.parameters.to_string()),
        ("dispatches", format!("{} a training step, optimizer included", plan.dispatches)),
        ("submits", format!("{} for up to {} steps", plan.submits_per_chunk, trainyard::train::RING)),
        ("created", format!("{} buffers and {} bind groups a step", plan.buffers_per_step, plan.bind_groups_per_step)),
        ("bytes", format!("{} ({})", plan.bytes, output::mib(plan.bytes))),
        (
            "operations",
            format!(
                "{} as launched, {} as papers count",
                output::short(plan.flops as f64),
                output::short(plan.dense_flops as f64)
            ),
        ),
    ];
    for (name, value) in rows {
        output::line(&format!("{name:<12} {value}"))?;
    }
    Ok(())
}
