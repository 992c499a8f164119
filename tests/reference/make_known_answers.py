"""Makes tests/fixtures/model_kat_odd.json: known answers for sizes where nothing divides anything.

    python tests/reference/make_known_answers.py [--out FILE]
    python tests/reference/make_known_answers.py --check FILE [--check FILE ...]

`--check` computes the results of a file again and fails where a digit differs; every answer of
tests/fixtures/model_kat.json, which other versions of torch made, comes out the same. `trainyard verify` reads both.
"""

import argparse
import json
import pathlib
import random
import sys
import warnings

import torch
import transformers

import answers

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
TRAIN = ["grad_global_l2", "adamw_losses_before_each_step"]
ALL_GRADS = [*TRAIN, "grad_l2"]

BERT = {
    "vocab_size": 37,
    "hidden_size": 21,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "intermediate_size": 29,
    "max_position_embeddings": 13,
    "type_vocab_size": 3,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-7,
    "pad_token_id": 0,
}
GPT2 = {
    "vocab_size": 43,
    "n_embd": 15,
    "n_layer": 3,
    "n_head": 5,
    "n_positions": 23,
    "n_inner": 34,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-6,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "pad_token_id": 1,
}
T5 = {
    "vocab_size": 41,
    "d_model": 14,
    "d_kv": 5,
    "d_ff": 27,
    "num_layers": 2,
    "num_decoder_layers": 1,
    "num_heads": 6,
    "relative_attention_num_buckets": 10,
    "relative_attention_max_distance": 20,
    "layer_norm_epsilon": 1e-5,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
    "feed_forward_proj": "relu",
    "tie_word_embeddings": True,
}
BART = {
    "vocab_size": 39,
    "d_model": 18,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 6,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 25,
    "decoder_ffn_dim": 31,
    "max_position_embeddings": 19,
    "activation_function": "gelu",
    "scale_embedding": True,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": 2,
}


class Batch:
    """Rows of random ids, padded on the right to one length."""

    def __init__(self, seed, lengths, low, vocab, pad, time=None, first=None, last=None):
        self.rng = random.Random(seed)
        self.lengths, self.time, self.low, self.vocab = lengths, time or max(lengths), low, vocab
        self.ids = []
        for length in lengths:
            row = self.row(length, first, last)
            self.ids.append(row + [pad] * (self.time - length))

    def row(self, length, first=None, last=None):
        row = [self.rng.randrange(self.low, self.vocab) for _ in range(length)]
        row[0] = row[0] if first is None else first
        row[-1] = row[-1] if last is None else last
        return row

    def mask(self):
        return [[int(t < length) for t in range(self.time)] for length in self.lengths]

    def types(self, kinds):
        """Ascending, as segments are."""
        rows = [sorted(self.rng.randrange(kinds) for _ in range(length)) for length in self.lengths]
        return [row + [0] * (self.time - len(row)) for row in rows]

    def token_labels(self, classes, share):
        """A class for a share of the tokens, never for padding; each row counts at least one."""
        rows = []
        for length in self.lengths:
            row = [self.rng.randrange(classes) if self.rng.random() < share else -100 for _ in range(length)]
            row[-1] = self.rng.randrange(classes)
            rows.append(row + [-100] * (self.time - length))
        return rows

    def targets(self, lengths, first=None, last=None):
        rows = [self.row(length, first, last) for length in lengths]
        return [row + [-100] * (max(lengths) - len(row)) for row in rows]

    def own_labels(self):
        return [row[:n] + [-100] * (self.time - n) for row, n in zip(self.ids, self.lengths)]

    def inputs(self, mask=True):
        return {"input_ids": self.ids} | ({"attention_mask": self.mask()} if mask else {})


def case(cls, config, inputs, keys):
    results = ["n_unique_params", "loss", "logits", *keys]
    return {"class": cls, "config": config, "inputs": inputs, **dict.fromkeys(results)}


