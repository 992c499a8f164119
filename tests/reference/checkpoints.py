"""Small random checkpoints of the four families, as transformers writes them and as older programs wrote them."""

import dataclasses
import json
import pathlib
import random
from typing import Callable

import torch
import transformers
from safetensors.torch import load_file, save_file

DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16}


@dataclasses.dataclass(frozen=True)
class Family:
    """A class of transformers with configurations and inputs for it."""

    name: str
    cls: str
    auto: str
    config: Callable[[random.Random], dict]
    # What the class puts before the names of the model inside it.
    prefix: str | None
    variants: tuple[str, ...]


def heads(rng):
    """Number of heads and width, mostly odd ones."""
    count = rng.choice([1, 2, 3, 5])
    return count, count * rng.choice([3, 4, 5, 7])


def bert(**more):
    def config(rng):
        count, width = heads(rng)
        return {
            "vocab_size": rng.randrange(30, 70),
            "hidden_size": width,
            "num_attention_heads": count,
            "num_hidden_layers": rng.randrange(1, 4),
            "intermediate_size": rng.randrange(9, 50),
            "max_position_embeddings": rng.randrange(15, 25),
        } | more

    return config


def gpt2(**more):
    def config(rng):
        count, width = heads(rng)
        return {
            "vocab_size": rng.randrange(30, 70),
            "n_embd": width,
            "n_head": count,
            "n_layer": rng.randrange(1, 4),
            "n_inner": rng.choice([None, 17]),
            "n_positions": rng.randrange(15, 25),
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        } | more

    return config


def t5(**more):
    def config(rng):
        return {
            "vocab_size": rng.randrange(30, 70),
            "d_model": rng.randrange(9, 30),
            "d_kv": rng.choice([3, 4, 7]),
            "num_heads": rng.choice([1, 3, 5]),
            "num_layers": rng.randrange(1, 4),
            "num_decoder_layers": rng.randrange(1, 4),
            "d_ff": rng.randrange(9, 50),
            "relative_attention_num_buckets": rng.choice([10, 32]),
            "relative_attention_max_distance": rng.choice([20, 128]),
            "decoder_start_token_id": 0,
        } | more

    return config


def bart(rng):
    width = 6 * rng.choice([2, 3, 5])
    return {
        "vocab_size": rng.randrange(30, 70),
        "d_model": width,
        "encoder_attention_heads": rng.choice([1, 2, 3]),
        "decoder_attention_heads": rng.choice([2, 3, 6]),
        "encoder_layers": rng.randrange(1, 3),
        "decoder_layers": rng.randrange(1, 4),
        "encoder_ffn_dim": rng.randrange(9, 50),
        "decoder_ffn_dim": rng.randrange(9, 50),
        "max_position_embeddings": rng.randrange(15, 25),
        "scale_embedding": rng.random() < 0.5,
    }


PLAIN = ("f32", "f16", "bf16", "sharded")
BERT = (*PLAIN, "legacy names", "no prefix")
MULTI_LABEL = {"num_labels": 3, "problem_type": "multi_label_classification"}
FAMILIES = [
    Family("BERT masked LM", "BertForMaskedLM", "AutoModelForMaskedLM", bert(), "bert.", BERT),
    Family("BERT pre-training", "BertForPreTraining", "AutoModelForPreTraining", bert(), "bert.", BERT),
    Family(
        "BERT classification",
        "BertForSequenceClassification",
        "AutoModelForSequenceClassification",
        bert(num_labels=5, type_vocab_size=3),
        "bert.",
        BERT,
    ),
    Family(
        "BERT multi-label",
        "BertForSequenceClassification",
        "AutoModelForSequenceClassification",
        bert(**MULTI_LABEL),
        "bert.",
        ("f32",),
    ),
    Family("GPT-2 LM", "GPT2LMHeadModel", "AutoModelForCausalLM", gpt2(), "transformer.", (*PLAIN, "no prefix")),
    Family(
        "GPT-2 classification",
        "GPT2ForSequenceClassification",
        "AutoModelForSequenceClassification",
        gpt2(num_labels=4),
        "transformer.",
        (*PLAIN, "no prefix"),
    ),
    Family("T5 v1.0", "T5ForConditionalGeneration", "AutoModelForSeq2SeqLM", t5(), None, PLAIN),
    Family(
        "T5 v1.1",
        "T5ForConditionalGeneration",
        "AutoModelForSeq2SeqLM",
        t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
        None,
        PLAIN,
    ),
    Family(
        "BART", "BartForConditionalGeneration", "AutoModelForSeq2SeqLM", bart, "model.", (*PLAIN, "no prefix")
    ),
]


