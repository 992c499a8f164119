//! What a file of known answers is, and what a case says of its numbers.

use pollster::block_on;
use serde_json::json;
use trainyard::train::known_answers::{
    AnyMachine, InterpreterMachine, KnownAnswers, KnownAnswersError, Outcome, Precision, Worst,
};
use trainyard::train::known_answers::{Data, Descent, Evaluated, Inputs, Machine, MachineError};

use super::{MODELS, case, gpu, run};

const OPERATIONS: &str = include_str!("../../fixtures/ops_kat.json");

#[test]
fn a_file_lists_its_cases_in_order_and_leaves_comments_out() {
    let text = r#"{ "squad": [], "_about": "nothing", "relu": {}, "bleu": {} }"#;
    let file = KnownAnswers::read(text).expect("the file is right");
    let names: Vec<&str> = file.cases().iter().map(|case| case.name()).collect();
    assert_eq!(names, ["squad", "relu", "bleu"]);
    assert_eq!(KnownAnswers::read(MODELS).expect("the fixture is right").cases().len(), 12);
}

#[test]
fn what_holds_no_cases_is_refused() {
    assert!(matches!(KnownAnswers::read("loss"), Err(KnownAnswersError::Json(_))));
    assert!(matches!(KnownAnswers::read("[1]"), Err(KnownAnswersError::NoObject)));
    assert!(matches!(KnownAnswers::read(r#"{"cases": 3}"#), Err(KnownAnswersError::NoCases)));
    for empty in ["{}", r#"{"_about": "nothing"}"#, r#"{"cases": {}}"#] {
        assert!(matches!(KnownAnswers::read(empty), Err(KnownAnswersError::Empty)), "{empty}");
    }
}

/// The page shows these numbers beside the sentence, so they must be the sentence's.
#[test]
fn the_worst_quantity_comes_with_its_error_and_gate() {
    let mut machine = InterpreterMachine::<f32>::default();
    let [right] = &run(&case(MODELS, "gpt2_lm", |_| {}), &mut machine)[..] else { panic!("one case") };
    let Some(Worst { quantity, error, gate }) = &right.worst else { panic!("numbers were compared: {right:?}") };
    assert!(*error <= *gate && *gate > 0.0, "{right:?}");
    assert!(matches!(&right.outcome, Outcome::Pass(detail) if detail.contains(quantity.as_str())), "{right:?}");

    let moved = case(MODELS, "gpt2_lm", |case| {
        case["loss"] = json!(case["loss"].as_f64().expect("the loss is a number") + 2e-5);
    });
    let [wrong] = &run(&moved, &mut machine)[..] else { panic!("one case") };
    assert!(matches!(&wrong.outcome, Outcome::Fail(detail) if detail.starts_with("loss: ")), "{wrong:?}");
    let Some(worst) = &wrong.worst else { panic!("numbers were compared: {wrong:?}") };
    assert_eq!((worst.quantity.as_str(), worst.gate), ("loss", 1e-5));
    assert!((worst.error - 2e-5).abs() < 2e-6, "{worst:?}");
}

/// Gives nothing but what is not a number.
struct Blank;

impl Machine for Blank {
    fn precision(&self) -> Precision {
        Precision::F32
    }

    async fn forward(
        &mut self,
        graph: &trainyard::ir::Graph,
        _: &[Vec<f32>],
        _: &[(String, Data)],
    ) -> Result<Evaluated, MachineError> {
        let blank = |(name, id): &(String, _)| (name.clone(), vec![f64::NAN; graph.ty(*id).shape.elements()]);
        Ok(Evaluated(graph.outputs.iter().map(blank).collect()))
    }

    async fn descend(
        &mut self,
        _: &trainyard::ir::Graph,
        _: trainyard::ir::Optimizer,
        _: &[Vec<f64>],
        _: &[Inputs],
        _: f64,
    ) -> Result<Descent, MachineError> {
        Ok(Descent { parameters: vec![vec![f64::NAN; 6]], norms: vec![f64::NAN; 6], ..Descent::default() })
    }
}

#[test]
fn what_is_not_a_number_fails_and_stays_the_worst() {
    for result in run(OPERATIONS, &mut Blank) {
        assert!(matches!(result.outcome, Outcome::Fail(_)), "{result:?}");
        assert!(result.worst.as_ref().is_some_and(|worst| worst.error.is_nan()), "{result:?}");
    }
}

#[test]
fn a_machine_chosen_at_run_time_computes_what_the_one_inside_does() {
    let text = case(MODELS, "bert_masked_lm", |_| {});
    let same = |any: AnyMachine, inside: Vec<_>, name: &str| {
        let mut any = any;
        assert_eq!(any.name(), name);
        assert_eq!(run(&text, &mut any), inside);
    };
    let f64 = || InterpreterMachine::<f64>::default();
    same(AnyMachine::F64(f64()), run(&text, &mut f64()), "f64");
    let f32 = || InterpreterMachine::<f32>::default();
    same(AnyMachine::on(None), run(&text, &mut f32()), "f32");
    let name = gpu().name().to_owned();
    same(AnyMachine::Gpu(gpu()), run(&text, &mut gpu()), &name);
}

/// Cases run alone give what they give in a row.
#[test]
fn cases_do_not_depend_on_those_before() {
    let file = KnownAnswers::read(OPERATIONS).expect("the fixture is right");
    let mut machine = gpu();
    let mut alone: Vec<_> = file.cases().iter().rev().map(|case| block_on(case.run(&mut machine))).collect();
    alone.reverse();
    assert_eq!(alone, run(OPERATIONS, &mut gpu()));
}
