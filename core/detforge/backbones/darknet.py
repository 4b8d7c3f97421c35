"""Darknet-19 (arXiv:1612.08242) and Darknet-53 (arXiv:1804.02767), down to stride 32.

Layer names: ``conv{n}`` and ``b{block}_conv{i}`` (Darknet-53: ``b{block}_conv{i}_{1|2}``,
``b{block}_add{i}``), each with ``_bn`` and ``_lrelu``, a name it keeps with plain ReLU.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import keras

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, conv_norm, max_pool

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions

REPEATS_53 = (1, 2, 8, 8, 4)
# Filters of each block of Darknet-19; 3x3 and 1x1 kernels take turns.
_FILTERS_19 = (
    (64,),
    (128, 64, 128),
    (256, 128, 256),
    (512, 256, 512, 256, 512),
    (1024, 512, 1024, 512, 1024),
)


def darknet_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the first convolution, and blocks 1 to 5, each of half the resolution."""
    layer = partial(_layer, options=options)
    block = partial(_block_19 if depth == 19 else _block_53, layer=layer)
    halving = 4 if options.max_stride == 16 else 5
    return {
        0: partial(layer, filters=32, kernel=3, name="conv1"),
        **{
            number: partial(block, number=number, halves=number <= halving)
            for number in range(1, 6)
        },
    }


def _block_19(x: Any, number: int, layer: Any, *, halves: bool) -> Any:
    if halves:
        x = max_pool(x, 2, f"maxpool_{number}")
    for i, filters in enumerate(_FILTERS_19[number - 1], 1):
        x = layer(x, filters=filters, kernel=3 if i % 2 else 1, name=f"b{number}_conv{i}")
    return x


def _block_53(x: Any, number: int, layer: Any, *, halves: bool) -> Any:
    filters = 32 * 2**number
    x = layer(x, filters=filters, kernel=3, name=f"conv{number + 1}", stride=2 if halves else 1)
    for i in range(1, REPEATS_53[number - 1] + 1):
        y = layer(x, filters=filters // 2, kernel=1, name=f"b{number}_conv{i}_1")
        y = layer(y, filters=filters, kernel=3, name=f"b{number}_conv{i}_2")
        x = keras.layers.Add(name=f"b{number}_add{i}")([x, y])
    return x


def _layer(
    x: Any, filters: int, kernel: int, name: str, options: BackboneOptions, stride: int = 1
) -> Any:
    x = conv_norm(x, filters, kernel, name, options, norm=f"{name}_bn", stride=stride)
    return activation(x, options.activation, f"{name}_lrelu")


FAMILIES = {
    "darknet": Family(
        blocks=darknet_blocks,
        depths=(19, 53),
        options=frozenset({"use_bias", "use_batch_norm", "activation", "max_stride"}),
        activations=("relu", "leaky_relu"),
    )
}
