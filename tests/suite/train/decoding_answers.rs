//! Whole generations: Hugging Face's ids through the cache, windows that run full, ends and interruptions.

use core::ops::ControlFlow;

use pollster::block_on;
use serde_json::{Value, json};
use trainyard::models::{Architecture, Extents, Mode, Model, ModelError};
use trainyard::train::decode::{Beams, DecodeError, Rules, Sampling, Strategy, argmax, beam};
use trainyard::train::{DeviceChoice, Ended, Engine, Generated, Generation, Request, TrainError, generate};

use super::decoding_cache::{engine, models};
use super::shared;

type Failure = Box<dyn std::error::Error>;

const MODELS: &str = include_str!("../../fixtures/model_kat.json");

/// Rows of ids as the file has them, or one row.
fn ids(value: &Value) -> Vec<Vec<u32>> {
    let row =
        |row: &Value| row.as_array().into_iter().flatten().filter_map(Value::as_u64).map(|id| id as u32).collect();
    let rows = value.as_array().map_or(&[][..], Vec::as_slice);
    if rows.first().is_some_and(Value::is_u64) { vec![row(value)] } else { rows.iter().map(row).collect() }
}

/// The strategy and the tokens at most that a key asks for: GPT-2's greedy ids are longer than the others.
fn asked(key: &str) -> Option<(Strategy, usize)> {
    match key {
        "greedy_from_[1,7,19]" => Some((Strategy::GREEDY, 12)),
        "greedy" => Some((Strategy::GREEDY, 8)),
        key => {
            let rest = key.strip_prefix("beam3")?;
            let length_penalty = if rest == "_lp0.6" { 0.6 } else { 1.0 };
            Some((Strategy::Beam(Beams { count: 3, length_penalty }), 8))
        }
    }
}

/// What a case of the file says, through the cache, beside what it should be.
fn through_the_cache(case: &Value, key: &str, engine: &mut Engine) -> Result<[Vec<Vec<u32>>; 2], Failure> {
    let model = engine.model().clone();
    let (strategy, most) = asked(key).ok_or("a key of generated ids")?;
    let expected = ids(&case[key]);
    let (inputs, mask) = (ids(&case["inputs"]["input_ids"]), ids(&case["inputs"]["attention_mask"]));
    let requests = if model.config.family().architecture() == Architecture::DecoderOnly {
        vec![Request::prompt(vec![1, 7, 19], strategy, Rules::of(&model, most))]
    } else {
        let source = |(row, ids): (usize, &Vec<u32>)| {
            let there = |at: usize| mask.get(row).is_none_or(|mask| mask[at] != 0);
            let source = ids.iter().enumerate().filter(|(at, _)| there(*at)).map(|(_, &id)| id).collect();
            Request::source(&model, source, &[], strategy, Rules::of(&model, most))
        };
        inputs.iter().enumerate().map(source).collect::<Result<_, _>>()?
    };
    let mut found = Vec::new();
    for request in requests {
        let Generated { new, ended } = block_on(generate(engine, &request, &mut |_| ControlFlow::Continue(())))?;
        let end = match ended {
            Ended::Stop(token) => Some(token),
            Ended::Limit | Ended::Full | Ended::Cancelled => None,
        };
        found.push(request.prompt.into_iter().chain(new).chain(end).collect::<Vec<u32>>());
    }
    let longest = expected.iter().map(Vec::len).max().unwrap_or(0);
    let pad = model.config.pad().unwrap_or_default();
    found.iter_mut().for_each(|row| row.resize(row.len().max(longest), pad));
    Ok([found, expected])
}

#[test]
fn generated_ids_are_hugging_faces() -> Result<(), Failure> {
    let file: Value = serde_json::from_str(MODELS)?;
    let mut compared = 0;
    for (name, case) in file["cases"].as_object().into_iter().flatten() {
        let keys: Vec<&String> =
            case.as_object().into_iter().flat_map(|c| c.keys()).filter(|k| asked(k).is_some()).collect();
        if keys.is_empty() {
            continue;
        }
        let config = case["config"].as_object().ok_or("a configuration")?;
        let model = Model::from_class(case["class"].as_str().ok_or("a class")?, config)?;
        for (device, choice) in [("interpreter", DeviceChoice::Cpu), ("GPU", shared())] {
            let mut engine = engine(&model, choice)?;
            for key in &keys {
                let [found, expected] = through_the_cache(case, key, &mut engine)?;
                assert_eq!(found, expected, "{name}, {key}, {device}");
                compared += found.iter().map(Vec::len).sum::<usize>();
            }
            // Other weights write something else: the comparison can fail.
            let other = engine.graph().params.iter().map(|p| vec![0.02; p.shape.elements()]).collect();
            engine.set_parameters(other)?;
            let [found, expected] = through_the_cache(case, keys[0], &mut engine)?;
            assert_ne!(found, expected, "{name}, {device}");
        }
    }
    assert!(compared > 200, "{compared} ids compared");
    Ok(())
}

fn gpt() -> Result<Model, Failure> {
    Ok(models()?.swap_remove(0).1)
}

