"""ResNet 10 to 101 (arXiv:1512.03385), every stage beginning with a projected shortcut.

Without pooling the stem's max-pool is replaced by stride 2 in stage 1, and stage 4 keeps its
resolution: strides to the image are 4, 8, 16, 16. With it they are 4, 8, 16, 32.

Layer names: ``conv1``, then ``block_{stage}{unit}_conv_{n}``, ``_bn_{n}``, ``_relu_{n}``,
``_conv_shortcut``, ``_bn_shortcut``, ``_relu``.
"""

from __future__ import annotations

from functools import partial
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import keras

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, conv_norm, max_pool

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions

UNITS = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
}
BOTTLENECKS = (50, 101)
_WIDTHS = (64, 128, 256, 512)


def resnet_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the stem, and blocks 1 to 4, the stages."""
    deepest = options.max_stride or (32 if options.use_pooling else 16)
    strides = (1 if options.use_pooling else 2, 2, 2, deepest // 16)
    unit = _bottleneck_unit if depth in BOTTLENECKS else _basic_unit
    stages = zip(UNITS[depth], _WIDTHS, strides, strict=True)
    return {
        0: partial(_stem, options=options),
        **{
            number: partial(
                _stage,
                number=number,
                units=units,
                unit=partial(unit, width=width, options=options),
                stride=stride,
                options=options,
            )
            for number, (units, width, stride) in enumerate(stages, 1)
        },
    }


def _stem(x: Any, options: BackboneOptions) -> Any:
    x = conv_norm(x, 64, 7, "conv1", options, norm="bn_conv1", stride=2)
    x = activation(x, "relu", "conv1_relu")
    return max_pool(x, 3, "pool1") if options.use_pooling else x


def _stage(
    x: Any, number: int, units: int, unit: Any, stride: int, options: BackboneOptions
) -> Any:
    for i in range(units):
        name = f"block_{number}{ascii_lowercase[i]}"
        first = stride if i == 0 else 1
        y = unit(x, name=name, stride=first)
        shortcut = x
        if i == 0 or options.all_projections:
            shortcut = conv_norm(
                x,
                y.shape[-1],
                1,
                f"{name}_conv_shortcut",
                options,
                norm=f"{name}_bn_shortcut",
                stride=first,
            )
        y = keras.layers.Add(name=f"{name}_add")([y, shortcut])
        x = activation(y, "relu", f"{name}_relu")
    return x


def _basic_unit(x: Any, name: str, stride: int, width: int, options: BackboneOptions) -> Any:
    x = conv_norm(x, width, 3, f"{name}_conv_1", options, norm=f"{name}_bn_1", stride=stride)
    x = activation(x, "relu", f"{name}_relu_1")
    return conv_norm(x, width, 3, f"{name}_conv_2", options, norm=f"{name}_bn_2")


def _bottleneck_unit(x: Any, name: str, stride: int, width: int, options: BackboneOptions) -> Any:
    first, middle = (1, stride) if options.stride_in_middle else (stride, 1)
    x = conv_norm(x, width, 1, f"{name}_conv_1", options, norm=f"{name}_bn_1", stride=first)
    x = activation(x, "relu", f"{name}_relu_1")
    x = conv_norm(x, width, 3, f"{name}_conv_2", options, norm=f"{name}_bn_2", stride=middle)
    x = activation(x, "relu", f"{name}_relu_2")
    return conv_norm(x, 4 * width, 1, f"{name}_conv_3", options, norm=f"{name}_bn_3")


FAMILIES = {
    "resnet": Family(
        blocks=resnet_blocks,
        depths=tuple(UNITS),
        options=frozenset(
            {
                "use_bias",
                "use_batch_norm",
                "all_projections",
                "use_pooling",
                "stride_in_middle",
                "max_stride",
            }
        ),
    )
}
