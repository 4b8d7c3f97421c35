"""Feature maps and prediction heads of SSD.

Shape legend: B images, A anchors of all maps, n anchors per cell, C classes and background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from detforge.backbones.layers import batch_norm, conv
from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.backbones.features import Features

# (1x1 filters, 3x3 filters) of each extra block; block 0 keeps the resolution, the others
# halve it.
_EXTRAS = {
    "large": ((512, 512), (256, 512), (128, 256), (128, 256), (128, 256)),
    "mid": ((256, 256), (128, 256), (64, 128), (64, 128), (64, 128)),
    "small": (None, (64, 128), (64, 128), (64, 128), (64, 128)),
}


class _Taps(NamedTuple):
    """Where predictions come from.

    Attributes:
        layers: of the backbone, whose maps predict.
        extras: set of extra blocks, which start from the backbone's last map. A set without
            block 0 predicts from that map itself.
    """

    layers: tuple[str, ...]
    extras: str


_TAPS = {
    ("resnet", 10): _Taps(("block_2a_relu",), "small"),
    ("resnet", 18): _Taps(("block_2b_relu",), "mid"),
    ("resnet", 34): _Taps(("block_2d_relu",), "mid"),
    ("resnet", 50): _Taps(("block_2d_relu",), "large"),
    ("resnet", 101): _Taps(("block_2d_relu",), "large"),
    ("vgg", 16): _Taps(("block_4c_relu",), "large"),
    ("vgg", 19): _Taps(("block_4d_relu",), "large"),
    ("darknet", 19): _Taps(("b3_conv3_lrelu", "b4_conv5_lrelu"), "mid"),
    ("darknet", 53): _Taps(("b3_add8", "b4_add8"), "large"),
    ("googlenet", 0): _Taps(("inception_3b_output",), "large"),
    ("mobilenet_v1", 0): _Taps(("conv_pw_relu_5",), "small"),
    ("mobilenet_v2", 0): _Taps(("re_lu_7",), "small"),
    ("squeezenet", 0): _Taps(("fire8",), "small"),
    ("efficientnet_b0", 0): _Taps(
        ("block4a_expand_activation", "block6a_expand_activation"), "large"
    ),
}
_MAPS = 6


def feature_maps(backbone: Features, arch: str, depth: int, *, block: str) -> list[Any]:
    """Return the six maps that predict, largest first.

    At a 300 x 300 input their sides are 38, 19, 10, 5, 3 and 2 (of GoogLeNet and Darknet-19 37,
    18, 9, 5, 3 and 2).

    Args:
        backbone: in the graph.
        arch: its family.
        depth: its depth.
        block: name of the message in the spec.

    Raises:
        SpecError: a backbone whose feature maps SSD does not know.
    """
    if (arch, depth) not in _TAPS:
        raise SpecError(Problem(f"{block}.arch", f"SSD does not know the maps of {arch} {depth}"))
    taps = _TAPS[arch, depth]
    maps, x = [backbone.tap(layer) for layer in taps.layers], backbone.output
    extras = _EXTRAS[taps.extras][: _MAPS - len(maps)]
    for number, filters in enumerate(extras):
        if filters is not None:
            x = _extra_block(x, *filters, 1 if number == 0 else 2, f"ssd_expand_block_{number}")
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
