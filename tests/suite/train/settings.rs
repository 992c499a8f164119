//! Settings, presets and schedules.

use serde_json::json;
use trainyard::train::{KNOBS, Kind, PRESETS, Preset, Schedule, ScheduleKind, SettingError};

fn schedule(kind: ScheduleKind, warmup: u32, steps: u32) -> Schedule {
    Schedule { kind, lr: 1e-3, min_lr: 1e-4, warmup, steps }
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

#[test]
fn schedules_have_no_bad_corner() {
    for kind in [ScheduleKind::Constant, ScheduleKind::Linear, ScheduleKind::Cosine] {
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
        ("schedule", json!("step"), "schedule = step: one of constant, linear, cosine"),
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
    assert!(KNOBS.iter().all(|k| unknown.to_string().contains(k.key)), "{unknown}");
    assert_eq!(settings, before, "what is refused changes nothing");
    settings.set_text("lr", "3e-4").expect("a number");
    settings.set_text("schedule", "linear").expect("a word");
    settings.set_text("n_inner", "null").expect("null");
    assert_eq!(
        (settings.lr, settings.schedule, settings.model.config.get("n_inner")),
        (3e-4, ScheduleKind::Linear, json!(null))
    );
}
