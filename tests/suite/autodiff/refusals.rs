//! What has no gradient says so, and what needs none costs nothing.

use trainyard::autodiff::{append_backward, append_vjp};
use trainyard::ir::{
    Attention, Bias, Builder, Fused, Init, IrError, Mask, NormKind, Op, Param, ParamId, Shape, Type, ValueId,
};

fn param(b: &mut Builder, name: &str, dims: &[usize]) -> Result<ValueId, IrError> {
    b.param(Param {
        name: name.to_owned(),
        shape: Shape::new(dims),
        init: Init::Zeros,
        decay: false,
        frozen: false,
        parts: vec![],
    })
}

/// The error of asking for the gradient of `value` with respect to `x`.
fn refusal(b: &mut Builder, value: ValueId, x: ValueId) -> Result<String, IrError> {
    let ty = b.graph().ty(value).clone();
    let seed = b.input("seed", ty)?;
    let nodes = b.graph().nodes.len();
    let error = append_vjp(b, &[(value, seed)], &[x]).expect_err("there is no such gradient");
    assert!(b.graph().nodes.len() <= nodes + 1, "nothing but what led to the error is appended");
    Ok(error.to_string())
}

#[test]
fn statistics_of_a_norm() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (x, gamma) = (b.input("x", Type::f32(&[2, 3]))?, param(&mut b, "gamma", &[3])?);
    b.set_scope("block.2/ln");
    let stats = b.push_all(Op::Norm { kind: NormKind::Layer, eps: 1e-5 }, &[x, gamma])?[1];
    let error = refusal(&mut b, stats, x)?;
    assert_eq!(error, r#"norm in "block.2/ln": only the first output has a gradient"#);
    Ok(())
}

#[test]
fn log_sum_exp_and_probabilities_of_attention() -> Result<(), IrError> {
    let spec = Attention::packed(1, Mask::Causal, 1.0);
    let mut b = Builder::new();
    let qkv = b.input("qkv", Type::f32(&[1, 2, 6]))?;
    let lse = b.push_all(Op::Attention(spec), &[qkv])?[1];
    assert!(refusal(&mut b, lse, qkv)?.contains("only the first output"));

    let mut b = Builder::new();
    let qkv = b.input("qkv", Type::f32(&[1, 2, 6]))?;
    let lse = b.input("lse", Type::f32(&[1, 1, 2]))?;
    let probs = b.push(Op::AttentionProbs(spec), &[qkv, lse])?;
    assert!(refusal(&mut b, probs, qkv)?.starts_with("attention_probs in"));
    Ok(())
}

#[test]
fn a_fixed_bias_of_attention() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (qkv, bias) = (b.input("qkv", Type::f32(&[1, 2, 6]))?, b.input("bias", Type::f32(&[3, 1]))?);
    let spec = Attention { bias: Bias::Fixed, ..Attention::packed(1, Mask::Full, 1.0) };
    let o = b.push_all(Op::Attention(spec), &[qkv, bias])?[0];
    assert!(refusal(&mut b, o, bias)?.contains("a fixed bias has no gradient"));
    Ok(())
}

#[test]
fn weights_of_a_loss() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (logits, targets) = (b.input("logits", Type::f32(&[2, 3]))?, b.input("targets", Type::u32(&[2]))?);
    let weights = b.input("weights", Type::f32(&[2]))?;
    let loss = b.push(Op::CrossEntropy { smoothing: 0.0 }, &[logits, targets, weights])?;
    assert!(refusal(&mut b, loss, weights)?.contains("weights of a loss"));
    Ok(())
}

#[test]
fn gradients_of_gradients() -> Result<(), IrError> {
    let mut b = Builder::new();
    let dy = b.input("dy", Type::f32(&[2, 3]))?;
    let sum = b.push(Op::SumRows { period: 1, first: 0, table_rows: None }, &[dy])?;
    assert!(refusal(&mut b, sum, dy)?.starts_with("sum_rows in"));
    Ok(())
}

