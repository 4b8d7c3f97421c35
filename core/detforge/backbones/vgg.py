"""VGG 16 and 19 (arXiv:1409.1556) with batch normalisation, down to stride 16.

Layer names: ``block_{group}{unit}_conv_1``, ``_bn_1``, ``_relu``; ``block{group}_pool``.
"""

from __future__ import annotations

from functools import partial
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, conv_norm, max_pool

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions

UNITS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)


def vgg_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return blocks 1 to 5, the groups of convolutions between two halvings."""
    groups = zip(UNITS[depth], _WIDTHS, strict=True)
    return {
        number: partial(_group, number=number, units=units, width=width, options=options)
        for number, (units, width) in enumerate(groups, 1)
    }


def _group(x: Any, number: int, units: int, width: int, options: BackboneOptions) -> Any:
    strided = number > 1 and not options.use_pooling
    for i in range(units):
        name = f"block_{number}{ascii_lowercase[i]}"
        stride = 2 if strided and i == 0 else 1
        x = conv_norm(x, width, 3, f"{name}_conv_1", options, norm=f"{name}_bn_1", stride=stride)
        x = activation(x, "relu", f"{name}_relu")
    if options.use_pooling and number < len(_WIDTHS):
        x = max_pool(x, 2, f"block{number}_pool")
    return x


FAMILIES = {
    "vgg": Family(
        blocks=vgg_blocks,
        depths=tuple(UNITS),
        options=frozenset({"use_bias", "use_batch_norm", "use_pooling"}),
    )
}
