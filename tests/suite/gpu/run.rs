//! Steps, records, outputs and what a steady state costs.

use pollster::block_on;
use trainyard::gpu::{GpuError, STAGING, StepData, overhead_bytes, run_bytes, store_bytes};
use trainyard::plan::{Buffer, OutputSlot};

use super::plans::{ELEMENTS, IDS, RING, ROWS, WORDS, scaling, silent, step, training};
use super::{device, own_device, prepare, store};

/// Ids of training step `s`, all below [`ROWS`].
fn ids(s: u32) -> [u32; IDS] {
    core::array::from_fn(|i| (s + i as u32) % ROWS)
}

/// What the loss of step `s` is when the parameter started at `start`, exact in f32.
fn loss(s: u32, start: f32) -> f32 {
    ids(s).iter().sum::<u32>() as f32 * (start + s as f32) + s as f32 * 0.5
}

fn data(s: u32, words: &[u32; IDS]) -> StepData<'_> {
    StepData { step: step(s, s as f32 * 0.5), inputs: vec![("ids", words)] }
}

#[test]
fn steps_run_in_order_each_with_its_own_inputs_and_uniform() -> Result<(), GpuError> {
    let plan = training();
    let mut store = store(device(), &plan, &[2.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    let words: Vec<_> = (0..20).map(ids).collect();
    let mut s = 0;
    // Submits of 4, 3, 2, 1, 4 … steps: every place of the ring is used again by another step.
    for k in [4, 3, 2, 1, 4, 4, 2] {
        let steps: Vec<_> = (s..s + k).map(|s| data(s, &words[s as usize])).collect();
        let ticket = run.submit(&steps)?;
        let records = block_on(run.finish(ticket))?;
        assert_eq!(records.len(), k as usize);
        for (record, s) in records.iter().zip(s..) {
            assert_eq!(record.loss, loss(s, 2.0), "loss of step {s}");
            assert_eq!(record.grad_norm, s as f32, "second value of step {s}");
        }
        s += k;
    }
    assert_eq!(block_on(store.download(Buffer::Params))?[0], 2.0 + 20.0);
    Ok(())
}

#[test]
fn derived_inputs_stand_beside_the_direct_ones() -> Result<(), GpuError> {
    let plan = training();
    let mut store = store(device(), &plan, &[1.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    assert_eq!(run.inputs()?, [("ids", IDS)]);
    let ticket = run.submit(&[data(0, &[3, 1, 3, 0, 1])])?;
    block_on(run.finish(ticket))?;
    let words: Vec<u32> = block_on(run.read_output("inputs"))?.iter().map(|v| v.to_bits()).collect();
    assert_eq!(words.len(), WORDS);
    assert_eq!(words[..IDS], [3, 1, 3, 0, 1]);
    assert_eq!(words[64..64 + 5], [0, 1, 3, 3, 5], "offsets");
    assert_eq!(words[69..69 + 5], [3, 1, 4, 0, 2], "positions");
    Ok(())
}

#[test]
fn two_plans_share_a_store() -> Result<(), GpuError> {
    let (train, forward) = (training(), scaling(3.0));
    let mut store = store(device(), &train, &[1.0, 5.0])?;
    let mut forward = prepare(device(), &forward, &mut store)?;
    let mut train = prepare(device(), &train, &mut store)?;
    let empty = StepData { step: step(0, 0.0), inputs: vec![] };
    for round in 0..3u32 {
        let trained = train.submit(&[data(round, &ids(round))])?;
        let ran = forward.submit(core::slice::from_ref(&empty))?;
        let y = block_on(forward.read_output("y"))?;
        assert_eq!(y[..2], [9.0 * (2.0 + round as f32), 45.0]);
        assert_eq!(block_on(forward.finish(ran))?, [], "a plan without a loss leaves no record");
        assert_eq!(block_on(train.finish(trained))?.len(), 1);
    }
    Ok(())
}

#[test]
fn too_many_submits_are_refused_and_finish_in_any_order() -> Result<(), GpuError> {
    let plan = training();
    let mut store = store(device(), &plan, &[0.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    let words: Vec<_> = (0..STAGING as u32).map(ids).collect();
    let mut tickets = Vec::new();
    for (s, words) in words.iter().enumerate() {
        tickets.push((s as u32, run.submit(&[data(s as u32, words)])?));
    }
    assert_eq!(run.submit(&[data(9, &words[0])]), Err(GpuError::Busy { in_flight: STAGING }));
    for (s, ticket) in tickets.into_iter().rev() {
        assert_eq!(block_on(run.finish(ticket))?[0].loss, loss(s, 0.0));
        assert_eq!(block_on(run.finish(ticket)).map_err(|e| e.code()), Err("mismatch"), "a ticket is used once");
    }
    assert_eq!(run.in_flight(), 0);
    // The refused step did not run: the parameter grew by the others only.
    assert_eq!(block_on(store.download(Buffer::Params))?[0], STAGING as f32);
    Ok(())
}

#[test]
fn results_can_be_polled_for() -> Result<(), GpuError> {
    let plan = training();
    let mut store = store(device(), &plan, &[7.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    let ticket = run.submit(&[data(0, &ids(0))])?;
    let records = loop {
        if let Some(records) = run.try_finish(ticket)? {
            break records;
        }
        std::thread::yield_now();
    };
    assert_eq!(records[0].loss, loss(0, 7.0));
    Ok(())
}

#[test]
fn a_steady_state_makes_no_objects() -> Result<(), GpuError> {
    let device = own_device();
    let plan = training();
    let mut store = store(&device, &plan, &[0.0])?;
    let mut run = prepare(&device, &plan, &mut store)?;
    let before = device.counters();
    for s in 0..50 {
        let words = ids(s);
        let ticket = run.submit(&[data(s, &words), data(s, &words)])?;
        block_on(run.finish(ticket))?;
    }
    let after = device.counters();
    assert_eq!(after.submits - before.submits, 50);
    assert_eq!(after.dispatches - before.dispatches, 50 * 2 * plan.launches.len() as u64);
    assert_eq!(
        (after.buffers, after.bind_groups, after.pipelines, after.live_bytes),
        (before.buffers, before.bind_groups, before.pipelines, before.live_bytes)
    );
    Ok(())
}

#[test]
fn the_estimate_is_what_is_allocated_and_freed() -> Result<(), GpuError> {
    let device = own_device();
    let (train, forward) = (training(), scaling(1.0));
    let mut store = store(&device, &train, &[0.0])?;
    let train_run = prepare(&device, &train, &mut store)?;
    let forward_run = prepare(&device, &forward, &mut store)?;
    assert_eq!(train_run.allocated_bytes(), train.own_bytes() + overhead_bytes(&train));
    assert_eq!(forward_run.allocated_bytes(), forward.own_bytes() + overhead_bytes(&forward));
    assert_eq!(store.allocated_bytes(), store_bytes(&train.arenas, true));
    assert_eq!(store.allocated_bytes(), train.arena_bytes() + ELEMENTS as u64 * 4, "arenas and one staging buffer");
    assert_eq!(device.counters().live_bytes, run_bytes(&[&train, &forward]));
    drop((train_run, forward_run, store));
    assert_eq!((device.counters().live_bytes, device.counters().live_buffers), (0, 0));
    Ok(())
}

#[test]
fn equal_shapes_share_a_pipeline() -> Result<(), GpuError> {
    let device = own_device();
    let plan = scaling(1.0);
    let mut store = store(&device, &plan, &[0.0])?;
    let mut seen = Vec::new();
    block_on(trainyard::gpu::Prepared::build(&device, &plan, &mut store, |done, all, name| {
        seen.push((done, all, name.to_owned()));
    }))?;
    assert_eq!(seen, [(0, 1, String::new()), (1, 1, "trainyard.test_scale.scale".to_owned())]);
    prepare(&device, &plan, &mut store)?;
    assert_eq!(device.counters().pipelines, 1, "two launches in each of two plans");
    Ok(())
}

#[test]
fn split_steps_compute_the_same_in_more_submits() -> Result<(), GpuError> {
    let device = own_device();
    let plan = training();
    let mut store = store(&device, &plan, &[3.0])?;
    let mut run = prepare(&device, &plan, &mut store)?;
    let words: Vec<_> = (0..3).map(ids).collect();
    let steps: Vec<_> = (0..3).map(|s| data(s, &words[s as usize])).collect();
    let expected: Vec<f32> = (0..3).map(|s| loss(s, 3.0)).collect();
    let flat = vec![3.0; plan.arenas.elements];
    // Two launches a step: more pieces than that are not possible.
    for (pieces, submits) in [(1, 1), (2, 6), (99, 6), (1, 1), (0, 1)] {
        run.split(pieces);
        store.upload_params(&flat)?;
        let before = device.counters();
        let ticket = run.submit(&steps)?;
        let losses: Vec<f32> = block_on(run.finish(ticket))?.iter().map(|r| r.loss).collect();
        assert_eq!(losses, expected, "{pieces} pieces");
        let after = device.counters();
        assert_eq!((after.submits - before.submits, after.dispatches - before.dispatches), (submits, 6));
    }
    Ok(())
}

#[test]
fn outputs_are_read_together_in_the_order_asked_for() -> Result<(), GpuError> {
    let device = own_device();
    let mut plan = scaling(2.0);
    let output =
        |name: &str, slot, elements| OutputSlot { name: name.to_owned(), buffer: Buffer::Slot(slot), elements };
    plan.outputs = vec![output("y", 2, ELEMENTS), output("x", 1, 3)];
    let mut store = store(&device, &plan, &[1.0, 2.0, 3.0, 4.0])?;
    let mut run = prepare(&device, &plan, &mut store)?;
    let ticket = run.submit(&[StepData { step: step(0, 0.0), inputs: vec![] }])?;
    block_on(run.finish(ticket))?;
    let before = device.counters();
    let read = block_on(run.read_outputs(&["x", "y", "x"]))?;
    assert_eq!((read[0].as_slice(), read[2].as_slice()), (&[2.0, 4.0, 6.0][..], &[2.0, 4.0, 6.0][..]));
    assert_eq!((read[1].len(), &read[1][..5]), (ELEMENTS, &[4.0, 8.0, 12.0, 16.0, 0.0][..]));
    // 70 values through a staging buffer of 67: the last three take a second trip.
    assert_eq!(device.counters().submits - before.submits, 2);
    let once = block_on(run.read_outputs(&["y", "x"]))?;
    assert_eq!((&once[0], &once[1]), (&read[1], &read[0]));
    assert_eq!(device.counters().submits - before.submits, 3);
    Ok(())
}

#[test]
fn arenas_go_up_and_come_back_bit_for_bit() -> Result<(), GpuError> {
    // More than one piece of the staging buffer.
    let mut plan = scaling(1.0);
    plan.arenas.elements = (5 << 20) + 64;
    let mut store = block_on(trainyard::gpu::ParamStore::new(device(), &plan.arenas))?;
    let flat: Vec<f32> =
        (0..plan.arenas.elements as u32).map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761))).collect();
    store.upload_params(&flat)?;
    let back = block_on(store.download(Buffer::Params))?;
    let differs = flat.iter().zip(&back).position(|(a, b)| a.to_bits() != b.to_bits());
    assert_eq!((back.len(), differs), (flat.len(), None));
    Ok(())
}

#[test]
fn poison_reaches_every_slot_but_the_constants() -> Result<(), GpuError> {
    let plan = scaling(2.0);
    let mut store = store(device(), &plan, &[1.5])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    run.poison_slots()?;
    assert!(block_on(run.read_output("y"))?.iter().all(|v| v.is_nan()), "slot 2 is poisoned");
    let ticket = run.submit(&[StepData { step: step(0, 0.0), inputs: vec![] }])?;
    block_on(run.finish(ticket))?;
    assert_eq!(block_on(run.read_output("y"))?[..2], [6.0, 0.0], "the constant is not");
    Ok(())
}

#[test]
fn a_step_without_a_record_is_an_error_and_not_a_loss_of_zero() -> Result<(), GpuError> {
    let plan = silent();
    let mut store = store(device(), &plan, &[0.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    let words = ids(3);
    let ticket = run.submit(&[data(41, &words)])?;
    let error = block_on(run.finish(ticket)).expect_err("no launch wrote a record");
    assert_eq!(error.code(), "internal");
    assert!(error.to_string().contains("step 41"), "{error}");
    Ok(())
}

#[test]
fn data_that_does_not_fit_the_plan_runs_nothing() -> Result<(), GpuError> {
    let plan = training();
    let mut store = store(device(), &plan, &[1.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    let good = ids(0);
    let fifth = vec![data(0, &good); RING as usize + 1];
    let short = StepData { step: step(1, 0.0), inputs: vec![("ids", &good[..4])] };
    let missing = StepData { step: step(1, 0.0), inputs: vec![("labels", &good)] };
    let outside = StepData { step: step(1, 0.0), inputs: vec![("ids", &[0, 1, 2, 3, 4])] };
    let cases: [(&[StepData<'_>], &str); 5] = [
        (&[], "0 steps in a submit; this plan takes 1 to 4"),
        (&fifth, "5 steps in a submit; this plan takes 1 to 4"),
        (&[short], "input \"ids\" has 4 words; the plan reads 5"),
        (&[missing], "step 1 lacks the input \"ids\""),
        (&[outside], "input \"ids\": id 4 at position 4 is none of the 4 rows"),
    ];
    for (steps, message) in cases {
        assert_eq!(run.submit(steps).map_err(|e| e.to_string()), Err(message.to_owned()));
    }
    assert_eq!((run.in_flight(), block_on(store.download(Buffer::Params))?[0]), (0, 1.0));
    let unknown = block_on(run.read_output("logits")).map_err(|e| e.to_string());
    assert_eq!(unknown, Err("the plan has no output \"logits\"; it has [\"inputs\"]".to_owned()));
    Ok(())
}
