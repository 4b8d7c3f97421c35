"""What our own layer names say: which layers belong together, which network they are of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detforge.pretrained.layouts import Layers

# Family -> expressions of convolutions, and what the normalisation behind them is called.
_NORMS = {
    "resnet": ((r"conv1", r"bn_conv1"), (r"(block_\d.)_conv_(\w+)", r"\1_bn_\2")),
    "vgg": ((r"(block_\d.)_conv_1", r"\1_bn_1"),),
    "darknet": ((r"(.*conv.*)", r"\1_bn"),),
    "googlenet": ((r"(conv\d.*)", r"bn_\1"), (r"(inception_.*)", r"\1_bn")),
    "mobilenet_v1": ((r"(conv.*)", r"\1_bn"),),
    "mobilenet_v2": (
        (r"conv1", r"bn_conv1"),
        (r"(.*_1|.*_(?:expand|depthwise|project))", r"\1_bn"),
    ),
    "squeezenet": (),
    "efficientnet": (
        (r"(block\d._)dwconv", r"\1bn"),
        (r"(stem_|top_|block\d._(?:expand|project)_)conv", r"\1bn"),
    ),
}
# A layer that tells members of a family by a width that we have not: kernel as in ours.
_KERNELS = {
    "resnet": ("block_1a_conv_2", (3, 3, 64, 64)),
    "vgg": ("block_1b_conv_1", (3, 3, 64, 64)),
    "darknet": ("conv2", (3, 3, 32, 64)),
    "googlenet": ("inception_3a_1x1", (1, 1, 192, 64)),
    "mobilenet_v1": ("conv_pw_1", (1, 1, 32, 64)),
    "mobilenet_v2": ("block_1_project", (1, 1, 96, 24)),
    "squeezenet": ("fire2_squeeze_conv", (1, 1, 96, 16)),
}
FIRST = {"vgg": "block_1a_conv_1", "efficientnet": "stem_conv"}
"""Family -> its first convolution, where that is not conv1."""


def family_of(arch: str) -> str:
    """Return the family of a backbone: versions of EfficientNet are one."""
    return "efficientnet" if arch.startswith("efficientnet_") else arch


def norm_behind(family: str, conv: str) -> str:
    """Return the batch normalisation behind a convolution, '' where there never is one."""
    for pattern, norm in _NORMS[family]:
        if match := re.fullmatch(pattern, conv):
            return match.expand(norm)
    return ""


def is_depthwise(layer: str) -> bool:
    """Return whether a layer is a depthwise convolution."""
    return re.search(r"conv_dw_\d+$|_depthwise$|_dwconv$", layer) is not None


def member(family: str, layers: Layers) -> tuple[str, int] | None:
    """Return (arch, depth) of the network that layers with our names make up.

    Returns:
        None when it is of a depth or width that we do not have.
    """
    layer, shape = _KERNELS.get(family, ("", ()))
    if layer in layers and _shape(layers, layer) != shape:
        return None
    if family == "efficientnet":
        return _efficientnet(layers)
    depths = {"resnet": _resnet, "vgg": _vgg, "darknet": _darknet}
    depth = depths[family](layers) if family in depths else 0
    return None if depth is None else (family, depth)


def _resnet(layers: Layers) -> int | None:
    from detforge.backbones.resnet import BOTTLENECKS, UNITS

    units = _units(layers, r"block_([1-4])(.)_conv_1")
    bottleneck = any(name.endswith("_conv_3") for name in layers)
    depths = [d for d, n in UNITS.items() if n == units and (d in BOTTLENECKS) == bottleneck]
    return depths[0] if depths else None


def _vgg(layers: Layers) -> int | None:
    from detforge.backbones.vgg import UNITS

    units = _units(layers, r"block_([1-5])(.)_conv_1")
    return next((depth for depth, n in UNITS.items() if n == units), None)


def _darknet(layers: Layers) -> int | None:
    from detforge.backbones.darknet import REPEATS_53

    return 53 if _units(layers, r"b([1-5])_conv(\d+)_1") == REPEATS_53 else None


def _efficientnet(layers: Layers) -> tuple[str, int] | None:
    from detforge.backbones.efficientnet import scaled_stages

    units = _units(layers, r"block([1-7])(.)_project_conv")
    filters = [_shape(layers, f"block{s}a_project_conv")[3] for s in range(1, 8)]
    for version in range(8):
        stages = scaled_stages(version)
        if units == tuple(s.repeats for s in stages) and filters == [s.filters for s in stages]:
            return f"efficientnet_b{version}", 0
    return None


def _units(layers: Layers, pattern: str) -> tuple[int, ...]:
    """Return the number of units of each stage; groups of the expression: stage, unit."""
    found = {match.groups() for name in layers if (match := re.fullmatch(pattern, name))}
    stages = [stage for stage, _ in found]
    return tuple(stages.count(stage) for stage in sorted(set(stages)))


def _shape(layers: Layers, name: str) -> tuple[int, ...]:
    """Return the shape of a kernel, zeros where there is none."""
    kernel = layers.get(name, {}).get("kernel")
    return (0, 0, 0, 0) if kernel is None else kernel.shape
