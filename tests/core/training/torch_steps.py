"""Write torch_steps.json: what PyTorch's optimisers do to two weights, step by step.

PyTorch is no dependency of the tests, so its numbers are kept. Made again by
``python tests/core/training/torch_steps.py``, in double precision.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch

GRADIENTS = [
    [[0.5, -2.0, 0.1], [3.0]],
    [[0.4, 1.0, 0.1], [-0.5]],
    [[0.01, 0.2, -0.3], [0.02]],
    [[-0.3, 0.05, 0.1], [0.01]],
    [[0.2, -0.6, 0.7], [1.5]],
]
START = [[1.0, -1.0, 0.5], [2.0]]
RATE = 0.01
TINY = 1e-12  # where the two add epsilon in different places

CASES = {
    "plain descent": ("Sgd", {"momentum": 0.0}, {}),
    "momentum": ("Sgd", {"momentum": 0.9}, {}),
    "nesterov": ("Sgd", {"momentum": 0.8, "nesterov": True}, {}),
    "decay": ("Sgd", {"momentum": 0.0, "decay": 0.3}, {}),
    "clipped": ("Sgd", {"momentum": 0.9}, {"gradient_clip_norm": 1.0}),
    "adam": ("Adam", {"epsilon": TINY}, {}),
    "adam's moments": ("Adam", {"beta_1": 0.6, "beta_2": 0.9, "epsilon": TINY}, {}),
    "amsgrad": ("Adam", {"beta_2": 0.5, "epsilon": TINY, "amsgrad": True}, {}),
    "adam's decay": ("Adam", {"epsilon": TINY, "decay": 0.3}, {}),
    "rmsprop": ("RmsProp", {"epsilon": TINY}, {}),
    "rmsprop's mean": ("RmsProp", {"rho": 0.6, "epsilon": TINY}, {}),
    "rmsprop's momentum": ("RmsProp", {"momentum": 0.7, "epsilon": TINY}, {}),
    "centered": ("RmsProp", {"centered": True, "epsilon": TINY}, {}),
}


def weights_after(kind, settings, limits):
    """Return the weights after each step."""
    weights = [torch.tensor(start, dtype=torch.float64, requires_grad=True) for start in START]
    settings = dict(settings)
    decay = settings.pop("decay", 0.0)
    if kind == "Adam":
        betas = settings.pop("beta_1", 0.9), settings.pop("beta_2", 0.999)
        optimizer = torch.optim.Adam(weights, RATE, betas, settings.pop("epsilon"), **settings)
    elif kind == "RmsProp":
        rho, epsilon = settings.pop("rho", 0.9), settings.pop("epsilon")
        optimizer = torch.optim.RMSprop(weights, RATE, rho, epsilon, **settings)
    else:
        optimizer = torch.optim.SGD(weights, RATE, **settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 1 / (1 + decay * n))
    found = []
    for gradients in GRADIENTS:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient, dtype=torch.float64)
        if limits:
            torch.nn.utils.clip_grad_norm_(weights, limits["gradient_clip_norm"])
        optimizer.step()
        schedule.step()
        found.append([weight.tolist() for weight in weights])
    return found


def one_step_with_epsilon(kind, epsilon):
    """Return the single weight after one step, PyTorch's epsilon moved to where Keras has it."""
    weight = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    weight.grad = torch.tensor([0.5], dtype=torch.float64)
    if kind == "Adam":
        moved = epsilon / math.sqrt(1 - 0.999)
        optimizer = torch.optim.Adam([weight], RATE, eps=moved)
    else:
        mean = 0.1 * 0.5**2
        moved = math.sqrt(mean + epsilon) - math.sqrt(mean)
        optimizer = torch.optim.RMSprop([weight], RATE, alpha=0.9, eps=moved)
    optimizer.step()
    return weight.item()


def main():
    cases = {
        name: {"kind": kind, "settings": settings, "limits": limits, "weights": found}
        for name, (kind, settings, limits) in CASES.items()
        for found in [weights_after(kind, settings, limits)]
    }
    document = {
        "torch": torch.__version__,
        "rate": RATE,
        "start": START,
        "gradients": GRADIENTS,
        "cases": cases,
        "epsilon": {kind: one_step_with_epsilon(kind, 0.01) for kind in ("Adam", "RmsProp")},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
