"""ResNet (arXiv:1512.03385) as detectors use it here: no pooling, total stride 16.

The stem's max-pool is replaced by stride 2 in the first stage and the last stage keeps its
resolution, so stages have strides 2, 2, 2, 1. Every shortcut is a 1x1 convolution with batch
normalisation, identity ones too, so that each residual branch can be pruned.

Layer names: ``conv1``, then ``block_{stage}{unit}_conv_{n}``, ``_bn_{n}``, ``_relu_{n}``,
``_conv_shortcut``, ``_bn_shortcut``, ``_relu``.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import keras

from detforge.backbones import Backbone
from detforge.backbones.layers import batch_norm, conv

UNITS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2)}
WIDTHS = (64, 128, 256, 512)
STRIDES = (2, 2, 2, 1)


def build_resnet(images: Any, depth: int) -> dict[str, Any]:
    """Return the output of each stage, ``"block_1"`` to ``"block_4"``.

    Strides to the image are 4, 8, 16, 16; channels 64, 128, 256, 512.

    Args:
        images: Keras tensor (B, H, W, C).
        depth: 10 or 18.
    """
    x = conv(images, 64, 7, "conv1", stride=2)
    x = keras.layers.ReLU(name="conv1_relu")(batch_norm(x, "bn_conv1"))
    maps = {}
    for stage, units in enumerate(UNITS[depth], 1):
        for unit in range(units):
            stride = STRIDES[stage - 1] if unit == 0 else 1
            name = f"block_{stage}{ascii_lowercase[unit]}"
            x = _basic_unit(x, WIDTHS[stage - 1], stride, name)
        maps[f"block_{stage}"] = x
    return maps


def _basic_unit(x: Any, width: int, stride: int, name: str) -> Any:
    y = conv(x, width, 3, f"{name}_conv_1", stride=stride)
    y = keras.layers.ReLU(name=f"{name}_relu_1")(batch_norm(y, f"{name}_bn_1"))
    y = batch_norm(conv(y, width, 3, f"{name}_conv_2"), f"{name}_bn_2")
    shortcut = conv(x, width, 1, f"{name}_conv_shortcut", stride=stride)
    shortcut = batch_norm(shortcut, f"{name}_bn_shortcut")
    y = keras.layers.Add(name=f"{name}_add")([y, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


RESNET = Backbone(
    build=build_resnet,
    depths=tuple(UNITS),
    blocks={
        0: ("conv1", "bn_conv1"),
        1: ("block_1",),
        2: ("block_2",),
        3: ("block_3",),
        4: ("block_4",),
    },
)
