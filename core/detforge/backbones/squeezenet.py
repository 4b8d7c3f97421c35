"""SqueezeNet 1.0 (arXiv:1602.07360), padded, down to stride 16; no batch normalisation.

Layer names: ``conv1``, ``fire{n}_squeeze_conv``, ``_expand_conv1x1``, ``_expand_conv3x3``;
``fire{n}`` is the module's output.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import keras

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, conv, max_pool

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions

_SQUEEZE = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
_POOLED = (4, 8)


def squeezenet_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the stem, and blocks 1 to 8, the modules fire2 to fire9."""
    fires = {n - 1: partial(_fire, n=n, squeeze=width) for n, width in _SQUEEZE.items()}
    return {0: _stem, **fires}


def _stem(x: Any) -> Any:
    x = conv(x, 96, 7, "conv1", stride=2, use_bias=True)
    return max_pool(activation(x, "relu", "conv1_relu"), 3, "pool1")


def _fire(x: Any, n: int, squeeze: int) -> Any:
    name = f"fire{n}"
    x = conv(x, squeeze, 1, f"{name}_squeeze_conv", use_bias=True)
    x = activation(x, "relu", f"{name}_squeeze")
    small = conv(x, 4 * squeeze, 1, f"{name}_expand_conv1x1", use_bias=True)
    large = conv(x, 4 * squeeze, 3, f"{name}_expand_conv3x3", use_bias=True)
    branches = [
        activation(small, "relu", f"{name}_expand_1x1"),
        activation(large, "relu", f"{name}_expand_3x3"),
    ]
    x = keras.layers.Concatenate(name=name)(branches)
    return max_pool(x, 3, f"pool{n}") if n in _POOLED else x


FAMILIES = {"squeezenet": Family(blocks=squeezenet_blocks)}
