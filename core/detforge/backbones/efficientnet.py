"""EfficientNet B0 to B7 (arXiv:1905.11946), down to stride 32.

Layer names: ``stem_conv``, then with the prefix ``block{stage}{unit}_``: ``expand_conv``,
``expand_bn``, ``expand_activation``, ``dwconv``, ``bn``, ``activation``, ``se_squeeze``,
``se_reshape``, ``se_reduce``, ``se_expand``, ``se_excite``, ``project_conv``, ``project_bn``,
``drop``, ``add``; ``top_conv``. Published weights pad as TensorFlow's SAME does.
"""

from __future__ import annotations

import math
from functools import partial
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from detforge.backbones.family import Family
from detforge.backbones.layers import activation, batch_norm, conv, depthwise

if TYPE_CHECKING:
    from detforge.backbones.family import Block
    from detforge.backbones.options import BackboneOptions


class Stage(NamedTuple):
    """Units of one resolution: side of the kernel, stride of the first unit, and so on."""

    kernel: int
    stride: int
    expansion: int
    filters: int
    repeats: int


# Table 1 of the paper.
_STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
_LAST_STRIDED = 6  # number of the stage, from 1
_UNSCALED_UNITS = sum(stage.repeats for stage in _STAGES)
# (width, depth) of B0 to B7.
_SCALES = (
    (1.0, 1.0),
    (1.0, 1.1),
    (1.1, 1.2),
    (1.2, 1.4),
    (1.4, 1.8),
    (1.6, 2.2),
    (1.8, 2.6),
    (2.0, 3.1),
)


def efficientnet_blocks(version: int, options: BackboneOptions) -> dict[int, Block]:
    """Return block 0, the stem, blocks 1 to 7, the stages, and 8, the last convolution."""
    width, _ = _SCALES[version]
    blocks: dict[int, Block] = {0: partial(_stem, filters=_rounded(32, width), options=options)}
    unit = 0
    for number, stage in enumerate(scaled_stages(version), 1):
        blocks[number] = partial(
            _stage, number=number, stage=stage, first_unit=unit, options=options
        )
        unit += stage.repeats
    blocks[8] = partial(_top, filters=_rounded(1280, width), options=options)
    return blocks


def scaled_stages(version: int) -> list[Stage]:
    """Return the seven stages of a version, B0 to B7."""
    width, depth = _SCALES[version]
    return [
        stage._replace(
            filters=_rounded(stage.filters, width), repeats=math.ceil(depth * stage.repeats)
        )
        for stage in _STAGES
    ]


def _rounded(filters: int, width: float) -> int:
    """Return the scaled number as a multiple of 8, at most a tenth below it."""
    scaled = filters * width
    multiple = max(8, int(scaled + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * scaled else multiple


def _stem(x: Any, filters: int, options: BackboneOptions) -> Any:
    x = conv(
        x,
        filters,
        3,
        "stem_conv",
        stride=2,
        use_bias=options.use_bias,
        asymmetric=options.asymmetric_padding,
        initializer=_initializer(),
    )
    return activation(batch_norm(x, "stem_bn"), options.activation, "stem_activation")


def _stage(x: Any, number: int, stage: Stage, first_unit: int, options: BackboneOptions) -> Any:
    if number == _LAST_STRIDED and options.max_stride == 16:
        stage = stage._replace(stride=1)
    for i in range(stage.repeats):
        name = f"block{number}{ascii_lowercase[i]}_"
        # Divided by the units of B0, whatever the size: the users' older models do so.
        drop = options.drop_connect * (first_unit + i) / _UNSCALED_UNITS
        x = _unit(x, name, stage._replace(stride=stage.stride if i == 0 else 1), drop, options)
    return x


def _unit(x: Any, name: str, stage: Stage, drop: float, options: BackboneOptions) -> Any:
    kind, narrow = options.activation, x.shape[-1]
    y = x
    if stage.expansion > 1:
        y = _pointwise(y, narrow * stage.expansion, f"{name}expand_conv", options)
        y = activation(batch_norm(y, f"{name}expand_bn"), kind, f"{name}expand_activation")
    y = depthwise(
        y,
        stage.kernel,
        f"{name}dwconv",
        stride=stage.stride,
        use_bias=options.use_bias,
        asymmetric=options.asymmetric_padding,
        padding_name=f"{name}dwconv_pad",
        initializer=_initializer(),
    )
    y = activation(batch_norm(y, f"{name}bn"), kind, f"{name}activation")
    y = _squeeze_excite(y, max(1, narrow // 4), kind, name)
    y = conv(y, stage.filters, 1, f"{name}project_conv", initializer=_initializer())
    y = batch_norm(y, f"{name}project_bn")
    if stage.stride > 1 or narrow != stage.filters:
        return y
    if drop > 0:
        # One draw an image: the whole branch stays or goes.
        y = keras.layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(y)
    return keras.layers.Add(name=f"{name}add")([y, x])


def _squeeze_excite(x: Any, squeezed: int, kind: str, name: str) -> Any:
    """Return ``x`` with each channel weighed by what the whole image holds (arXiv:1709.01507)."""
    channels = x.shape[-1]
    y = keras.layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    y = keras.layers.Reshape((1, 1, channels), name=f"{name}se_reshape")(y)
    y = conv(y, squeezed, 1, f"{name}se_reduce", use_bias=True, initializer=_initializer())
    y = activation(y, kind, f"{name}se_reduce_activation")
    y = conv(y, channels, 1, f"{name}se_expand", use_bias=True, initializer=_initializer())
    y = keras.layers.Activation("sigmoid", name=f"{name}se_expand_activation")(y)
    return keras.layers.Multiply(name=f"{name}se_excite")([x, y])


def _top(x: Any, filters: int, options: BackboneOptions) -> Any:
    x = _pointwise(x, filters, "top_conv", options)
    return activation(batch_norm(x, "top_bn"), options.activation, "top_activation")


def _pointwise(x: Any, filters: int, name: str, options: BackboneOptions) -> Any:
    return conv(x, filters, 1, name, use_bias=options.use_bias, initializer=_initializer())


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def _family(version: int) -> Family:
    return Family(
        blocks=lambda depth, options: efficientnet_blocks(version, options),
        options=frozenset(
            {"use_bias", "activation", "drop_connect", "asymmetric_padding", "max_stride"}
        ),
        activations=("swish", "relu"),
        defaults={"activation": "swish", "asymmetric_padding": True, "drop_connect": 0.2},
    )


FAMILIES = {f"efficientnet_b{version}": _family(version) for version in range(len(_SCALES))}
