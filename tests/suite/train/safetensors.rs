//! The safetensors reader against files that lie, and what is written read back.

use proptest::prelude::*;
use trainyard::models::{Extents, Family, Gpt2Config, Mode, NormPlacement, Options, initial_values};
use trainyard::train::checkpoint::{
    Dtype, Named, SafetensorsError, WeightsError, export_weights, import_weights, read, write,
};

/// A file with this header and these data.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("the file must be refused").to_string()
}

const ONE: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;

#[test]
fn sound_files_are_read() {
    let bytes = file(ONE, &[0, 0, 128, 63, 0, 0, 0, 192]);
    let tensors = read(&bytes).expect("a sound file");
    let a = tensors.get("a").expect("the tensor");
    assert_eq!((a.entry.shape.as_slice(), a.to_f32()), (&[2][..], Ok(vec![1.0, -2.0])));
    let halves = r#"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}}"#;
    let bytes = file(halves, &[0, 60, 0, 192, 128, 63]);
    let tensors = read(&bytes).expect("a sound file");
    let values = |name: &str| tensors.get(name).and_then(|tensor| tensor.to_f32().ok());
    assert_eq!((values("h"), values("b")), (Some(vec![1.0, -2.0]), Some(vec![1.0])));
    let integers = r#"{"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#;
    let bytes = file(integers, &[0; 8]);
    let tensors = read(&bytes).expect("a sound file of positions");
    assert_eq!(tensors.0[0].entry.dtype, Dtype::Other { name: "I64", bytes: 8 });
    assert!(tensors.0[0].to_f32().is_err(), "integers are no weights");
    let header = r#"{"__metadata__":{"format":"pt","a":"b"},"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}}   "#;
    let bytes = file(header, &[0; 4]);
    assert_eq!(read(&bytes).expect("a scalar and an empty tensor").0.len(), 2);
    assert!(read(&file("{}", &[])).expect("an empty file of no tensors").0.is_empty());
}