def bert_cases():
    batch = Batch(1, [11, 2, 7], 5, 37, 0, time=12)
    base = batch.inputs() | {"token_type_ids": batch.types(3)}
    looks = {"output_attentions": True, "output_hidden_states": True}
    deep = BERT | {"num_hidden_layers": 2}
    yield "bert_pretraining_odd", case(
        "BertForPreTraining",
        deep,
        base | looks | {"labels": batch.token_labels(37, 0.2), "next_sentence_label": [1, 0, 1]},
        ["attn_L1_H0_b1_row1", "attn_L0_H2_b2_row6", "hidden_L1_b0_t10", "hidden_L0_b1_t0", *ALL_GRADS],
    )
    plain = Batch(2, [9, 9], 5, 37, 0)
    yield "bert_masked_lm_no_mask_no_types", case(
        "BertForMaskedLM", BERT, plain.inputs(mask=False) | {"labels": plain.token_labels(37, 0.3)}, TRAIN
    )
    yield "bert_next_sentence", case("BertForNextSentencePrediction", BERT, base | {"labels": [0, 1, 1]}, ALL_GRADS)
    yield "bert_seqcls4", case(
        "BertForSequenceClassification", deep | {"num_labels": 4}, base | {"labels": [3, 0, 2]}, ALL_GRADS
    )
    yield "bert_regression_odd", case(
        "BertForSequenceClassification", BERT | {"num_labels": 1}, base | {"labels": [-1.25, 0.5, 4.75]}, TRAIN
    )
    yield "bert_multi_label", case(
        "BertForSequenceClassification",
        BERT | {"num_labels": 3, "problem_type": "multi_label_classification"},
        base | {"labels": [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]},
        TRAIN,
    )
    yield "bert_tokcls7", case(
        "BertForTokenClassification", BERT | {"num_labels": 7}, base | {"labels": batch.token_labels(7, 0.7)}, TRAIN
    )
    # Another id for padding, whose row of the embedding has no gradient; the second row ends at the ignored position T.
    padded = Batch(3, [8, 10], 5, 37, 4)
    qa = padded.inputs() | {"start_positions": [0, 6], "end_positions": [7, 10]}
    yield "bert_qa_pad4", case("BertForQuestionAnswering", BERT | {"pad_token_id": 4}, qa, ALL_GRADS)


def gpt2_cases():
    batch = Batch(4, [13, 4, 9], 4, 43, 1, first=2, last=3)
    looks = {"output_attentions": True, "output_hidden_states": True, "use_cache": False}
    prompts = ["greedy_from_[2,17,30,5]", "greedy_min_margin", "beam4_from_[2,9]", "beam2_lp0.4_from_[2,40,40]"]
    yield "gpt2_lm_odd", case(
        "GPT2LMHeadModel",
        GPT2 | {"n_embd": 20},
        batch.inputs() | {"labels": batch.own_labels()} | looks,
        ["attn_L2_H4_b2_row8", "attn_L0_H1_b1_row0", "hidden_L1_b0_t12", *ALL_GRADS, *prompts],
    )
    shallow = GPT2 | {"n_layer": 1}
    inputs = batch.inputs() | {"use_cache": False}
    yield "gpt2_seqcls6", case(
        "GPT2ForSequenceClassification", shallow | {"num_labels": 6}, inputs | {"labels": [5, 0, 3]}, ALL_GRADS
    )
    yield "gpt2_tokcls3", case(
        "GPT2ForTokenClassification",
        shallow | {"num_labels": 3},
        inputs | {"labels": batch.token_labels(3, 0.6)},
        ALL_GRADS,
    )
    spans = {"start_positions": [2, 1, 4], "end_positions": [11, 3, 4]}
    yield "gpt2_qa", case("GPT2ForQuestionAnswering", shallow, batch.inputs() | spans, ALL_GRADS)


