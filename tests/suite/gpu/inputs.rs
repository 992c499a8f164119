//! The stable counting sort behind derived inputs.

use proptest::prelude::*;
use trainyard::plan::sorted_positions;

fn sort(ids: &[u32], rows: u32) -> Result<Vec<u32>, usize> {
    sort_without(ids, rows, None)
}

fn sort_without(ids: &[u32], rows: u32, padding: Option<u32>) -> Result<Vec<u32>, usize> {
    let mut out = vec![u32::MAX; rows as usize + 1 + ids.len()];
    sorted_positions(ids, rows, padding, &mut out).map(|()| out)
}

#[test]
fn positions_of_padding_are_left_out() {
    assert_eq!(sort(&[1, 0, 2, 1, 0], 3), Ok(vec![0, 2, 4, 5, 1, 4, 0, 3, 2]));
    assert_eq!(sort_without(&[1, 0, 2, 1, 0], 3, Some(0)), Ok(vec![0, 0, 2, 3, 0, 3, 2, 0, 0]));
    assert_eq!(sort_without(&[1, 0, 2], 3, Some(7)), sort(&[1, 0, 2], 3));
    assert_eq!(sort_without(&[1, 3], 3, Some(3)), Err(1), "padding is a row too");
}

#[test]
fn no_ids_leave_empty_rows() {
    assert_eq!(sort(&[], 3), Ok(vec![0, 0, 0, 0]));
}

#[test]
fn an_id_outside_the_rows_is_located() {
    assert_eq!(sort(&[0, 2, 3, 9], 3), Err(2));
    assert_eq!(sort(&[0], 0), Err(0));
}

proptest! {
    #[test]
    fn positions_are_grouped_by_id_in_ascending_order(rows in 1u32..40, seeds in prop::collection::vec(any::<u32>(), 0..200)) {
        let ids: Vec<u32> = seeds.iter().map(|s| s % rows).collect();
        let out = sort(&ids, rows).expect("every id is a row");
        let (offsets, positions) = out.split_at(rows as usize + 1);
        let mut expected = Vec::new();
        for v in 0..rows {
            prop_assert_eq!(offsets[v as usize] as usize, expected.len());
            expected.extend((0..ids.len() as u32).filter(|&p| ids[p as usize] == v));
        }
        prop_assert_eq!(offsets[rows as usize] as usize, ids.len());
        prop_assert_eq!(positions, &expected[..]);
    }
}
