"""Feature maps and prediction heads of SSD.

Shape legend: B images, A anchors of all maps, n anchors per cell, C classes and background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from detforge.backbones.layers import batch_norm, conv
from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# (1x1 filters, 3x3 filters) of each extra block; block 0 keeps the resolution, the others
# halve it. A set without block 0 predicts from the backbone's last map itself.
_EXTRAS = {
    "mid": {0: (256, 256), 1: (128, 256), 2: (64, 128), 3: (64, 128), 4: (64, 128)},
    "small": {1: (64, 128), 2: (64, 128), 3: (64, 128), 4: (64, 128)},
}

# backbone -> (first predicting map, map the extras start from, set of extras)
_TAPS = {
    ("resnet", 10): ("block_2", "block_4", "small"),
    ("resnet", 18): ("block_2", "block_4", "mid"),
}


def feature_maps(
    backbone_maps: Mapping[str, Any], arch: str, depth: int, *, block: str
) -> list[Any]:
    """Return the six maps that predict, largest first.

    At a 300 x 300 input their sides are 38, 19, 10, 5, 3 and 2.

    Args:
        backbone_maps: named outputs of the backbone.
        arch: backbone family.
        depth: backbone depth.
        block: name of the message in the spec.

    Raises:
        SpecError: a backbone whose feature maps SSD does not know.
    """
    if (arch, depth) not in _TAPS:
        raise SpecError(Problem(f"{block}.arch", f"SSD does not know the maps of {arch} {depth}"))
    first, last, extras = _TAPS[arch, depth]
    x = backbone_maps[last]
    maps = [backbone_maps[first]]
    if 0 not in _EXTRAS[extras]:
        maps.append(x)
    for number, (squeeze, filters) in _EXTRAS[extras].items():
        stride = 1 if number == 0 else 2
        x = _extra_block(x, squeeze, filters, stride, f"ssd_expand_block_{number}")
        maps.append(x)
    return maps


def _extra_block(x: Any, squeeze: int, filters: int, stride: int, name: str) -> Any:
    x = conv(x, squeeze, 1, f"{name}_conv_0", use_bias=True, initializer="glorot_uniform")
    x = keras.layers.ReLU(name=f"{name}_relu_0")(x)
    x = conv(x, filters, 3, f"{name}_conv_1", stride=stride, initializer="glorot_uniform")
    return keras.layers.ReLU(name=f"{name}_relu_1")(batch_norm(x, f"{name}_bn_1"))


def heads(maps: Sequence[Any], anchors_per_cell: Sequence[int], channels: int) -> tuple[Any, Any]:
    """Return class logits (B, A, C) and box deltas (B, A, 4) over all maps.

    Within a map anchors run row by row, then column, then anchor of the cell.

    Args:
        maps: Keras tensors (B, h, w, filters).
        anchors_per_cell: n of each map.
        channels: C, background included.
    """
    logits, deltas = [], []
    for k, (x, n) in enumerate(zip(maps, anchors_per_cell, strict=True)):
        logits.append(_head(x, n, channels, f"ssd_conf_{k}"))
        deltas.append(_head(x, n, 4, f"ssd_loc_{k}"))
    join = keras.layers.Concatenate
    return join(axis=1, name="mbox_conf")(logits), join(axis=1, name="mbox_loc")(deltas)


def _head(x: Any, n: int, channels: int, name: str) -> Any:
    x = conv(x, n * channels, 3, name, use_bias=True)
    # float32 under mixed precision: losses and box decoding need the digits.
    return keras.layers.Reshape((-1, channels), dtype="float32", name=f"{name}_reshape")(x)
