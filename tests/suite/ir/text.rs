//! The text form, reviewed in a diff.

use trainyard::autodiff::append_backward;
use trainyard::models::{Gpt2Config, Mode};

use crate::models::{decoder, gpt2};

#[test]
fn a_small_model_and_its_backward_half() {
    let config =
        Gpt2Config { vocab_size: 7, n_positions: 6, n_embd: 4, n_layer: 1, n_head: 2, ..Gpt2Config::default() };
    let graph = gpt2(&config, decoder(2, 5, false), Mode::Train);
    let loss = graph.output("loss").expect("a loss");
    let graph = append_backward(graph, loss).expect("differentiable");
    insta::with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("gpt_backward", graph);
    });
}