def random_model(family, seed, variant):
    """A model with random weights in every tensor of its file, rounded to the file's type, in f32."""
    rng = random.Random(f"{family.name} {seed}")
    cls = getattr(transformers, family.cls)
    config = cls.config_class(**family.config(rng))
    config._attn_implementation = "eager"
    model = cls(config).eval()
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    with torch.no_grad():
        # The rows of padding ids too, and BART's bias of the logits, which is a buffer.
        for name, tensor in model.state_dict().items():
            noise = torch.randn(tensor.shape, generator=generator)
            norm = name.endswith("weight") and tensor.ndim == 1
            values = 1 + 0.2 * noise if norm else (0.1 if tensor.ndim == 1 else 0.3) * noise
            tensor.copy_(values.to(DTYPES.get(variant, torch.float32)))
    return model, inputs(config, rng)


def inputs(config, rng):
    """Three rows of different length; padding on the right."""
    limit = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", 15)
    lengths = [rng.randrange(2, min(limit, 15) + 1) for _ in range(3)]
    time, special = max(lengths), 4
    row = lambda length: [rng.randrange(special, config.vocab_size) for _ in range(length)]
    batch = {
        "input_ids": [row(length) + [config.pad_token_id] * (time - length) for length in lengths],
        "attention_mask": [[int(t < length) for t in range(time)] for length in lengths],
    }
    if hasattr(config, "type_vocab_size"):
        types = lambda length: sorted(rng.randrange(config.type_vocab_size) for _ in range(length))
        batch["token_type_ids"] = [types(length) + [0] * (time - length) for length in lengths]
    if config.is_encoder_decoder:
        time = rng.randrange(1, 15)
        batch["decoder_input_ids"] = [[config.decoder_start_token_id] + row(time - 1) for _ in lengths]
    return batch


def logits(model, batch):
    with torch.no_grad():
        outputs = model(**{name: torch.tensor(rows) for name, rows in batch.items()})
    return {name: value for name, value in outputs.items() if name.endswith("logits")}


def write(model, family, variant, folder):
    """Writes the model's directory in one of the forms that files come in."""
    dtype = DTYPES.get(variant, torch.float32)
    copy = type(model)(model.config)
    copy.load_state_dict(model.state_dict())
    copy.to(dtype).save_pretrained(folder, max_shard_size="2KB" if variant == "sharded" else "5GB")
    folder = pathlib.Path(folder)
    if variant == "sharded" and not (folder / "model.safetensors.index.json").is_file():
        raise ValueError(f"{family.name}: the checkpoint is too small to be sharded")
    if variant in ("legacy names", "no prefix"):
        file = folder / "model.safetensors"
        tensors = {rename(name, family, variant): tensor for name, tensor in load_file(file).items()}
        if variant == "no prefix" and "wte.weight" in tensors:
            # The masks that old versions saved, as the file of `gpt2` on the hub has them.
            for layer in range(model.config.n_layer):
                size = model.config.n_positions
                tensors[f"h.{layer}.attn.bias"] = torch.ones(size, size).tril()[None, None]
                tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
        save_file(tensors, file, {"format": "pt"})


def rename(name, family, variant):
    if variant == "no prefix":
        return name.removeprefix(family.prefix)
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def read(folder):
    """All tensors of a directory, sharded or not, and the file that each is in."""
    folder = pathlib.Path(folder)
    index = folder / "model.safetensors.index.json"
    files = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.is_file() else ["model.safetensors"]
    return {name: (tensor, folder / file) for file in files for name, tensor in load_file(folder / file).items()}


def perturb(folder, token):
    """Moves one weight: the first of a token's embedding."""
    names = ("word_embeddings.weight", "wte.weight", "shared.weight")
    name, file = next((name, file) for name, (_, file) in read(folder).items() if name.endswith(names))
    tensors = load_file(file)
    tensors[name][token, 0] += 0.5
    save_file(tensors, file, {"format": "pt"})
