"""MobileNet V2 (arXiv:1801.04381), width 1, to stride 32; detectors end at block 13, stride 16.

Layer names: ``conv1``, ``bn_conv1``, ``re_lu_0``, then with the prefix ``expanded_conv_`` and
``block_{k}_``: ``expand``, ``expand_bn``, ``depthwise``, ``depthwise_bn``, ``relu``, ``project``,
``project_bn``, ``projected_inputs``, ``add``; the ReLU behind an expansion is ``re_lu_{k+1}``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import keras

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, batch_norm, conv, depthwise

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions

_FILTERS = (16, *(24,) * 2, *(32,) * 3, *(64,) * 4, *(96,) * 3, *(160,) * 3, 320)
_STRIDED = (1, 3, 6, 13)
_EXPANSION = 6


def mobilenet_v2_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the first convolution, 1 to 17, the residual ones, and 18, the last one."""
    return {
        0: partial(_stem, options=options),
        **{
            k + 1: partial(_residual, k=k, filters=filters, options=options)
            for k, filters in enumerate(_FILTERS)
        },
        len(_FILTERS) + 1: partial(_head, options=options),
    }


def _stem(x: Any, options: BackboneOptions) -> Any:
    x = conv(
        x,
        32,
        3,
        "conv1",
        stride=2,
        use_bias=options.use_bias,
        asymmetric=options.asymmetric_padding,
    )
    return activation(_norm(x, "bn_conv1"), options.activation, "re_lu_0")


def _residual(x: Any, k: int, filters: int, options: BackboneOptions) -> Any:
    name = f"block_{k}_" if k else "expanded_conv_"
    keeps = k == _STRIDED[-1] and options.max_stride == 16
    stride = 2 if k in _STRIDED and not keeps else 1
    y = x
    if k:
        wide = _EXPANSION * x.shape[-1]
        y = conv(y, wide, 1, f"{name}expand", use_bias=options.use_bias)
        y = activation(_norm(y, f"{name}expand_bn"), options.activation, f"re_lu_{k + 1}")
    y = depthwise(
        y,
        3,
        f"{name}depthwise",
        stride=stride,
        use_bias=options.use_bias,
        asymmetric=options.asymmetric_padding,
    )
    y = activation(_norm(y, f"{name}depthwise_bn"), options.activation, f"{name}relu")
    y = _norm(conv(y, filters, 1, f"{name}project", use_bias=options.use_bias), f"{name}project_bn")
    if stride > 1 or x.shape[-1] != filters:
        return y
    if options.all_projections:
        x = conv(x, filters, 1, f"{name}projected_inputs")
    return keras.layers.Add(name=f"{name}add")([x, y])


def _head(x: Any, options: BackboneOptions) -> Any:
    x = conv(x, 1280, 1, "conv_1", use_bias=options.use_bias)
    return activation(_norm(x, "conv_1_bn"), options.activation, "re_lu_head")


def _norm(x: Any, name: str) -> Any:
    return batch_norm(x, name, momentum=0.999)


FAMILIES = {
    "mobilenet_v2": Family(
        blocks=mobilenet_v2_blocks,
        options=frozenset(
            {"use_bias", "all_projections", "asymmetric_padding", "activation", "max_stride"}
        ),
        activations=("relu", "relu6"),
        last_block=13,
    )
}
