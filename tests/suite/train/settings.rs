//! Settings, presets and schedules.

use serde_json::json;
use trainyard::ir::OptimizerKind;
use trainyard::train::{KNOBS, Kind, NOISE, PRESETS, Preset, Rule, Schedule, ScheduleKind, SettingError};

fn schedule(kind: ScheduleKind, warmup: u32, steps: u32) -> Schedule {
    Schedule { kind, lr: 1e-3, min_lr: 1e-4, warmup, steps, decay: steps / 5 }
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-15, "{found:e} instead of {expected:e}");
}

#[test]
fn schedules_take_nanogpts_values() {
    let cosine = schedule(ScheduleKind::Cosine, 100, 5000);
    // lr·(it + 1)/(warmup + 1), then half a cosine from lr to min_lr.
    assert_close(cosine.at(0), 1e-3 / 101.0);
    assert_close(cosine.at(99), 1e-3 * 100.0 / 101.0);
    assert_close(cosine.at(100), 1e-3);
    assert_close(cosine.at(2550), 0.5 * (1e-3 + 1e-4));
    assert_close(cosine.at(1325), 1e-4 + 9e-4 * 0.5 * (1.0 + (std::f64::consts::PI * 0.25).cos()));
    assert_close(cosine.at(5000), 1e-4);
    assert_close(cosine.at(u32::MAX), 1e-4);
    let linear = schedule(ScheduleKind::Linear, 0, 10);
    assert_close(linear.at(0), 1e-3);
    assert_close(linear.at(5), 5.5e-4);
    assert_close(linear.at(10), 1e-4);
    let constant = schedule(ScheduleKind::Constant, 4, 10);
    assert_close(constant.at(3), 8e-4);
    assert_close(constant.at(4), 1e-3);
    assert_close(constant.at(1000), 1e-3);
}

/// Values of the original Transformer's schedule, made with its formula in Python.
#[test]
fn the_inverse_square_root_is_noams() {
    let file = include_str!("../../fixtures/metrics_kat.json");
    let file: serde_json::Value = serde_json::from_str(file).expect("a JSON file");
    let values = file["noam"].as_object().expect("values by name");
    assert!(values.len() >= 8, "{} values", values.len());
    for (name, expected) in values {
        let number = |key: &str| -> u32 {
            let part = name.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            part.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{name} names no {key}"))
        };
        let expected = expected.as_f64().expect("a number");
        let found = Schedule::noam(number("d"), 1.0, number("w"), 100_000).at(number("s") - 1);
        assert!((found - expected).abs() <= 1e-14 * expected, "{name}: {found:e} instead of {expected:e}");
    }
    let peak = schedule(ScheduleKind::InverseSqrt, 100, 5000);
    assert_close(peak.at(99), 1e-3);
    assert_close(peak.at(49), 5e-4);
    assert_close(peak.at(399), 5e-4);
    assert_close(schedule(ScheduleKind::InverseSqrt, 0, 10).at(3), 5e-4);
}

#[test]
fn a_stable_schedule_falls_at_the_end() {
    let wsd = schedule(ScheduleKind::Wsd, 4, 100);
    assert_close(wsd.at(0), 2e-4);
    assert_close(wsd.at(4), 1e-3);
    assert_close(wsd.at(80), 1e-3);
    assert_close(wsd.at(90), 5.5e-4);
    assert_close(wsd.at(100), 1e-4);
    // A warm-up that reaches into the fall leaves less of it; no fall at all is constant.
    let late = Schedule { warmup: 90, ..wsd };
    assert_close(late.at(95), 5.5e-4);
    assert_close(Schedule { decay: 0, ..wsd }.at(99), 1e-3);
    assert_close(Schedule { decay: 1000, ..wsd }.at(52), 5.5e-4);
    let mut settings = Preset::find("gpt-nano").and_then(Preset::settings).expect("valid");
    settings.set_text("schedule", "wsd").expect("a word");
    settings.set_text("steps", "1000").expect("a number");
    settings.set_text("decay_fraction", "0.25").expect("a number");
    assert_eq!((settings.schedule().kind, settings.schedule().decay), (ScheduleKind::Wsd, 250));
}

#[test]
fn a_schedule_can_be_drawn_before_it_runs() {
    for (_, kind) in ScheduleKind::NAMES {
        let schedule = schedule(kind, 10, 1000);
        let points = schedule.points(64);
        assert_eq!((points.len(), points[0].0, points[63].0), (64, 0, 999));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{points:?}");
        assert!(points.iter().all(|&(step, lr)| lr == schedule.at(step)));
        assert_eq!(schedule.points(5000).len(), 1000);
    }
    let short = |steps| schedule(ScheduleKind::Linear, 0, steps).points(3).iter().map(|p| p.0).collect::<Vec<_>>();
    assert_eq!(
        (short(0), short(1), short(2), short(u32::MAX)),
        (vec![], vec![0], vec![0, 1], vec![0, 2_147_483_647, u32::MAX - 1])
    );
    assert_eq!(schedule(ScheduleKind::Linear, 0, 9).points(1), [(0, 1e-3)]);
}

