"""Exchanges checkpoints with transformers in both directions.

    python tests/reference/round_trip.py --program target/debug/trainyard
    python tests/reference/round_trip.py --self-check

For every family, several seeds and every form that files come in: transformers writes a small random checkpoint of odd
sizes; `trainyard logits` must give its logits within 1e-4; `trainyard convert` must write a directory that
`from_pretrained` opens with nothing missing or unexpected, with the same weights bit for bit and the same logits within
1e-4. The first family that fails ends the run with exit code 1.

`--perturb` moves one weight behind the program's back: the run must fail. `--self-check` runs the whole without the
program, with transformers in its place, and sees to it that a moved weight and a wrong bit fail in every family.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch
import transformers
from safetensors.torch import load_file, save_file

import checkpoints

GATE = 1e-4
SEEDS = (1, 2, 3)


class Failure(Exception):
    """What differed."""


class Program:
    """The command line."""

    def __init__(self, path):
        self.path = path

    def run(self, *words):
        done = subprocess.run([self.path, *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"`trainyard {words[0]}` ended with {done.returncode}: {done.stderr.strip()}")

    def logits(self, family, model, batch, out):
        self.run("logits", "--model", model, "--input", batch, "--out", out)

    def convert(self, family, model, out):
        self.run("convert", "--model", model, "--out", out)


class Mirror:
    """transformers in the program's place; understands the same files."""

    def load(self, family, folder):
        cls = getattr(transformers, family.cls)
        model = cls(cls.config_class.from_pretrained(folder)).eval()
        plain = lambda name: name.removeprefix(family.prefix or "").replace("gamma", "weight").replace("beta", "bias")
        found = {plain(name): tensor for name, (tensor, _) in checkpoints.read(folder).items()}
        with torch.no_grad():
            for name, parameter in model.state_dict().items():
                if plain(name) in found:
                    parameter.copy_(found[plain(name)])
        model.tie_weights()
        return model

    def logits(self, family, model, batch, out):
        batch = json.loads(pathlib.Path(batch).read_text())
        found = checkpoints.logits(self.load(family, model), batch)
        entry = lambda tensor: {"shape": list(tensor.shape), "data": tensor.flatten().tolist()}
        pathlib.Path(out).write_text(json.dumps({name: entry(tensor) for name, tensor in found.items()}))

    def convert(self, family, model, out):
        self.load(family, model).save_pretrained(out)


class OneBitOff(Mirror):
    """A converter that changes the last bit of one number: too little for any logit."""

    def convert(self, family, model, out):
        super().convert(family, model, out)
        file = pathlib.Path(out) / "model.safetensors"
        tensors = load_file(file)
        tensors[min(tensors)].view(torch.int32).view(-1)[0] ^= 1
        save_file(tensors, file, {"format": "pt"})


def distance(found, expected, what):
    """The largest difference of two dictionaries of logits; raises unless it lies within the gate."""
    if found.keys() != expected.keys():
        raise Failure(f"{what}: {sorted(found)} instead of {sorted(expected)}")
    largest = 0.0
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise Failure(f"{what}: {name} has shape {list(found[name].shape)} instead of {list(tensor.shape)}")
        error = (found[name] - tensor).abs().max().item()
        if not error <= GATE:
            raise Failure(f"{what}: {name} is off by {error:.2e}, gate {GATE:.0e}")
        largest = max(largest, error)
    return largest


def read_logits(path):
    entries = json.loads(path.read_text())
    return {name: torch.tensor(e["data"], dtype=torch.float32).reshape(e["shape"]) for name, e in entries.items()}


def same_weights(model, expected):
    """The number of tensors, if all have the same bits."""
    found, expected = model.state_dict(), expected.state_dict()
    if found.keys() != expected.keys():
        raise Failure(f"tensors differ: {sorted(found.keys() ^ expected.keys())}")
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape or not torch.equal(found[name].view(torch.int32), tensor.view(torch.int32)):
            raise Failure(f"the converted {name} has other bits")
    return len(expected)


def round_trip(tool, family, seed, variant, perturb, folder):
    """One checkpoint there and back; returns the columns of the table."""
    model, batch = checkpoints.random_model(family, seed, variant)
    expected = checkpoints.logits(model, batch)
    there, back = str(folder / "there"), str(folder / "back")
    checkpoints.write(model, family, variant, there)
    if perturb:
        checkpoints.perturb(there, batch["input_ids"][0][0])
    (folder / "input.json").write_text(json.dumps(batch))
    tool.logits(family, there, str(folder / "input.json"), str(folder / "logits.json"))
    read = distance(read_logits(folder / "logits.json"), expected, "logits")
    tool.convert(family, there, back)
    auto = getattr(transformers, family.auto)
    opened, report = auto.from_pretrained(back, output_loading_info=True, torch_dtype=torch.float32)
    if type(opened).__name__ != family.cls:
        raise Failure(f"transformers opens the converted checkpoint as {type(opened).__name__}")
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if report[kind]:
            raise Failure(f"transformers finds {kind.replace('_', ' ')}: {report[kind]}")
    written = distance(checkpoints.logits(opened.eval(), batch), expected, "logits of the converted checkpoint")
    return read, same_weights(opened, model), written


def run_family(tool, family, perturb=False, show=True):
    """Every seed and form of a family; what failed first, or none."""
    for seed in SEEDS:
        for variant in family.variants:
            failure = None
            with tempfile.TemporaryDirectory() as folder:
                try:
                    read, tensors, written = round_trip(tool, family, seed, variant, perturb, pathlib.Path(folder))
                    line = f"pass  {read:8.1e}  {tensors:7}  {written:9.1e}"
                except Failure as caught:
                    failure = str(caught)
                    line = f"FAIL  {failure}"
            if show:
                print(f"{family.name:21}  {seed:4}  {variant:12}  {line}", flush=True)
            if failure:
                return failure
    return None


def self_check():
    """transformers agrees with itself; a moved weight and a single wrong bit are noticed in every family."""
    for family in checkpoints.FAMILIES:
        if run_family(Mirror(), family):
            return False
        moved = run_family(Mirror(), family, perturb=True, show=False) or ""
        wrong_bit = run_family(OneBitOff(), family, show=False) or ""
        if not moved.startswith("logits: "):
            print(f"FAIL  a moved weight of {family.name} is not noticed in the logits: {moved}")
            return False
        if "other bits" not in wrong_bit:
            print(f"FAIL  a wrong bit of {family.name} is not noticed: {wrong_bit}")
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--program", metavar="PATH", help="the command line to exchange checkpoints with")
    what.add_argument("--self-check", action="store_true", help="check this script, without the command line")
    parser.add_argument("--perturb", action="store_true", help="move one weight: the run must fail")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    print(f"{'family':21}  seed  {'form':12}  {'':4}  {'read':>8}  tensors  {'converted':>9}")
    if arguments.self_check:
        passed = self_check()
    else:
        tool = Program(arguments.program)
        passed = all(run_family(tool, family, arguments.perturb) is None for family in checkpoints.FAMILIES)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
