/// A stable counting sort: `rows + 1` offsets, then the positions of each id in ascending order.
///
/// The positions of id `v` stand at `offsets[v]..offsets[v + 1]` of the second part. Those of the id `padding` are left out;
/// the words that stay free at the end are 0.
///
/// # Errors
/// The position of the first id that is none of the rows.
///
/// # Panics
/// When `out` has not `rows + 1 + ids.len()` words.
pub fn sorted_positions(ids: &[u32], rows: u32, padding: Option<u32>, out: &mut [u32]) -> Result<(), usize> {
    let rows = rows as usize;
    assert_eq!(out.len(), rows + 1 + ids.len(), "offsets and positions fill the slot");
    if let Some(at) = ids.iter().position(|&id| id as usize >= rows) {
        return Err(at);
    }
    let (offsets, positions) = out.split_at_mut(rows + 1);
    offsets.fill(0);
    positions.fill(0);
    let counted = || ids.iter().enumerate().filter(|&(_, &id)| Some(id) != padding);
    for (_, &id) in counted() {
        offsets[id as usize + 1] += 1;
    }
    for v in 0..rows {
        offsets[v + 1] += offsets[v];
    }
    // Placing moves each start to its end, which is the next one's start: shifted back afterwards.
    for (position, &id) in counted() {
        let next = &mut offsets[id as usize];
        positions[*next as usize] = position as u32;
        *next += 1;
    }
    offsets.copy_within(0..rows, 1);
    offsets[0] = 0;
    Ok(())
}