/// Logits after a sequence, all tokens at once.
fn logits(engine: &mut Engine, ids: &[u32]) -> Result<Vec<f32>, TrainError> {
    let v = engine.model().config.vocabulary();
    let inputs = vec![("ids", ids.to_vec())];
    let all = block_on(engine.forward(Mode::Inspect, Extents::decoder(1, ids.len()), &inputs, &["logits"]))?;
    Ok(all[0][(ids.len() - 1) * v..].to_vec())
}

fn write(engine: &mut Engine, request: &Request) -> Result<Generated<Vec<u32>>, TrainError> {
    block_on(generate(engine, request, &mut |_| ControlFlow::Continue(())))
}

/// Of 16 positions the last half is read anew when they are full, and nothing ends silently.
#[test]
fn a_full_window_goes_on_with_its_last_half() -> Result<(), Failure> {
    for choice in [DeviceChoice::Cpu, shared()] {
        let mut engine = engine(&gpt()?, choice)?;
        let prompt: Vec<u32> = vec![1, 5, 9];
        let rules = Rules { ends: vec![], ..Rules::new(None, 40) };
        let request = Request { window: 12, ..Request::prompt(prompt.clone(), Strategy::GREEDY, rules) };
        let Generated { new, ended } = write(&mut engine, &request)?;
        assert_eq!((new.len(), ended), (40, Ended::Limit));
        let mut all = prompt;
        let mut start = 0;
        for token in new {
            if all.len() - start > 12 {
                start = all.len() - 6;
            }
            assert_eq!(argmax(&logits(&mut engine, &all[start..])?), token, "token {}", all.len());
            all.push(token);
        }
        // A prompt that is longer than the window: its last tokens are seen.
        let long: Vec<u32> = (0..20).map(|i| 2 + i % 15).collect();
        let rules = Rules::new(None, 1);
        let request = Request { window: 12, ..Request::prompt(long.clone(), Strategy::GREEDY, rules) };
        assert_eq!(write(&mut engine, &request)?.new, [argmax(&logits(&mut engine, &long[8..])?)]);
    }
    Ok(())
}

/// Beams reach past a full window as well, each with tokens of its own.
#[test]
fn beams_go_on_in_a_full_window() -> Result<(), Failure> {
    let mut engine = engine(&gpt()?, DeviceChoice::Cpu)?;
    let (beams, prompt) = (Beams { count: 3, length_penalty: 0.8 }, [1, 5, 9]);
    let rules = Rules { min_new: 14, repetition_penalty: 1.3, ..Rules::new(Some(1), 18) };
    let request = Request { window: 8, ..Request::prompt(prompt.to_vec(), Strategy::Beam(beams), rules.clone()) };
    let found = write(&mut engine, &request)?;
    let mut scored = 0;
    let expected = beam(&prompt, beams, rules, |ids| {
        // Where the window starts for a sequence of this length.
        let mut start = 0;
        for length in prompt.len()..=ids.len() {
            if length - start > 8 {
                start = length - 4;
            }
        }
        scored += 1;
        logits(&mut engine, &ids[start..]).map(|l| l.into_iter().map(f64::from).collect())
    })?;
    let new: Vec<u32> = expected[prompt.len()..].iter().copied().filter(|&id| id != 1).collect();
    assert_eq!(found.new, new);
    assert!(found.new.len() >= 14 && scored > 30, "{found:?}, {scored} scored");
    Ok(())
}

#[test]
fn an_encoder_decoder_stops_where_its_positions_end() -> Result<(), Failure> {
    let (_, model) = models()?.into_iter().find(|(name, _)| name.contains("Bart")).ok_or("a BART")?;
    let mut engine = engine(&model, DeviceChoice::Cpu)?;
    let rules = Rules { ends: vec![], ..Rules::new(None, 100) };
    let request = Request::source(&model, vec![0, 5, 6, 2], &[7], Strategy::GREEDY, rules)?;
    assert_eq!(request.prompt.len(), 2, "the start token, and what the answer begins with");
    let Generated { new, ended } = write(&mut engine, &request)?;
    // Sixteen positions read, and one token predicted from the last.
    assert_eq!((new.len(), ended), (15, Ended::Full));
    let long = Request { source: vec![5; 17], ..request.clone() };
    let error = write(&mut engine, &long).expect_err("sixteen positions").to_string();
    assert!(error.contains("17 tokens in the source; there is room for 16"), "{error}");
    let none = Request { source: vec![], ..request };
    assert!(write(&mut engine, &none).expect_err("no source").to_string().contains("needs a source text"));
    Ok(())
}

