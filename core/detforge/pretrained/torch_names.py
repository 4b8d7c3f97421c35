"""The layouts of torchvision's state dicts, and of timm's where they are the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from detforge.pretrained.layouts import IMAGENET, SYMMETRIC, Layout, by_rules, letter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.pretrained.layouts import Layers

_NORM_SLOTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def layers_of(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return the weights of a state dict as Keras would name and lay them out.

    Kernels (O, I, h, w) become (h, w, I, O), those of a linear layer (O, I) become (I, O); what
    else a state dict holds, such as the number of batches seen, is left out.
    """
    grouped: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        layer, _, slot = name.removeprefix("module.").rpartition(".")
        if slot in _NORM_SLOTS:
            grouped.setdefault(layer, {})[slot] = array
    return {layer: _slots(found) for layer, found in grouped.items()}


def _slots(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    weight = found.get("weight")
    if weight is None or weight.ndim == 1:
        return {_NORM_SLOTS[slot]: array for slot, array in found.items()}
    kernel = np.transpose(weight, (2, 3, 1, 0)) if weight.ndim == 4 else weight.T
    return {"kernel": kernel, **{slot: found[slot] for slot in ("bias",) if slot in found}}


def _vgg(layers: Layers) -> dict[str, str]:
    """Number the convolutions: a pool, which takes a number too, ends a group."""
    numbers = sorted(
        int(name.removeprefix("features."))
        for name, slots in layers.items()
        if name.startswith("features.") and "kernel" in slots
    )
    has_norm = any("gamma" in slots for slots in layers.values())
    step = 3 if has_norm else 2
    group, unit, found = 1, 0, {}
    for before, number in pairwise([-step, *numbers]):
        group, unit = (group + 1, 0) if number - before > step else (group, unit)
        name = f"block_{group}{letter(unit)}"
        found[f"features.{number}"] = f"{name}_conv_1"
        if has_norm:
            found[f"features.{number + 1}"] = f"{name}_bn_1"
        unit += 1
    return found


_RESNET = by_rules(
    ("conv1", "conv1"),
    ("bn1", "bn_conv1"),
    (
        r"layer([1-4])\.(\d+)\.(conv|bn)([1-3])",
        lambda stage, unit, kind, n: f"block_{stage}{letter(unit)}_{kind}_{n}",
    ),
    (
        r"layer([1-4])\.(\d+)\.downsample\.([01])",
        lambda stage, unit, n: f"block_{stage}{letter(unit)}_{('conv', 'bn')[int(n)]}_shortcut",
    ),
)


def _kind(name: str, n: str) -> str:
    """Return the name of a convolution, or of the normalisation that its module has second."""
    return name if n == "0" else f"{name}_bn"


def residual(k: int, step: str) -> str:
    """Return our name of a layer of MobileNet V2's block k."""
    return f"block_{k}_{step}" if k else f"expanded_conv_{step}"


def _residual_of_three(block: str, position: str, n: str) -> str:
    step = ("expand", "depthwise")[int(position)] if block != "1" else "depthwise"
    return _kind(residual(int(block) - 1, step), n)


_MOBILENET_V2 = by_rules(
    (r"features\.0\.([01])", lambda n: ("conv1", "bn_conv1")[int(n)]),
    (r"features\.18\.([01])", lambda n: _kind("conv_1", n)),
    # Behind convolutions that are modules with their normalisation comes one that is not.
    (r"features\.(\d+)\.conv\.([01])\.([01])", _residual_of_three),
    (r"features\.1\.conv\.([12])", lambda n: _kind("expanded_conv_project", str(int(n) - 1))),
    (
        r"features\.(\d+)\.conv\.([23])",
        lambda block, n: _kind(residual(int(block) - 1, "project"), str(int(n) - 2)),
    ),
)
EFFICIENT_STEPS = {
    "expand": "expand_conv",
    "expand_bn": "expand_bn",
    "depthwise": "dwconv",
    "depthwise_bn": "bn",
    "project": "project_conv",
    "project_bn": "project_bn",
}


def _efficient_unit(stage: str, unit: str, position: str, n: str) -> str | None:
    steps = ("depthwise", "", "project") if stage == "1" else ("expand", "depthwise", "", "project")
    step = steps[int(position)] if int(position) < len(steps) else ""
    return step and f"block{stage}{letter(unit)}_{EFFICIENT_STEPS[_kind(step, n)]}"


_EFFICIENTNET = by_rules(
    (r"features\.0\.([01])", lambda n: f"stem_{('conv', 'bn')[int(n)]}"),
    (r"features\.8\.([01])", lambda n: f"top_{('conv', 'bn')[int(n)]}"),
    (
        r"features\.([1-7])\.(\d+)\.block\.\d\.fc([12])",
        lambda stage, unit, n: f"block{stage}{letter(unit)}_se_{('reduce', 'expand')[int(n) - 1]}",
    ),
    (r"features\.([1-7])\.(\d+)\.block\.(\d)\.([01])", _efficient_unit),
)


_STEM = {"conv1": "conv1", "conv2": "conv2_reduce", "conv3": "conv2"}
_BRANCHES = {
    "branch1": "1x1",
    "branch2.0": "3x3_reduce",
    "branch2.1": "3x3",
    "branch3.0": "5x5_reduce",
    "branch3.1": "5x5",
    "branch4.1": "pool_proj",
}
_GOOGLENET = by_rules(
    (
        r"(conv[123])\.(conv|bn)",
        lambda name, kind: ("bn_" if kind == "bn" else "") + _STEM[name],
    ),
    (
        r"inception(\d\w)\.(branch1|branch[23]\.[01]|branch4\.1)\.(conv|bn)",
        lambda module, branch, kind: (
            f"inception_{module}_{_BRANCHES[branch]}" + ("_bn" if kind == "bn" else "")
        ),
    ),
)
_FIRES = {3: 2, 4: 3, 5: 4, 7: 5, 8: 6, 9: 7, 10: 8, 12: 9}


def _fire(number: str, layer: str) -> str | None:
    ours = {"squeeze": "squeeze_conv", "expand1x1": "expand_conv1x1", "expand3x3": "expand_conv3x3"}
    fire = _FIRES.get(int(number))
    return f"fire{fire}_{ours[layer]}" if fire else None


_SQUEEZENET = by_rules(
    (r"features\.0", "conv1"), (r"features\.(\d+)\.(squeeze|expand1x1|expand3x3)", _fire)
)


_RESNETS = Layout(
    source="torchvision or timm",
    family="resnet",
    mark=r"layer1\.0\.conv1",
    trunk=r"(conv|bn)1.*|layer\d\..*",
    rename=_RESNET,
    epsilon=1e-5,
    pixels=IMAGENET,
    options={"stride_in_middle": True},
)
# Of layouts with the same layers the first fits whose `file_mark` the file's name holds: timm's
# recipe "ra4" has an input of its own.
LAYOUTS = (
    replace(_RESNETS, source="timm", pixels=SYMMETRIC, file_mark=r"resnet.*[._]ra4_"),
    _RESNETS,
    Layout(
        source="torchvision or timm",
        family="vgg",
        mark=r"features\.28|features\.40",
        trunk=r"features\..*",
        rename=_vgg,
        epsilon=1e-5,
        pixels=IMAGENET,
    ),
    Layout(
        source="torchvision",
        family="mobilenet_v2",
        mark=r"features\.1\.conv\.0\.0",
        trunk=r"features\..*",
        rename=_MOBILENET_V2,
        epsilon=1e-5,
        pixels=IMAGENET,
        options={"asymmetric_padding": False, "activation": "relu6"},
    ),
    Layout(
        source="torchvision",
        family="efficientnet",
        mark=r"features\.1\.0\.block\.0\.0",
        trunk=r"features\..*",
        rename=_EFFICIENTNET,
        epsilon=1e-5,
        other_epsilons={f"efficientnet_b{version}": 1e-3 for version in (5, 6, 7)},
        pixels=IMAGENET,
        options={"asymmetric_padding": False},
    ),
    Layout(
        source="torchvision",
        family="googlenet",
        mark=r"inception3a\.branch1\.conv",
        trunk=r"conv[1-3]\..*|inception.*",
        rename=_GOOGLENET,
        epsilon=1e-3,
        pixels=SYMMETRIC,
        differences=("its pools are larger than ours",),
    ),
    Layout(
        source="torchvision",
        family="squeezenet",
        mark=r"features\.3\.squeeze",
        trunk=r"features\..*",
        rename=_SQUEEZENET,
        epsilon=0.0,
        pixels=IMAGENET,
        differences=("it pads neither the first convolution nor the pools",),
    ),
)
