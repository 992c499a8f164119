//! Token by token over a cache and all tokens at once give the same logits: in f64 to the last digits, on both engines within
//! 1e-4. And what is wrong by one row, one mask or one parent does not.

use pollster::block_on;
use trainyard::ir::Graph;
use trainyard::models::{Decay, Extents, KeyMask, Mode, Model, known_answer_values};
use trainyard::passes::optimize;
use trainyard::reference::{Interpreter, Keep, States, StepKey, Tensor};
use trainyard::rng::{Draws, Stream};
use trainyard::train::decode::{CacheShape, Cursor, DecodeError, Decoder};
use trainyard::train::{DeviceChoice, Engine, TrainError};

use super::shared;

type Failure = Box<dyn std::error::Error>;
/// The data of a graph by name.
type Inputs = Vec<(&'static str, Vec<u32>)>;

/// Spoils the inputs or the states of a step.
type Tamper<'a> = dyn FnMut(usize, &mut Inputs, &mut States<f64>) -> Result<(), Failure> + 'a;

const BATCH: usize = 3;
/// Tokens of a sequence.
const TIME: usize = 9;
/// Room of the caches: more than is used.
const ROOM: usize = 11;
/// Tokens of the longest source; the others are shorter.
const SOURCE: usize = 6;

/// Small models of every family that has a decoder, and of GPT-2 with every choice that a cache has to follow.
pub fn models() -> Result<Vec<(String, Model)>, Failure> {
    let gpt = r#"{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 19, "n_positions": 16, "n_embd": 16,
        "n_layer": 3, "n_head": 4, "bos_token_id": 1, "eos_token_id": 1, "trainyard": OPTIONS}"#;
    let options = [
        r#"{"position": "learned"}"#,
        r#"{"position": "sinusoidal"}"#,
        r#"{"position": "rotary"}"#,
        r#"{"position": "alibi"}"#,
        r#"{"position": "none"}"#,
        r#"{"kv_heads": 2}"#,
        r#"{"band": 3}"#,
        r#"{"qk_norm": true}"#,
        r#"{"norm": "post"}"#,
        r#"{"position": "rotary", "kv_heads": 1, "band": 2, "qk_norm": true, "gated": true, "norm_kind": "rms", "bias": false}"#,
    ];
    let others = [
        r#"{"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": 19, "d_model": 12, "d_kv": 5,
            "d_ff": 16, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 3, "relative_attention_num_buckets": 8,
            "relative_attention_max_distance": 16}"#,
        r#"{"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": 19, "d_model": 12, "d_kv": 4,
            "d_ff": 16, "num_layers": 1, "num_heads": 2, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false}"#,
        r#"{"architectures": ["BartForConditionalGeneration"], "model_type": "bart", "vocab_size": 19, "d_model": 12,
            "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 3,
            "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 16}"#,
        r#"{"model_type": "transformer", "vocab_size": 19, "target_vocab_size": 17, "d_model": 12, "encoder_layers": 2,
            "decoder_layers": 2, "num_heads": 2, "d_ff": 16, "max_position_embeddings": 16}"#,
    ];
    let gpts = options.iter().map(|options| (format!("gpt2 {options}"), gpt.replace("OPTIONS", options)));
    let named = others.iter().map(|json| (json.chars().skip(20).take(30).collect(), (*json).to_owned()));
    gpts.chain(named).map(|(name, json)| Ok((name, Model::from_json(&json)?))).collect()
}

fn shape(model: &Model) -> CacheShape {
    let source = if model.config.encoder().is_some() { SOURCE } else { 0 };
    CacheShape { batch: BATCH, room: ROOM, source }
}

/// Random rows of `lengths` tokens.
fn rows(lengths: &[usize], seed: u32) -> Vec<Vec<u32>> {
    let mut draws = Draws::new(seed, Stream::Task, 77);
    lengths.iter().map(|&n| (0..n).map(|_| 2 + draws.below(15)).collect()).collect()
}

/// Sources of different lengths, as padding has to be hidden.
fn sources(model: &Model) -> Vec<Vec<u32>> {
    if model.config.encoder().is_some() { rows(&[SOURCE, 4, 1], 5) } else { Vec::new() }
}

