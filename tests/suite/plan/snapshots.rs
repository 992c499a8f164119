//! The text of a tiny model's training step, to be read in a diff: what passes merged, which launches there are, who shares
//! a slot. `INSTA_UPDATE=always cargo test --test suite snapshots` writes them anew.

use insta::{assert_snapshot, with_settings};

use super::{tiny, training_graph, training_plan};

#[test]
fn graph_and_plan_of_a_tiny_gpt() {
    let graph = training_graph(&tiny());
    let plan = training_plan(&graph).expect("the model lowers");
    with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("tiny_gpt_graph", graph.to_string());
        assert_snapshot!("tiny_gpt_plan", plan.to_string());
    });
}
