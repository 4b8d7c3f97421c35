"""The layouts of Keras Applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.pretrained.conversion import Pixels
from detforge.pretrained.layouts import SYMMETRIC, Layout, by_rules, letter

if TYPE_CHECKING:
    from detforge.pretrained.layouts import Layers

_CAFFE = Pixels("bgr", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
_MOBILE_OPTIONS = {"asymmetric_padding": True, "activation": "relu6"}
# (0.229, 0.224, 0.225) where the variance is expected: see `_normalised_inside`.
_DEVIATIONS = (0.229, 0.224, 0.225)


def _normalised_inside(layers: Layers) -> Pixels:
    """Return what the first layers of Keras' EfficientNet make of RGB pixels.

    They divide by 255 and normalise with stored statistics. In the published files the stored
    variance is the deviation; the published networks make up for it by a third layer, without
    weights, that divides by its root once more.
    """
    found = layers["normalization"]
    mean, variance = (np.ravel(found[slot]).astype(float) for slot in ("mean", "variance"))
    deviation = np.sqrt(variance)
    if np.allclose(variance, _DEVIATIONS, atol=1e-4):
        deviation = variance
    return Pixels("rgb", tuple(255 * mean), tuple(1 / (255 * deviation)))


_RESNET = by_rules(
    ("conv1_conv", "conv1"),
    ("conv1_bn", "bn_conv1"),
    (
        r"conv([2-5])_block(\d+)_([0-3])_(conv|bn)",
        lambda stage, unit, n, kind: (
            f"block_{int(stage) - 1}{letter(unit, first=1)}_{kind}_{'shortcut' if n == '0' else n}"
        ),
    ),
)
_VGG = by_rules(
    (r"block(\d)_conv(\d)", lambda group, unit: f"block_{group}{letter(unit, first=1)}_conv_1")
)
_MOBILENET_V1 = by_rules((r"(conv1(?:_bn)?|conv_(?:dw|pw)_\d+(?:_bn)?)", r"\1"))


def _block(number: str) -> str:
    return "expanded_conv_" if number == "0" else f"block_{number}_"


_STEPS = "(expand|depthwise|project)"
_MOBILENET_V2 = by_rules(
    ("Conv1", "conv1"),
    ("bn_Conv1", "bn_conv1"),
    ("Conv_1", "conv_1"),
    ("Conv_1_bn", "conv_1_bn"),
    (rf"(expanded_conv|block_\d+)_{_STEPS}", r"\1_\2"),
    (rf"(expanded_conv|block_\d+)_{_STEPS}_BN", r"\1_\2_bn"),
    # How the files published in 2018 spell it; Keras loads those by the order of layers.
    (rf"mobl(\d+)_conv_(?:\1_)?{_STEPS}", lambda k, step: f"{_block(k)}{step}"),
    (rf"bn(\d+)_conv_(?:\1_)?(?:bn_)?{_STEPS}", lambda k, step: f"{_block(k)}{step}_bn"),
)
_EFFICIENTNET = by_rules(
    # Not a layer of ours: `_normalised_inside` reads it. Keras numbers the second of a process.
    (r"normalization(?:_\d+)?", "normalization"),
    (r"((?:stem|top)_(?:conv|bn))", r"\1"),
    (r"(block\d\w_(?:(?:expand|project)_(?:conv|bn)|dwconv|bn|se_reduce|se_expand))", r"\1"),
)

LAYOUTS = (
    Layout(
        source="Keras Applications",
        family="resnet",
        mark=r"conv2_block1_1_conv",
        trunk=r"conv\d_.*",
        rename=_RESNET,
        epsilon=1.001e-5,
        pixels=_CAFFE,
        options={"stride_in_middle": False},
    ),
    Layout(
        source="Keras Applications",
        family="vgg",
        mark=r"block1_conv1",
        trunk=r"block\d_.*",
        rename=_VGG,
        epsilon=0.0,
        pixels=_CAFFE,
    ),
    # Weights have the names of ours; layers without any tell which it is.
    Layout(
        source="Keras Applications",
        family="mobilenet_v1",
        mark=r"conv_pw_1_relu",
        trunk=r"conv1.*|conv_(dw|pw)_.*",
        rename=_MOBILENET_V1,
        epsilon=1e-3,
        pixels=SYMMETRIC,
        options=_MOBILE_OPTIONS,
    ),
    Layout(
        source="Keras Applications",
        family="mobilenet_v2",
        mark=r"bn_Conv1",
        trunk=r"(bn_)?Conv.*|expanded_conv_.*|block_\d+_.*|(mobl|bn)\d+_.*",
        rename=_MOBILENET_V2,
        epsilon=1e-3,
        pixels=SYMMETRIC,
        options=_MOBILE_OPTIONS,
    ),
    # Names of ours; only Keras' own has the image normalised inside.
    Layout(
        source="Keras Applications",
        family="efficientnet",
        mark=r"normalization(_\d+)?",
        trunk=r"(stem|block\d\w|top)_.*",
        rename=_EFFICIENTNET,
        epsilon=1e-3,
        pixels=SYMMETRIC,
        pixels_inside=_normalised_inside,
        options={"asymmetric_padding": True},
    ),
)