#[test]
fn fused_operations() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (x, dy) = (b.input("x", Type::f32(&[2, 3]))?, b.input("dy", Type::f32(&[2, 4]))?);
    let y = b.push(Op::Scale { factor: 2.0 }, &[x])?;
    // The fused operation is not even on the way.
    b.push_all(Op::Fused(Fused::WeightBiasGrad), &[x, dy])?;
    assert!(refusal(&mut b, y, x)?.starts_with("weight_bias_grad in"));
    Ok(())
}

#[test]
fn indices_wrong_cotangents_and_strangers() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (table, ids) = (param(&mut b, "table", &[5, 2])?, b.input("ids", Type::u32(&[3]))?);
    let y = b.push(Op::Embedding { padding: None }, &[table, ids])?;
    assert!(refusal(&mut b, y, ids)?.contains("indices have no gradient"));
    assert!(matches!(append_vjp(&mut b, &[(y, table)], &[table]), Err(IrError::Shape { .. })));
    assert!(matches!(append_vjp(&mut b, &[(y, y)], &[ValueId(99)]), Err(IrError::Undefined { value: 99, .. })));
    Ok(())
}

#[test]
fn a_loss_is_a_scalar() -> Result<(), IrError> {
    let mut b = Builder::new();
    let w = param(&mut b, "w", &[2])?;
    let y = b.push(Op::Scale { factor: 1.0 }, &[w])?;
    assert!(matches!(append_backward(b.finish(), y), Err(IrError::Shape { .. })));
    assert!(matches!(append_backward(Builder::new().finish(), ValueId(0)), Err(IrError::Undefined { .. })));
    Ok(())
}

/// A second operand of higher rank has a gradient of another shape: refused, not stored askew.
#[test]
fn a_product_with_a_batched_second_operand() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (x, w) = (b.input("x", Type::f32(&[4, 6]))?, b.input("w", Type::f32(&[2, 3, 5]))?);
    let y = b.push(Op::MatMul { ta: false, tb: false }, &[x, w])?;
    assert!(refusal(&mut b, y, w)?.starts_with("matmul in"));
    Ok(())
}

#[test]
fn what_does_not_depend_costs_nothing() -> Result<(), IrError> {
    let mut b = Builder::new();
    let x = b.input("x", Type::f32(&[2, 3]))?;
    let (w, unused) = (param(&mut b, "w", &[3, 1])?, param(&mut b, "unused", &[3])?);
    let hidden = b.push(Op::Activation(trainyard::ir::Activation::Relu), &[x])?;
    let column = b.push(Op::MatMul { ta: false, tb: false }, &[hidden, w])?;
    let loss = b.push(Op::SumRows { period: 1, first: 0, table_rows: None }, &[hidden])?;
    let _ = (loss, unused);
    let sum = b.input("ones", Type::f32(&[1, 2]))?;
    let loss = b.push(Op::MatMul { ta: false, tb: false }, &[sum, column])?;
    let before = b.graph().nodes.len();
    let seed = b.input("seed", Type::f32(&[1, 1]))?;
    let gradients = append_vjp(&mut b, &[(loss, seed)], &[w, unused])?;
    assert!(gradients[0].is_some());
    assert_eq!(gradients[1], None);
    let appended: Vec<&str> = b.graph().nodes[before + 1..].iter().map(|n| n.op.name()).collect();
    assert_eq!(appended, ["matmul", "matmul"], "no gradient for the data, none through the activation");
    Ok(())
}

/// Two nodes may read one parameter.
#[test]
fn a_parameter_that_is_read_twice() -> Result<(), IrError> {
    let mut b = Builder::new();
    let first = param(&mut b, "w", &[1])?;
    let second = b.push(Op::Param(ParamId(0)), &[])?;
    let loss = b.push(Op::Add, &[first, second])?;
    let graph = append_backward(b.finish(), loss)?;
    assert_eq!(graph.gradients.len(), 1);
    let values = trainyard::reference::run(&graph, &[vec![3.0_f64]], &[], Default::default()).expect("well-formed");
    assert_eq!(values.gradient(ParamId(0)), Some(&[2.0][..]));
    Ok(())
}
