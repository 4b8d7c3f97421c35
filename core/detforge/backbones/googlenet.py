"""GoogLeNet (arXiv:1409.4842) with batch normalisation and 2 x 2 pools, down to stride 16.

Layer names: ``conv1``, ``conv2_reduce``, ``conv2`` with ``bn_`` in front of the normalisation's;
``inception_{x}_1x1``, ``_3x3_reduce``, ``_3x3``, ``_5x5_reduce``, ``_5x5``, ``_pool_proj`` with
``_bn``; ``inception_{x}_output``.
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

# Filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5 and pool projection (table 1 of the paper).
_FILTERS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the stem, and blocks 1 to 9, the inception modules 3a to 5b."""
    return {
        0: partial(_stem, options=options),
        **{
            number: partial(_inception, module=module, filters=filters, options=options)
            for number, (module, filters) in enumerate(_FILTERS.items(), 1)
        },
    }


def _stem(x: Any, options: BackboneOptions) -> Any:
    x = _layer(x, 64, 7, "conv1", "bn_conv1", options, stride=2)
    x = max_pool(x, 2, "pool1")
    x = _layer(x, 64, 1, "conv2_reduce", "bn_conv2_reduce", options)
    x = _layer(x, 192, 3, "conv2", "bn_conv2", options)
    return max_pool(x, 2, "pool2")


def _inception(x: Any, module: str, filters: tuple[int, ...], options: BackboneOptions) -> Any:
    name = f"inception_{module}"

    def layer(y: Any, which: int, kernel: int, suffix: str) -> Any:
        full = f"{name}_{suffix}"
        return _layer(y, filters[which], kernel, full, f"{full}_bn", options)

    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    branches = [
        layer(x, 0, 1, "1x1"),
        layer(layer(x, 1, 1, "3x3_reduce"), 2, 3, "3x3"),
        layer(layer(x, 3, 1, "5x5_reduce"), 4, 5, "5x5"),
        layer(pooled, 5, 1, "pool_proj"),
    ]
    x = keras.layers.Concatenate(name=f"{name}_output")(branches)
    return max_pool(x, 2, "pool3") if module == "3b" else x


def _layer(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    norm: str,
    options: BackboneOptions,
    stride: int = 1,
) -> Any:
    x = conv_norm(x, filters, kernel, name, options, norm=norm, stride=stride)
    return activation(x, "relu", f"{name}_relu")


FAMILIES = {
    "googlenet": Family(blocks=googlenet_blocks, options=frozenset({"use_bias", "use_batch_norm"}))
}