/// All tokens at once: the graph that inspects, and its inputs.
fn at_once(model: &Model, sources: &[Vec<u32>], tokens: &[Vec<u32>]) -> (Extents, Inputs) {
    let (batch, time) = (tokens.len(), tokens[0].len());
    if sources.is_empty() {
        return (Extents::decoder(batch, time), vec![("ids", tokens.concat())]);
    }
    let extents = Extents { batch, time: SOURCE, target: time, key_mask: KeyMask::Padding, rows: None };
    let pad = model.config.pad().unwrap_or_default();
    let padded = |with: u32, row: &dyn Fn(&[u32]) -> Vec<u32>| {
        let mut all = Vec::new();
        for source in sources {
            let mut row = row(source);
            row.resize(SOURCE, with);
            all.extend(row);
        }
        all
    };
    let ids = padded(pad, &|source| source.to_vec());
    let mask = padded(0, &|source| vec![1; source.len()]);
    (extents, vec![("ids", ids), ("key_mask", mask), ("decoder_ids", tokens.concat())])
}

/// The worst difference, and the largest value: a comparison of nothing with nothing would be no test.
#[derive(Clone, Copy, Default, Debug)]
struct Compared {
    error: f64,
    scale: f64,
}

impl Compared {
    fn add(&mut self, found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            let error = if f.is_finite() && e.is_finite() { (f - e).abs() } else { f64::INFINITY };
            *self = Self { error: self.error.max(error), scale: self.scale.max(e.abs()) };
        }
    }
}

/// A graph on the interpreter in f64.
struct Exact {
    graph: Graph,
    interpreter: Interpreter<f64>,
}

impl Exact {
    fn new(model: &Model, extents: Extents, mode: Mode) -> Result<Self, Failure> {
        let graph = optimize(&model.graph(extents, mode, Decay::Matrices)?)?;
        let interpreter = Interpreter::new(&graph, Keep::Results)?;
        Ok(Self { graph, interpreter })
    }

    fn run(&mut self, inputs: &Inputs) -> Result<Vec<f64>, Failure> {
        let widen = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let params: Vec<Vec<f64>> = self.graph.params.iter().map(|p| widen(known_answer_values(p))).collect();
        let find = |input: &trainyard::ir::Input| {
            let found = inputs.iter().find(|(name, _)| *name == input.name);
            found.map(|(_, words)| Tensor::Index(words.clone())).ok_or(format!("no input {}", input.name))
        };
        let tensors = self.graph.inputs.iter().map(find).collect::<Result<Vec<_>, String>>()?;
        let values = self.interpreter.run(&params, &tensors, StepKey::default())?;
        Ok(values.output("logits").map(<[f64]>::to_vec).unwrap_or_default())
    }
}

/// Every token of a batch over a cache in f64, against all at once; `tamper` may spoil a step.
fn in_f64(model: &Model, tamper: &mut Tamper<'_>) -> Result<Compared, Failure> {
    let (sources, tokens) = (sources(model), rows(&[TIME; BATCH], 3));
    let (extents, inputs) = at_once(model, &sources, &tokens);
    let expected = Exact::new(model, extents, Mode::Inspect)?.run(&inputs)?;
    let v = model.config.vocabulary();

    let shape = shape(model);
    let mut cursor = Cursor::new(model, shape);
    let mut decode = Exact::new(model, shape.extents(), Mode::Decode)?;
    if !sources.is_empty() {
        let mut encode = Exact::new(model, shape.extents(), Mode::Encode)?;
        encode.run(&cursor.encode(&sources)?)?;
        core::mem::swap(encode.interpreter.states_mut(), decode.interpreter.states_mut());
    }
    let mut compared = Compared::default();
    for t in 0..TIME {
        let mut step = cursor.step(&tokens.iter().map(|row| row[t]).collect::<Vec<_>>())?;
        tamper(t, &mut step, decode.interpreter.states_mut())?;
        let logits = decode.run(&step)?;
        for (row, found) in logits.chunks_exact(v).enumerate() {
            compared.add(found, &expected[(row * TIME + t) * v..][..v]);
        }
    }
    Ok(compared)
}

#[test]
fn cached_logits_are_those_of_all_tokens_at_once_in_f64() -> Result<(), Failure> {
    for (name, model) in models()? {
        let Compared { error, scale } = in_f64(&model, &mut |_, _, _| Ok(()))?;
        println!("{name}: off by {error:.1e} of {scale:.1}");
        assert!(error <= 1e-12 * scale.max(1.0) && scale > 0.1, "{name}: off by {error:e} of {scale}");
    }
    Ok(())
}

