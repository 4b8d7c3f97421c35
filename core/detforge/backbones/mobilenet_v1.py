"""MobileNet (arXiv:1704.04861), width 1, to stride 32; detectors build blocks 0 to 11, stride 16.

Layer names: ``conv1``, ``conv1_bn``, then ``conv_dw_{i}``, ``_bn``, ``_relu`` and ``conv_pw_{i}``,
``_bn``, ``conv_pw_relu_{i}``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, batch_norm, conv, depthwise

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions

_FILTERS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


def mobilenet_v1_blocks(depth: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the first convolution, and blocks 1 to 13, the separable ones."""
    # Block 12 is the one that goes from stride 16 to 32.
    strides = (*_STRIDES[:11], 1, 1) if options.max_stride == 16 else _STRIDES
    pairs = zip(_FILTERS, strides, strict=True)
    return {
        0: partial(_stem, options=options),
        **{
            i: partial(_separable, i=i, filters=filters, stride=stride, options=options)
            for i, (filters, stride) in enumerate(pairs, 1)
        },
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
    return activation(batch_norm(x, "conv1_bn"), options.activation, "conv_block_relu")


def _separable(x: Any, i: int, filters: int, stride: int, options: BackboneOptions) -> Any:
    x = depthwise(
        x,
        3,
        f"conv_dw_{i}",
        stride=stride,
        use_bias=options.use_bias,
        asymmetric=options.asymmetric_padding,
        padding_name=f"conv_pad_{i}",
    )
    x = activation(batch_norm(x, f"conv_dw_{i}_bn"), options.activation, f"conv_dw_{i}_relu")
    x = conv(x, filters, 1, f"conv_pw_{i}", use_bias=options.use_bias)
    return activation(batch_norm(x, f"conv_pw_{i}_bn"), options.activation, f"conv_pw_relu_{i}")


FAMILIES = {
    "mobilenet_v1": Family(
        blocks=mobilenet_v1_blocks,
        options=frozenset({"use_bias", "asymmetric_padding", "activation", "max_stride"}),
        activations=("relu", "relu6"),
        last_block=11,
    )
}