#[test]
fn it_ends_at_any_of_its_stop_tokens() -> Result<(), Failure> {
    let mut engine = engine(&gpt()?, DeviceChoice::Cpu)?;
    let free = Request::prompt(vec![3, 4], Strategy::GREEDY, Rules::new(None, 12));
    let unstopped = write(&mut engine, &free)?;
    let third = unstopped.new[2];
    let at = unstopped.new.iter().position(|&id| id == third).ok_or("the third token")?;
    let ends = vec![18, third];
    let stopped = Request { rules: Rules { ends: ends.clone(), ..free.rules.clone() }, ..free.clone() };
    let Generated { new, ended } = write(&mut engine, &stopped)?;
    assert_eq!((&new[..], ended), (&unstopped.new[..at], Ended::Stop(third)));
    // At least so many: no stop token comes before.
    let patient = Request { rules: Rules { ends, min_new: 6, ..free.rules.clone() }, ..free };
    let Generated { new, .. } = write(&mut engine, &patient)?;
    assert!(new.len() >= 6 && new[..6].iter().all(|id| ![18, third].contains(id)), "{new:?}");
    Ok(())
}

#[test]
fn who_listens_hears_every_token_and_may_stop() -> Result<(), Failure> {
    for choice in [DeviceChoice::Cpu, shared()] {
        let mut engine = engine(&gpt()?, choice)?;
        let how = Sampling { temperature: 1.0, top_k: 0, top_p: 0.95, seed: 4 };
        let request = Request::prompt(vec![3, 4], Strategy::Sample(how), Rules::new(None, 10));
        let mut heard = Vec::new();
        let whole = block_on(generate(&mut engine, &request, &mut |new| {
            heard.push(new.to_vec());
            ControlFlow::Continue(())
        }))?;
        let expected: Vec<Vec<u32>> = (1..=10).map(|n| whole.new[..n].to_vec()).collect();
        assert_eq!((heard, whole.ended), (expected, Ended::Limit));
        let cut = block_on(generate(&mut engine, &request, &mut |new| {
            if new.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }))?;
        assert_eq!(cut, Generated { new: whole.new[..3].to_vec(), ended: Ended::Cancelled });
        // Step by step, as a caller that waits in between does it.
        let mut generation = block_on(Generation::new(&mut engine, &request))?;
        while generation.new_tokens().len() < 5 && block_on(generation.step())? {}
        generation.cancel();
        assert!(!block_on(generation.step())?, "it is over");
        assert_eq!(generation.finish().new, whole.new[..5]);
    }
    Ok(())
}

#[test]
fn what_cannot_be_written_is_refused_by_name() -> Result<(), Failure> {
    let mut engine = engine(&gpt()?, DeviceChoice::Cpu)?;
    let request = Request::prompt(vec![3], Strategy::GREEDY, Rules::new(None, 4));
    let sampling = |how: Sampling| Request { strategy: Strategy::Sample(how), ..request.clone() };
    let beams = |count, length_penalty| Request {
        strategy: Strategy::Beam(Beams { count, length_penalty }),
        ..request.clone()
    };
    let rules = |change: &dyn Fn(&mut Rules)| {
        let mut changed = request.clone();
        change(&mut changed.rules);
        changed
    };
    let refused = [
        (sampling(Sampling { temperature: f32::NAN, ..Sampling::GREEDY }), "temperature = NaN"),
        (sampling(Sampling { temperature: -1.0, ..Sampling::GREEDY }), "temperature = -1"),
        (sampling(Sampling { top_p: 0.0, ..Sampling::GREEDY }), "top_p = 0"),
        (sampling(Sampling { top_p: 1.5, ..Sampling::GREEDY }), "top_p = 1.5"),
        (beams(65, 1.0), "beams = 65"),
        (beams(2, f64::INFINITY), "length_penalty = inf"),
        (rules(&|rules| rules.repetition_penalty = 0.0), "repetition_penalty = 0"),
        (rules(&|rules| rules.min_new = 5), "min_new = 5"),
        (Request { prompt: vec![], ..request.clone() }, "the prompt is empty"),
        (Request { source: vec![1], ..request.clone() }, "reads no source text"),
    ];
    for (request, expected) in refused {
        let error = write(&mut engine, &request).expect_err(expected);
        assert!(matches!(error, TrainError::Decode(_)) && error.to_string().contains(expected), "{error}");
    }
    let token = Request { prompt: vec![19], ..request.clone() };
    assert!(write(&mut engine, &token).is_err(), "a token that the model does not have");
    assert!(write(&mut engine, &request).is_ok());

    let bert = json!({ "model_type": "bert", "vocab_size": 19, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 8 });
    let class = |name: &str, config: &Value| Model::from_class(name, config.as_object().expect("an object"));
    let mut bert = block_on(Engine::look(&class("BertForMaskedLM", &bert)?, DeviceChoice::Cpu))?;
    let error = write(&mut bert, &request).expect_err("no decoder");
    assert!(matches!(error, TrainError::Model(ModelError::NoDecoder { family: "bert" })), "{error}");
    let config = json!({ "vocab_size": 19, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2, "eos_token_id": 1,
        "bos_token_id": 1, "pad_token_id": 0 });
    let mut classifier = block_on(Engine::look(&class("GPT2ForSequenceClassification", &config)?, DeviceChoice::Cpu))?;
    let error = write(&mut classifier, &request).expect_err("another head");
    assert!(matches!(error, TrainError::Decode(DecodeError::Head { .. })), "{error}");
    Ok(())
}