/// The words of an input of a step, if it has them.
fn words<'a>(step: &'a mut Inputs, name: &str) -> Option<&'a mut Vec<u32>> {
    step.iter_mut().find(|(other, _)| *other == name).map(|(_, words)| words)
}

#[test]
fn a_wrong_row_mask_or_parent_shows() -> Result<(), Failure> {
    let seen = |model: &Model, what: &str, tamper: &mut Tamper<'_>| {
        let Compared { error, .. } = in_f64(model, tamper)?;
        assert!(error > 1e-6, "{what} is not seen: {error:e}, {:?}", model.config.family());
        Ok::<(), Failure>(())
    };
    for (name, model) in models()? {
        seen(&model, "a key written one row too far", &mut |t, step, _| {
            if let Some(position) = words(step, "position").filter(|_| t == 4) {
                position[0] += 1;
            }
            Ok(())
        })?;
        seen(&model, "a token that the mask hides", &mut |_, step, _| {
            if let Some(mask) = words(step, "cache_mask") {
                mask[0] = 0;
            }
            if let Some(mask) = words(step, "band_mask") {
                mask.fill(0);
            }
            Ok(())
        })?;
        seen(&model, "a place to come that the mask shows", &mut |t, step, _| {
            if let Some(mask) = words(step, "cache_mask") {
                mask[t + 1] = 1;
            }
            Ok(())
        })?;
        seen(&model, "the wrong parents", &mut |t, _, states| {
            if t == 4 {
                states.reorder(&[1, 0, 2])?;
            }
            Ok(())
        })?;
        if name.contains("band") {
            seen(&model, "a band that is one too wide", &mut |_, step, _| {
                let wide = words(step, "cache_mask").map(|mask| mask.clone());
                if let Some((mask, wide)) = words(step, "band_mask").zip(wide) {
                    *mask = wide;
                }
                Ok(())
            })?;
        }
        if name.contains("alibi") || model.config.encoder().is_some() && model.config.positions().is_none() {
            seen(&model, "distances off by one", &mut |_, step, _| {
                if let Some(distances) = words(step, "distances") {
                    distances.rotate_left(1);
                }
                Ok(())
            })?;
        }
        if model.config.encoder().is_some() {
            seen(&model, "padding that the decoder reads", &mut |_, step, _| {
                if let Some(mask) = words(step, "key_mask") {
                    mask.fill(1);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// An engine with known weights.
pub fn engine(model: &Model, device: DeviceChoice) -> Result<Engine, TrainError> {
    let mut engine = block_on(Engine::look(model, device))?;
    let values = engine.graph().params.iter().map(known_answer_values).collect();
    engine.set_parameters(values)?;
    Ok(engine)
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Some tokens in one submit, then one after the other with rows that change places, as the survivors of a beam search do:
/// at every position the logits of the sequences that are left, all tokens at once.
fn on_engine(model: &Model, device: DeviceChoice) -> Result<Compared, Failure> {
    let mut engine = engine(model, device)?;
    let (mut sources, mut tokens, v) = (sources(model), rows(&[TIME; BATCH], 3), model.config.vocabulary());
    let mut compared = Compared::default();
    let orders: [[u32; BATCH]; 4] = [[0, 1, 2], [2, 0, 0], [1, 1, 0], [0, 2, 1]];
    let mut read = 0;
    let mut found = Vec::new();
    let mut states = Vec::new();
    {
        let mut decoder = block_on(Decoder::new(&mut engine, shape(model)))?;
        if !sources.is_empty() {
            block_on(decoder.encode(&sources))?;
        }
        for (order, count) in orders.into_iter().zip([3, 1, 1, 4]) {
            block_on(decoder.reorder(&order))?;
            // What is read already follows its parent; what is to come stays where it is.
            let moved = |row: usize| {
                let parent = order[row] as usize;
                [&tokens[parent][..read], &tokens[row][read..]].concat()
            };
            tokens = (0..BATCH).map(moved).collect();
            if !sources.is_empty() {
                sources = order.iter().map(|&parent| sources[parent as usize].clone()).collect();
            }
            let next: Vec<Vec<u32>> = tokens.iter().map(|row| row[read..read + count].to_vec()).collect();
            found.push(block_on(decoder.feed(&next))?);
            read += count;
            assert_eq!(decoder.position(), read);
            states.push((read, sources.clone(), tokens.clone()));
        }
    }
    for (found, (read, sources, tokens)) in found.iter().zip(&states) {
        let (extents, inputs) = at_once(model, sources, tokens);
        let logits = block_on(engine.forward(Mode::Inspect, extents, &inputs, &["logits"]))?.swap_remove(0);
        for (row, found) in found.iter().enumerate() {
            compared.add(found, &widened(&logits[(row * TIME + read - 1) * v..][..v]));
        }
    }
    Ok(compared)
}

#[test]
fn cached_logits_are_those_of_all_tokens_at_once_on_both_engines() -> Result<(), Failure> {
    for (name, model) in models()? {
        for (device, choice) in [("interpreter", DeviceChoice::Cpu), ("GPU", shared())] {
            let Compared { error, scale } = on_engine(&model, choice)?;
            println!("{name}, {device}: off by {error:.1e} of {scale:.1}");
            assert!(error <= 1e-4 && scale > 0.1, "{name}, {device}: off by {error:e} of {scale}");
        }
    }
    Ok(())
}

/// A decoder of the same shape finds nothing of the one before it, and parameters that changed since.
#[test]
fn a_decoder_starts_anew() -> Result<(), Failure> {
    for choice in [DeviceChoice::Cpu, shared()] {
        for (name, model) in models()?.into_iter().filter(|(name, _)| name.contains("alibi") || name.contains("T5")) {
            let mut engine = engine(&model, choice.clone())?;
            let (sources, tokens) = (sources(&model), rows(&[4; BATCH], 3));
            let read = |engine: &mut Engine| -> Result<Vec<Vec<f64>>, TrainError> {
                let mut decoder = block_on(Decoder::new(engine, shape(&model)))?;
                if !sources.is_empty() {
                    block_on(decoder.encode(&sources))?;
                }
                block_on(decoder.feed(&tokens))
            };
            let first = read(&mut engine)?;
            let bytes = engine.allocated_bytes();
            assert_eq!(read(&mut engine)?, first, "{name}: what was read before shows");
            assert_eq!(engine.allocated_bytes(), bytes, "{name}: the cache is made once");
            let halved: Vec<Vec<f32>> = engine
                .graph()
                .params
                .iter()
                .map(|p| known_answer_values(p).iter().map(|x| x / 2.0).collect())
                .collect();
            engine.set_parameters(halved)?;
            assert_ne!(read(&mut engine)?, first, "{name}: the parameters are those of the start");
        }
    }
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<(), Failure> {
    let (_, model) = models()?.swap_remove(0);
    let mut engine = engine(&model, DeviceChoice::Cpu)?;
    let mut refused =
        |shape: CacheShape| block_on(Decoder::new(&mut engine, shape)).map(|_| ()).map_err(|e| e.to_string());
    let fits = CacheShape { batch: 2, room: 3, source: 0 };
    assert_eq!(refused(fits), Ok(()));
    let long = refused(CacheShape { room: 17, ..fits }).expect_err("16 positions");
    assert!(long.contains("17 tokens exceeds the model's 16"), "{long}");
    let source = refused(CacheShape { source: 4, ..fits }).expect_err("no encoder");
    assert_eq!(source, "a gpt2 model reads no source text; give a prompt");

    let mut decoder = block_on(Decoder::new(&mut engine, fits))?;
    let mut fed = |rows: &[Vec<u32>]| match block_on(decoder.feed(rows)) {
        Err(TrainError::Decode(error)) => Some(error),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => None,
    };
    assert_eq!(fed(&[vec![1], vec![2]]), None);
    let room = DecodeError::Room { what: "the cache", found: 4, limit: 3 };
    assert_eq!(fed(&[vec![1, 2, 3], vec![4, 5, 6]]), Some(room), "nothing of it is read");
    assert!(matches!(fed(&[vec![1]]), Some(DecodeError::Rows { found: 1, expected: 2, .. })));
    assert!(matches!(fed(&[vec![1, 2], vec![1]]), Some(DecodeError::Rows { found: 1, expected: 2, .. })));
    assert!(matches!(fed(&[vec![], vec![]]), Some(DecodeError::Rows { .. })));
    assert_eq!(fed(&[vec![1, 2], vec![3, 4]]), None, "two more fit");
    let parent = block_on(decoder.reorder(&[0, 2])).expect_err("no such row").to_string();
    assert!(parent.contains("2 where 3 are needed"), "{parent}");
    Ok(())
}
