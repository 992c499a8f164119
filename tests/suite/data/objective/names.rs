//! Objectives as data: names, parameters, bounds.

use trainyard::data::DataError;
use trainyard::data::objective::{Denoise, Masking, Mlm, Objective, Selection, Span};

#[test]
fn names_are_read_back_and_unknown_ones_listed() {
    for name in Objective::NAMES {
        let objective: Objective = name.parse().expect("it is known");
        assert_eq!(objective.name(), name);
        assert_eq!(objective.check(), Ok(()));
        let json = serde_json::to_value(&objective).expect("plain data");
        assert_eq!(json["name"], name);
        assert_eq!(serde_json::from_value::<Objective>(json).ok(), Some(objective));
    }
    let error = "mlm+".parse::<Objective>().expect_err("no such objective");
    assert!(error.to_string().starts_with("unknown objective \"mlm+\"; known: causal, mlm, mlm+nsp, "), "{error}");
    assert_eq!(error.code(), "data-unknown-objective");
    assert_eq!(Objective::default().name(), "causal");
}

#[test]
fn parameters_stand_beside_the_name_and_default_to_the_published_ones() {
    let read = |json: &str| serde_json::from_str::<Objective>(json);
    let mlm = Mlm { selection: Selection::WholeWord, masking: Masking::Static, most: 20, ..Mlm::default() };
    let json = r#"{"name": "mlm", "selection": "whole-word", "masking": "static", "most": 20}"#;
    assert_eq!(read(json).ok(), Some(Objective::Mlm(mlm)));
    let span = Span { random_roll: true, ..Span::default() };
    assert_eq!(read(r#"{"name": "span", "random_roll": true}"#).ok(), Some(Objective::Span(span)));
    assert_eq!((span.density, span.mean), (0.15, 3.0));
    let Ok(Objective::Denoise(denoise)) = "denoise".parse() else { panic!("it is known") };
    assert_eq!(denoise, Denoise { permute: 1.0, infill: 0.3, lambda: 3.0, ..Denoise::OFF });
    assert!(read(r#"{"name": "mlm", "probabilty": 0.2}"#).is_err(), "a misspelled parameter is no default");
}

#[test]
fn parameters_have_bounds() {
    let refused = [
        (Objective::Mlm(Mlm { probability: 1.5, ..Mlm::default() }), "probability from 0.001 to 1, not 1.5"),
        (Objective::MlmNsp(Mlm { probability: f64::NAN, ..Mlm::default() }), "probability from 0.001 to 1, not NaN"),
        (Objective::Span(Span { density: 1.0, ..Span::default() }), "density from 0.001 to 0.999, not 1"),
        (Objective::Span(Span { mean: 0.0, ..Span::default() }), "mean from 1 to 1000, not 0"),
        (Objective::Denoise(Denoise { lambda: 0.0, ..Denoise::OFF }), "lambda from 0.1 to 40, not 0"),
        (Objective::Denoise(Denoise { rotate: -0.1, ..Denoise::OFF }), "rotate from 0 to 1, not -0.1"),
    ];
    for (objective, message) in refused {
        let error = objective.check().expect_err("out of bounds");
        assert!(matches!(error, DataError::Parameter { .. }));
        assert_eq!(error.to_string(), format!("the objective {} takes {message}", objective.name()));
    }
}
