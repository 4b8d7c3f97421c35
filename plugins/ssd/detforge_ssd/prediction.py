"""The prediction module: a residual block between a feature map and its heads.

DSSD, section 3.1, variant (c) (arXiv:1701.06659), with batch normalisation.
"""

from __future__ import annotations

from typing import Any

import keras

from detforge.backbones.layers import batch_norm, conv


def prediction_module(x: Any, channels: int, index: int) -> Any:
    """Return what the heads of a map look at, (B, h, w, channels).

    Args:
        x: Keras tensor (B, h, w, C).
        channels: of the result; a multiple of 4.
        index: number of the map, 0 the largest.
    """
    y = _conv_bn(x, channels // 4, 0, index)
    y = keras.layers.ReLU(name=f"ssd_mpred_relu_0_block_{index}")(y)
    y = _conv_bn(y, channels // 4, 1, index)
    y = keras.layers.ReLU(name=f"ssd_mpred_relu_1_block_{index}")(y)
    y = _conv_bn(y, channels, 2, index)
    shortcut = _conv_bn(x, channels, 3, index)
    y = keras.layers.Add(name=f"ssd_mpred_add_block_{index}")([y, shortcut])
    return keras.layers.ReLU(name=f"ssd_mpred_relu_3_block_{index}")(y)


def _conv_bn(x: Any, channels: int, number: int, index: int) -> Any:
    name = f"ssd_mpred_conv_{number}_block_{index}"
    x = conv(x, channels, 1, name, initializer="glorot_uniform")
    return batch_norm(x, f"ssd_mpred_bn_{number}_block_{index}")
