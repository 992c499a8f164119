//! The words of what is known with the graph: numbers, tables, and the sorted positions of a table of ids.

use super::buffers::DerivedInput;
use super::content::Content;
use super::sorted::sorted_positions;
use crate::ir::{Graph, Op, ValueId};

/// The words of a constant; `None` for what is none, and for ids that are none of the rows.
pub(super) fn words(graph: &Graph, content: Content) -> Option<Vec<u32>> {
    match content {
        Content::Value(value) => of_value(graph, value),
        Content::DerivedTable(value, DerivedInput::Direct) => of_value(graph, value),
        Content::DerivedTable(value, DerivedInput::SortedPositions { rows, padding }) => {
            let ids = of_value(graph, value)?;
            let mut list = vec![0; rows as usize + 1 + ids.len()];
            sorted_positions(&ids, rows, padding, &mut list).ok().map(|()| list)
        }
        Content::Partial(_)
        | Content::Scratch(_)
        | Content::Derived(..)
        | Content::Total(_)
        | Content::TotalLoss
        | Content::State(_)
        | Content::Params(_)
        | Content::Grads(_)
        | Content::Moment1(_)
        | Content::Moment2(_)
        | Content::InputRing
        | Content::Inputs
        | Content::Records => None,
    }
}

fn of_value(graph: &Graph, value: ValueId) -> Option<Vec<u32>> {
    let op = &graph.producer(value).op;
    if let Op::Fill { value } = op {
        return Some(vec![value.to_bits()]);
    }
    if let Op::Table(table) = op { Some(table.values().words()) } else { None }
}
