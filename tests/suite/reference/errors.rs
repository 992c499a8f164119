//! Data that does not fit is named, with its place and the limit.

use trainyard::ir::{Builder, DType, Init, IrError, Op, Param, Shape, Type};
use trainyard::reference::{ReferenceError, StepKey, Tensor, run};

use super::one;

fn error(graph: &trainyard::ir::Graph, inputs: &[Tensor<f32>]) -> String {
    run(graph, &[], inputs, StepKey::default()).expect_err("the data does not fit").to_string()
}

#[test]
fn inputs_are_counted_and_measured() {
    let graph = one(Op::Add, &[Type::f32(&[2, 2]), Type::f32(&[2, 2])]);
    let four = || Tensor::Float(vec![0.0; 4]);
    assert_eq!(error(&graph, &[four()]), "1 inputs were given, but the graph has 2");
    assert_eq!(error(&graph, &[four(), four(), four()]), "3 inputs were given, but the graph has 2");
    assert_eq!(error(&graph, &[four(), Tensor::Float(vec![0.0; 3])]), r#""x1" has 3 elements, but needs 4"#);
    assert_eq!(error(&graph, &[Tensor::Index(vec![0; 4]), four()]), r#""x0" needs elements of type f32"#);
}

#[test]
fn parameters_are_counted_and_measured() -> Result<(), IrError> {
    let mut b = Builder::new();
    let shape = Shape::new(&[3]);
    let w =
        b.param(Param { name: "w".to_owned(), shape, init: Init::Zeros, decay: false, frozen: false, parts: vec![] })?;
    b.output("y", w);
    let graph = b.finish();
    let run = |params: &[Vec<f64>]| run(&graph, params, &[], StepKey::default());
    assert!(matches!(run(&[]), Err(ReferenceError::Count { found: 0, expected: 1, .. })));
    let wrong = ReferenceError::Length { name: "w".to_owned(), found: 2, expected: 3 };
    assert_eq!(run(&[vec![0.0; 2]]).err(), Some(wrong));
    assert_eq!(run(&[vec![1.0, 2.0, 3.0]]).expect("fits").output("y"), Some(&[1.0, 2.0, 3.0][..]));
    Ok(())
}

#[test]
fn ids_stay_within_their_table() {
    let lookup = one(Op::Embedding { padding: None }, &[Type::f32(&[3, 2]), Type::u32(&[2, 2])]);
    let table = Tensor::Float(vec![0.0; 6]);
    assert_eq!(
        error(&lookup, &[table.clone(), Tensor::Index(vec![0, 2, 3, 9])]),
        r#"embedding in "": id 3 at position 2 is not below 3, the rows of the table"#
    );
    let scatter = one(Op::EmbeddingGrad { rows: 3, padding: None }, &[Type::u32(&[2]), Type::f32(&[2, 2])]);
    let dy = Tensor::Float(vec![0.0; 4]);
    assert!(error(&scatter, &[Tensor::Index(vec![0, u32::MAX]), dy]).contains("id 4294967295 at position 1"));
    assert_eq!(
        error(&lookup, &[table, Tensor::Float(vec![0.0; 4])]),
        ReferenceError::Kind { name: "x1".to_owned(), expected: DType::U32 }.to_string()
    );
}

#[test]
fn targets_are_classes() {
    let (logits, targets, weights) = (Type::f32(&[2, 3]), Type::u32(&[2]), Type::f32(&[2]));
    let data = |target| [Tensor::Float(vec![0.0; 6]), Tensor::Index(vec![1, target]), Tensor::Float(vec![0.5, 0.5])];
    let loss = one(Op::CrossEntropy { smoothing: 0.0 }, &[logits.clone(), targets.clone(), weights.clone()]);
    assert_eq!(
        error(&loss, &data(3)),
        r#"cross_entropy in "": target 3 at position 1 is not below 3, the number of classes"#
    );
    let grad = one(Op::CrossEntropyGrad { smoothing: 0.0 }, &[logits, targets, weights, Type::f32(&[1])]);
    let [a, b, c] = data(7);
    assert!(error(&grad, &[a, b, c, Tensor::Float(vec![1.0])]).contains("target 7 at position 1"));
}

#[test]
fn ill_formed_graphs_are_refused() {
    let mut graph = one(Op::Add, &[Type::f32(&[2]), Type::f32(&[2])]);
    graph.nodes[2].inputs.pop();
    assert!(matches!(
        run::<f32>(&graph, &[], &[], StepKey::default()),
        Err(ReferenceError::Graph(IrError::Arity { .. }))
    ));
}
