//! `expand_fused`: a fused operation is what it is defined to be.

use trainyard::ir::{Builder, Graph, Op, ValueId};

use crate::cases::cases;

fn is_fused(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| matches!(node.op, Op::Fused(_)))
}

/// The graph of a case with `define` called by hand.
fn defined(graph: &Graph) -> Graph {
    let mut b = Builder::new();
    let mut values: Vec<ValueId> = Vec::new();
    for node in &graph.nodes {
        b.set_scope(&node.scope);
        let inputs: Vec<ValueId> = node.inputs.iter().map(|v| values[v.index()]).collect();
        let outputs = match &node.op {
            Op::Input(id) => {
                let input = &graph.inputs[id.index()];
                b.input(&input.name, input.ty.clone()).map(|v| vec![v])
            }
            Op::Fused(fused) => fused.define(&mut b, &inputs),
            op => b.push_all(op.clone(), &inputs),
        };
        values.extend(outputs.expect("the case is well-formed"));
    }
    for (name, value) in &graph.outputs {
        b.output(name, values[value.index()]);
    }
    b.finish()
}

#[test]
fn every_fused_operation_becomes_its_definition() {
    let mut expanded_cases = 0;
    for case in cases().iter().filter(|case| is_fused(&case.graph)) {
        let expanded = case.graph.expand_fused().expect("the case is well-formed");
        expanded.verify().expect("so is the expanded one");
        assert!(!is_fused(&expanded), "{}", case.name);
        assert_eq!(expanded.to_string(), defined(&case.graph).to_string(), "{}", case.name);
        for ((name, old), (_, new)) in case.graph.outputs.iter().zip(&expanded.outputs) {
            assert_eq!(case.graph.ty(*old), expanded.ty(*new), "{} {name}", case.name);
        }
        expanded_cases += 1;
    }
    assert!(expanded_cases > 50, "only {expanded_cases} cases have a fused operation");
}

#[test]
fn a_graph_without_fused_operations_stays() {
    for case in cases().iter().filter(|case| !is_fused(&case.graph)) {
        assert_eq!(case.graph.expand_fused().as_ref(), Ok(&case.graph), "{}", case.name);
    }
}

#[test]
fn an_ill_formed_graph_is_refused() {
    let mut graph = cases().into_iter().find(|case| is_fused(&case.graph)).expect("there are fused cases").graph;
    graph.nodes.swap(0, 2);
    assert!(graph.expand_fused().is_err());
}