#[test]
fn every_rule_and_every_schedule_has_a_name() {
    let choices = |key: &str| match KNOBS.iter().find(|k| k.key == key).expect("a known key").kind {
        Kind::Choice(choices) => choices.to_vec(),
        kind => panic!("{key} is {kind:?}"),
    };
    assert_eq!(choices("schedule"), ScheduleKind::NAMES.map(|(name, _)| name));
    assert_eq!(choices("optimizer"), Rule::NAMES.map(|(name, _)| name));
    let mut settings = Preset::find("gpt-nano").and_then(Preset::settings).expect("valid");
    for (name, value) in [("momentum", "0.95"), ("beta2", "0.98"), ("weight_decay", "0.05")] {
        settings.set_text(name, value).expect("a number");
    }
    for (name, rule) in Rule::NAMES {
        settings.set_text("optimizer", name).expect("a word");
        let (beta1, eps, weight_decay) = (0.9, 1e-8, 0.05);
        let expected = match rule {
            Rule::AdamW => OptimizerKind::AdamW { beta1, beta2: 0.98, eps, weight_decay },
            Rule::Sgd => OptimizerKind::Sgd { momentum: 0.95, weight_decay },
            Rule::Adafactor => {
                OptimizerKind::Adafactor { eps: 1e-30, clip_threshold: 1.0, decay_rate: -0.8, weight_decay }
            }
            Rule::Lion => OptimizerKind::Lion { beta1, beta2: 0.98, weight_decay },
            Rule::Muon => OptimizerKind::Muon { momentum: 0.95, beta1, beta2: 0.98, eps, weight_decay },
        };
        assert_eq!((settings.optimizer, settings.optimizer().kind), (rule, expected));
    }
}

#[test]
fn schedules_have_no_bad_corner() {
    for (_, kind) in ScheduleKind::NAMES {
        for (warmup, steps) in [(0, 1), (1, 1), (5, 3), (u32::MAX, 10), (0, u32::MAX), (10, 10)] {
            let schedule = schedule(kind, warmup, steps);
            for step in [0, 1, 2, 9, 10, 11, u32::MAX - 1, u32::MAX] {
                let lr = schedule.at(step);
                assert!(lr > 0.0 && lr <= 1e-3 + 1e-18, "{schedule:?} at {step}: {lr}");
            }
        }
    }
}

#[test]
fn every_preset_reads_back_its_own_settings() {
    for preset in PRESETS {
        let settings = preset.settings().unwrap_or_else(|e| panic!("{}: {e}", preset.name));
        let mut copy = settings.clone();
        for (key, value) in settings.to_map() {
            let knob = KNOBS.iter().find(|k| k.key == key).expect("a known key");
            // What an objective does not have is null in a listing.
            if value.is_null() && NOISE.contains(&key.as_str()) {
                continue;
            }
            assert!(!value.is_null() || knob.kind == Kind::Nullable, "{}: {key} is null", preset.name);
            copy.set(&key, &value).unwrap_or_else(|e| panic!("{}: {e}", preset.name));
        }
        assert_eq!(copy.to_map(), settings.to_map(), "{}", preset.name);
        settings.model.config.check().unwrap_or_else(|e| panic!("{}: {e}", preset.name));
        assert_eq!(Preset::find(preset.name).map(|p| p.title), Ok(preset.title));
    }
    let error = Preset::find("gpt-9").map(|_| ()).expect_err("no such preset").to_string();
    assert!(PRESETS.iter().all(|p| error.contains(p.name)), "{error}");
}

#[test]
fn settings_refuse_what_they_cannot_be() {
    let mut settings = Preset::find("gpt-nano").and_then(Preset::settings).expect("valid");
    let before = settings.clone();
    let cases = [
        ("batch", json!(0), "batch = 0: a whole number from 1 to 65536 is needed"),
        ("batch", json!(1.5), "batch = 1.5"),
        ("batch", json!("many"), "batch = many"),
        ("dropout", json!(1.0), "dropout = 1.0: a number from 0 to 0.95"),
        ("beta1", json!(1), "beta1 = 1"),
        ("schedule", json!("step"), "schedule = step: one of constant, linear, cosine, inverse_sqrt, wsd"),
        ("optimizer", json!("adam"), "optimizer = adam: one of adamw, sgd, adafactor, lion, muon"),
        ("momentum", json!(1), "momentum = 1"),
        ("decay_fraction", json!(1.5), "decay_fraction = 1.5: a number from 0 to 1"),
        ("bias", json!(1), "bias = 1: true or false"),
        ("n_inner", json!(0), "n_inner = 0: a whole number above 0, or null"),
        ("lr", json!(-1e-3), "lr = -0.001"),
        ("lr", json!(null), "lr = null"),
    ];
    for (key, value, message) in cases {
        let error = settings.set(key, &value).expect_err("not valid").to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let unknown = settings.set("learning_rate", &json!(1)).expect_err("no such key");
    assert!(matches!(unknown, SettingError::Unknown { .. }));
    assert!(before.knobs().all(|k| unknown.to_string().contains(k.key)), "{unknown}");
    assert_eq!(settings, before, "what is refused changes nothing");
    settings.set_text("lr", "3e-4").expect("a number");
    settings.set_text("schedule", "linear").expect("a word");
    settings.set_text("n_inner", "null").expect("null");
    assert_eq!(
        (settings.lr, settings.schedule, settings.model.config.get("n_inner")),
        (3e-4, ScheduleKind::Linear, json!(null))
    );
}