def t5_cases():
    # Long enough for the last bucket on both sides.
    batch = Batch(5, [25, 3, 12], 2, 38, 0, last=1)
    looks = {"output_attentions": True, "output_hidden_states": True, "use_cache": False}
    inputs = batch.inputs() | {"labels": batch.targets([6, 23, 9], last=1)} | looks
    rows = ["enc_attn_L1_H5_b0_row24", "dec_attn_L0_H3_b1_row22", "cross_attn_L0_H4_b2_row5", "enc_last_hidden_b1_t2"]
    keys = [*rows, *ALL_GRADS, "greedy", "greedy_min_margin", "beam4_lp0.6"]
    yield "t5_v1_0_odd", case("T5ForConditionalGeneration", T5, inputs, keys)
    gated = T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    gated |= {"num_layers": 1, "num_decoder_layers": 2}
    rows = ["enc_attn_L0_H5_b0_row0", "dec_attn_L1_H0_b0_row5", "cross_attn_L1_H2_b1_row22", "enc_last_hidden_b2_t0"]
    keys = [*rows, *ALL_GRADS, "greedy", "greedy_min_margin", "beam3_lp0.6"]
    yield "t5_v1_1_odd", case("T5ForConditionalGeneration", gated, inputs, keys)


def bart_cases():
    batch = Batch(6, [14, 4, 9], 3, 38, 1, first=0, last=2)
    looks = {"output_attentions": True, "output_hidden_states": True, "use_cache": False}
    targets = batch.targets([5, 11, 8], first=0, last=2)
    rows = ["enc_attn_L0_H5_b0_row13", "dec_attn_L1_H2_b1_row10", "cross_attn_L0_H1_b2_row7", "enc_last_hidden_b1_t3"]
    yield "bart_cond_gen_odd", case(
        "BartForConditionalGeneration",
        BART,
        batch.inputs() | {"labels": targets} | looks,
        [*rows, *ALL_GRADS, "greedy", "greedy_min_margin", "beam4", "beam2_lp2.0"],
    )
    shallow = BART | {"decoder_layers": 1, "scale_embedding": False}
    inputs = batch.inputs() | {"use_cache": False}
    yield "bart_seqcls5", case(
        "BartForSequenceClassification", shallow | {"num_labels": 5}, inputs | {"labels": [4, 0, 1]}, ALL_GRADS
    )
    spans = {"start_positions": [3, 0, 8], "end_positions": [12, 2, 8]}
    yield "bart_qa", case("BartForQuestionAnswering", shallow, inputs | spans, ALL_GRADS)


def make(out):
    file = {
        "_about": "Known answers in the format of model_kat.json, for sizes where nothing divides anything, uneven "
        "padding, other ids and other heads. "
        f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, pure f64. "
        "Made by tests/reference/make_known_answers.py.",
        "cases": {},
    }
    for name, wanted in (*bert_cases(), *gpt2_cases(), *t5_cases(), *bart_cases()):
        found = answers.answer(wanted)
        if close := answers.unsteady(found):
            sys.exit(f"{name}: {close} differ in f32; choose another seed")
        file["cases"][name] = found
        print(f"{name}: loss {found['loss']}")
    lines = [f"  {json.dumps(n)}: {json.dumps(c, separators=(',', ':'))}" for n, c in file["cases"].items()]
    about = json.dumps(file["_about"])
    out.write_text(f'{{\n "_about": {about},\n "cases": {{\n' + ",\n".join(lines) + "\n }\n}\n")
    print(f"{out}: {len(lines)} cases, {out.stat().st_size} bytes")


def differences(expected, found, path=""):
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        for key in expected:
            yield from differences(expected[key], found[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for i, pair in enumerate(zip(expected, found)):
            yield from differences(*pair, f"{path}[{i}]")
    elif expected != found:
        yield f"{path}: {found} instead of {expected}"


def check(path):
    cases = json.loads(path.read_text())["cases"]
    wrong = 0
    for name, case in cases.items():
        found = list(differences(case, answers.answer(case), name))
        wrong += bool(found)
        print(f"{'FAIL' if found else 'pass'}  {name}  " + ("; ".join(found[:3]) or "every digit"))
    return wrong == 0 and bool(cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=pathlib.Path, default=FIXTURES / "model_kat_odd.json")
    parser.add_argument("--check", type=pathlib.Path, action="append", metavar="FILE")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    if arguments.check:
        sys.exit(0 if all([check(path) for path in arguments.check]) else 1)
    make(arguments.out)


if __name__ == "__main__":
    main()