#[test]
fn every_rule_has_a_file_that_breaks_it() {
    let data = [0_u8; 8];
    let header = |entry: &str| format!(r#"{{"a":{entry}}}"#);
    let entry = |dtype: &str, shape: &str, offsets: &str| {
        header(&format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#))
    };
    let twice = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    let overlap = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    let long_name = format!(r#"{{"{}":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}}}"#, "n".repeat(513));
    let many: Vec<String> =
        (0..20_001).map(|i| format!(r#""t{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#)).collect();
    let many = format!("{{{}}}", many.join(","));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file has 0 bytes, but its header needs 8"),
        (vec![1, 2, 3], "the file has 3 bytes, but its header needs 8"),
        (u64::MAX.to_le_bytes().to_vec(), "the header's length is 18446744073709551615; at most 16777216"),
        ((16_u64 << 20 | 1).to_le_bytes().to_vec(), "the header's length is 16777217"),
        (b"PK\x03\x04\0\0\x08\x08".to_vec(), "this is a PyTorch archive, which is not read; convert it"),
        (b"\x80\x02\x8a\nl\xfc\x9cF".to_vec(), "this is a Python pickle"),
        (b"GGUF\x03\0\0\0".to_vec(), "this is a GGUF file"),
        (b"\x89HDF\r\n\x1a\n".to_vec(), "this is an HDF5 file"),
        // The first bytes of a pickle are a sound length too.
        (b"\x80\x02\0\0\0\0\0\0".to_vec(), "the file has 8 bytes, but its header needs 648"),
        (100_u64.to_le_bytes().to_vec(), "the file has 8 bytes, but its header needs 108"),
        (file("", &[]), "header: EOF"),
        (file("[]", &[]), "header: invalid type: sequence, expected an object of tensors"),
        (file("{\"a\":1}", &[]), "header: invalid type: integer"),
        (file("{} {}", &[]), "header: trailing characters"),
        (file("{\"a\":\u{fffd}", &[]), "header: "),
        (file(&header("{\"dtype\":\"F32\",\"shape\":[2]}"), &data), "missing field `data_offsets`"),
        (file(&header("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}"), &data), "unknown field `x`"),
        (file(&entry("F32", "[-2]", "[0,8]"), &data), "invalid value: integer `-2`"),
        (file(&entry("F32", "[2.0]", "[0,8]"), &data), "invalid type: floating point"),
        (file(&entry("F32", "[2]", "[0,8,9]"), &data), "header: "),
        (file(&entry("F32", "[2]", "[0]"), &data), "header: "),
        (file(twice, &data), "the name \"a\" occurs twice"),
        (file(&long_name, &data), "a name of 513 bytes; at most 512"),
        (file(&entry("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), &data), "rank 9; at most 8"),
        (file(&entry("I128", "[1]", "[0,16]"), &data), "dtype \"I128\" is unknown"),
        (file(&entry("f32", "[2]", "[0,8]"), &data), "dtype \"f32\" is unknown"),
        (file(&entry("I64", "[2]", "[0,8]"), &data), "its offsets 0..8 do not hold 16 bytes"),
        (file(&entry("F32", "[4294967296,4294967296]", "[0,8]"), &data), "overflows"),
        (file(&entry("F32", "[4611686018427387904]", "[0,8]"), &data), "overflows"),
        (file(&entry("F32", "[2]", "[4,12]"), &data), "its data begin at 4, but the tensor before ends at 0"),
        (file(overlap, &data), "its data begin at 4, but the tensor before ends at 8"),
        (file(&entry("F32", "[2]", "[8,0]"), &data), "its data begin at 8"),
        (file(&entry("F32", "[3]", "[0,8]"), &data), "its offsets 0..8 do not hold 12 bytes"),
        (file(&entry("F32", "[4]", "[0,16]"), &data), "the file has 71 bytes, but its header needs 79"),
        (file(&entry("F32", "[1]", "[0,4]"), &data), "the tensors cover 4 bytes of 8"),
        (file(&many, &[]), "more than 20000 tensors"),
    ];
    for (bytes, message) in cases {
        let found = refusal(&bytes);
        assert!(found.starts_with("safetensors: ") && found.contains(message), "{message:?} is expected: {found}");
        assert!(found.len() < 1000, "a message of {} bytes", found.len());
    }
    // Nesting must not exhaust the stack.
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(matches!(read(&file(&deep, &[])), Err(SafetensorsError::Header(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_errors_or_files(at in 0_usize..120, byte in any::<u8>(), cut in 0_usize..120) {
        let mut bytes = write(&[("b", &[2], &[1.0, 2.0]), ("a", &[1, 1], &[f32::NAN])]);
        let n = bytes.len();
        bytes[at % n] = byte;
        let _ = read(&bytes);
        prop_assert!(read(&bytes[..cut.min(n - 1)]).is_err(), "a cut file is never sound");
    }

    #[test]
    fn what_is_written_is_read(values in prop::collection::vec(any::<u32>(), 0..50)) {
        let floats: Vec<f32> = values.iter().map(|&bits| f32::from_bits(bits)).collect();
        let bytes = write(&[("w", &[floats.len()], &floats), ("a", &[1], &[0.5])]);
        let tensors = read(&bytes).expect("our own file");
        prop_assert_eq!(tensors.0.iter().map(|t| t.entry.name.as_str()).collect::<Vec<_>>(), ["a", "w"]);
        let found: Vec<u32> = tensors.get("w").expect("the tensor").to_f32().expect("it is F32").iter().map(|x| x.to_bits()).collect();
        prop_assert_eq!(found, values);
    }
}

#[test]
fn files_are_a_function_of_the_tensors() {
    let [a, b]: [Named<'_>; 2] = [("a", &[1], &[1.0]), ("b", &[1], &[2.0])];
    assert_eq!(write(&[a, b]), write(&[b, a]));
    let bytes = write(&[a, b]);
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    assert_eq!(length % 8, 0, "data are aligned");
    assert!(bytes[8..].starts_with(br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32""#));
}

fn model(bias: bool, tied: bool) -> (trainyard::ir::Graph, Vec<Vec<f32>>) {
    let config = Gpt2Config {
        vocab_size: 5,
        n_positions: 3,
        n_embd: 4,
        n_layer: 1,
        n_head: 2,
        options: Options { bias, ..Options::plain(NormPlacement::Pre) },
        tie_word_embeddings: tied,
        ..Gpt2Config::default()
    };
    let graph = crate::models::gpt2(&config, Extents::decoder(1, 1), Mode::Inspect);
    let values = initial_values(&graph, 1);
    (graph, values)
}

#[test]
fn weights_round_trip() {
    for (bias, tied) in [(true, true), (false, true), (true, false)] {
        let (graph, values) = model(bias, tied);
        let bytes = export_weights(Family::Gpt2, &graph, &values);
        assert_eq!(import_weights(Family::Gpt2, &graph, &bytes).as_ref(), Ok(&values));
        assert_eq!(bytes, export_weights(Family::Gpt2, &graph, &values));
    }
    // Hugging Face's class cannot do without biases: they are there, and zero.
    let (graph, values) = model(false, true);
    let bytes = export_weights(Family::Gpt2, &graph, &values);
    let tensors = read(&bytes).expect("our own file");
    for name in ["ln_f", "h.0.ln_1", "h.0.attn.c_attn", "h.0.attn.c_proj", "h.0.mlp.c_fc"] {
        let bias =
            tensors.get(&format!("transformer.{name}.bias")).expect("a bias of zeros").to_f32().expect("it is F32");
        assert!(!bias.is_empty() && bias.iter().all(|&x| x == 0.0), "{name}");
    }
}

#[test]
fn weights_of_other_models_are_refused() {
    let (graph, values) = model(true, true);
    let named: Vec<Named<'_>> =
        graph.params.iter().zip(&values).map(|(p, v)| (p.name.as_str(), p.shape.dims(), v.as_slice())).collect();
    let import =
        |tensors: &[Named<'_>]| import_weights(Family::Gpt2, &graph, &write(tensors)).map_err(|e| e.to_string());
    assert_eq!(import(&named).as_ref(), Ok(&values));
    let short: Vec<_> =
        named.iter().map(|&(n, s, v)| (n.strip_prefix("transformer.").expect("every name has it"), s, v)).collect();
    assert_eq!(import(&short).as_ref(), Ok(&values), "files of the hub have no prefix");
    let mut buffers = named.clone();
    buffers.extend([
        ("transformer.h.0.attn.bias", &[1][..], &[1.0][..]),
        ("transformer.h.0.attn.masked_bias", &[1], &[1.0]),
    ]);
    assert_eq!(import(&buffers).as_ref(), Ok(&values), "mask buffers are no weights");

    let missing = import(&named[1..]).expect_err("a tensor is missing");
    assert!(missing.contains("missing: transformer.wte.weight"), "{missing}");
    let mut more = named.clone();
    more.push(("transformer.h.1.ln_1.weight", &[4], &[1.0; 4]));
    let unexpected = import(&more).expect_err("a tensor too many");
    assert!(unexpected.contains("unexpected: transformer.h.1.ln_1.weight"), "{unexpected}");
    let mut reshaped = named.clone();
    reshaped[0].1 = &[4, 5];
    let shape = import(&reshaped).expect_err("another shape");
    assert!(shape.contains("transformer.wte.weight [4, 5] instead of [5, 4]"), "{shape}");
    let mut broken = values.clone();
    broken[1][2] = f32::INFINITY;
    broken[1][5] = f32::NAN;
    let error = import_weights(Family::Gpt2, &graph, &export_weights(Family::Gpt2, &graph, &broken))
        .expect_err("infinite weights");
    let expected = WeightsError::NonFinite { name: "transformer.wpe.weight".to_owned(), count: 2, first: 2 };
    assert_eq!(error, expected);
}
