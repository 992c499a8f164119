"""Known answers of the optimizers: three steps of each, in double precision, as PyTorch and transformers take them.

    python tests/reference/optimizers.py > tests/fixtures/optimizers_kat.json

It needs torch 2.9 or newer, the first with Muon, and transformers 4.49; the answers name the versions that made them.

Two matrices, one taller than wide and one wider than tall, and a vector. The matrices decay, the vector does not. The
third gradient is ten times as large as the others, so that clipping has something to do. First values and gradients are
numbers of single precision, which every machine can be given exactly.

Where each rule comes from:

* AdamW, SGD: torch.optim.
* Adafactor: transformers.Adafactor without relative steps, parameter scaling and warm-up.
* Lion: no implementation in PyTorch; the formula of Chen et al. 2023, written out below.
* Muon: torch.optim.Muon for the matrices, torch.optim.AdamW for the vector. Its Newton-Schulz iteration is compiled anew
  with float64 in the place of bfloat16, whose three digits would be all that could be compared.
"""

import inspect
import json
import sys

import torch
import transformers
from torch.optim import _muon

SHAPES = {"h.0.tall.weight": (5, 3), "h.0.wide.weight": (3, 4), "h.0.bias": (4,)}
STEPS = 3
LR = 0.02
DECAY = 0.1


def newton_schulz_in_double():
    """Replaces the one place where Muon leaves the precision of its parameters."""
    source = inspect.getsource(_muon._zeropower_via_newtonschulz)
    if source.count("torch.bfloat16") != 1:
        sys.exit("torch.optim.Muon has changed: its Newton-Schulz iteration casts to bfloat16 in another way")
    scope = dict(vars(_muon))
    exec(source.replace("torch.bfloat16", "torch.float64"), scope)
    _muon._zeropower_via_newtonschulz = scope["_zeropower_via_newtonschulz"]


class Lion(torch.optim.Optimizer):
    """u = sign(b1 m + (1 - b1) g); p -= lr (u + wd p); m = b2 m + (1 - b2) g."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                u = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                p -= group["lr"] * (u + group["weight_decay"] * p)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)


def groups(params, decay):
    """Weight decay for what has two axes."""
    return [
        {"params": [p for p in params if p.ndim == 2], "weight_decay": decay},
        {"params": [p for p in params if p.ndim != 2], "weight_decay": 0.0},
    ]


def adamw(params, betas, eps, weight_decay):
    return [torch.optim.AdamW(groups(params, weight_decay), lr=LR, betas=betas, eps=eps)]


def sgd(params, momentum, weight_decay):
    return [torch.optim.SGD(groups(params, weight_decay), lr=LR, momentum=momentum)]


def adafactor(params, eps, clip_threshold, decay_rate, weight_decay):
    fixed = {"relative_step": False, "scale_parameter": False, "warmup_init": False, "beta1": None}
    constants = {"eps": (eps, 1e-3), "clip_threshold": clip_threshold, "decay_rate": decay_rate}
    return [transformers.Adafactor(groups(params, weight_decay), lr=LR, **constants, **fixed)]


def lion(params, betas, weight_decay):
    return [Lion(groups(params, weight_decay), lr=LR, betas=betas, weight_decay=weight_decay)]


def muon(params, momentum, betas, eps, weight_decay):
    matrices, rest = [p for p in params if p.ndim == 2], [p for p in params if p.ndim != 2]
    return [
        torch.optim.Muon(matrices, lr=LR, weight_decay=weight_decay, momentum=momentum),
        *adamw(rest, betas, eps, weight_decay),
    ]


BETAS = {"betas": [0.9, 0.999], "eps": 1e-8}
CASES = {
    "adamw": (adamw, None, {**BETAS, "weight_decay": DECAY}),
    "adamw_clipped": (adamw, 1.0, {**BETAS, "weight_decay": DECAY}),
    "sgd": (sgd, None, {"momentum": 0.9, "weight_decay": DECAY}),
    "sgd_plain": (sgd, 1.0, {"momentum": 0.0, "weight_decay": 0.0}),
    "adafactor": (adafactor, None, {"eps": 1e-30, "clip_threshold": 1.0, "decay_rate": -0.8, "weight_decay": DECAY}),
    "adafactor_clipped": (adafactor, 1.0, {"eps": 1e-30, "clip_threshold": 0.5, "decay_rate": -0.8, "weight_decay": 0.0}),
    "lion": (lion, None, {"betas": [0.9, 0.99], "weight_decay": DECAY}),
    "muon": (muon, None, {"momentum": 0.95, **BETAS, "weight_decay": DECAY}),
    "muon_clipped": (muon, 1.0, {"momentum": 0.9, **BETAS, "weight_decay": 0.0}),
}


def flat(tensors):
    return {key: value.detach().flatten().tolist() for key, value in tensors.items()}


def numbers(generator, shape):
    return torch.randn(shape, generator=generator, dtype=torch.float32).double()


def main():
    newton_schulz_in_double()
    generator = torch.Generator().manual_seed(20)
    first = {name: numbers(generator, shape) for name, shape in SHAPES.items()}
    gradients = [
        {name: (10.0 if step == STEPS - 1 else 1.0) * numbers(generator, shape) for name, shape in SHAPES.items()}
        for step in range(STEPS)
    ]
    cases = {}
    for name, (build, clip, constants) in CASES.items():
        params = {key: torch.nn.Parameter(value.clone()) for key, value in first.items()}
        optimizers = build(list(params.values()), **constants)
        after = []
        for gradient in gradients:
            for key, param in params.items():
                param.grad = gradient[key].clone()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(params.values(), clip)
            for optimizer in optimizers:
                optimizer.step()
            after.append(flat(params))
        cases[name] = {"rule": build.__name__, "clip": clip, **constants, "after": after}
    answers = {
        "_about": "made by tests/reference/optimizers.py, in double precision; Muon's Newton-Schulz too",
        "_versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "lr": LR,
        "shapes": {key: list(shape) for key, shape in SHAPES.items()},
        "first": flat(first),
        "gradients": [flat(gradient) for gradient in gradients],
        "cases": cases,
    }
    print(json.dumps(answers, indent=1))


main()
