"""DSSD's way back from small feature maps to large ones.

DSSD, section 3.2 (arXiv:1701.06659). Shape legend: B images, h x w a map, C its channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from detforge.backbones.layers import batch_norm, conv

if TYPE_CHECKING:
    from collections.abc import Sequence

# Backbones whose first predicting map is brought to another number of channels first.
_FIRST_MAP_CHANNELS = {
    ("resnet", 10): 256,
    ("mobilenet_v1", 0): 256,
    ("mobilenet_v2", 0): 256,
    ("squeezenet", 0): 256,
}

# Rows wanted less rows after upsampling -> (padding on both sides, kernel) that brings the one
# to the other. Maps halve by rounding up or down, so that nothing else occurs.
_CORRECTIONS = {0: (1, 3), -1: (0, 2), 1: (1, 2)}


def deconvolve(maps: Sequence[Any], arch: str, depth: int) -> list[Any]:
    """Return maps of the same sizes that also know what all smaller ones know.

    The smallest map stays as it is. Modules count from 0 at the second smallest.

    Args:
        maps: Keras tensors (B, h, w, C), largest first, each about half as large as the one
            before.
        arch: backbone family.
        depth: backbone depth.
    """
    first, *others = maps
    if channels := _FIRST_MAP_CHANNELS.get((arch, depth)):
        first = conv(first, channels, 1, "ssd_shrink_block_0", initializer="glorot_uniform")
    results = [maps[-1]]
    for index, large in enumerate(reversed([first, *others[:-1]])):
        results.append(_deconvolution_module(results[-1], large, index))
    return results[::-1]


def _deconvolution_module(small: Any, large: Any, index: int) -> Any:
    """Return the product of a map and the next smaller one, enlarged; (B, h, w, C) as `large`."""
    height, width, channels = large.shape[1:]
    x = _conv_bn(large, channels, 0, index)
    x = keras.layers.ReLU(name=f"dssd_large_relu_0_block_{index}")(x)
    x = _conv_bn(x, channels, 1, index)
    y = keras.layers.Conv2DTranspose(
        channels, 2, strides=2, use_bias=False, name=f"dssd_small_deconv_block_{index}"
    )(small)
    pad_y, kernel_y = _CORRECTIONS[height - y.shape[1]]
    pad_x, kernel_x = _CORRECTIONS[width - y.shape[2]]
    if pad_y or pad_x:
        y = keras.layers.ZeroPadding2D((pad_y, pad_x), name=f"dssd_pad_{index}")(y)
    y = keras.layers.Conv2D(
        channels,
        (kernel_y, kernel_x),
        use_bias=False,
        name=f"dssd_small_conv_block_{index}",
    )(y)
    # A factor of 1 at first, so that the graph starts as SSD's. Products of products of unit
    # spread have tails so long that nothing is learnt from random weights.
    y = batch_norm(y, f"dssd_small_bn_block_{index}", gamma="zeros", beta="ones")
    x = keras.layers.Multiply(name=f"dssd_mul_block_{index}")([x, y])
    return keras.layers.ReLU(name=f"dssd_relu_block_{index}")(x)


def _conv_bn(x: Any, channels: int, number: int, index: int) -> Any:
    name = f"dssd_large_conv_{number}_block_{index}"
    x = conv(x, channels, 3, name, initializer="glorot_uniform")
    return batch_norm(x, f"dssd_large_bn_{number}_block_{index}")
