"""How channels go through each kind of layer.

A plugin says it of its own layers, for its weighted fusion, say:

    @channel_flow.register(WeightedFusion)
    def _(layer, incoming, shape, graph):
        return Flow(output=graph.tie(incoming))

Rules hold for subclasses too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from detforge.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from detforge.graph.channels import ChannelGraph, Channels

    Shape = tuple[int | None, ...]
    Incoming = Sequence[Channels]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flow:
    """What a layer does with channels.

    Attributes:
        output: channels of what comes out.
        weights: name of a weight -> the channels along each of its axes, None along an axis that
            has nothing to do with channels. Weights that are not here stay as they are.
        judged: name of a weight -> the axis along which its norms tell which channels are strong.
        resized: number of channels that come out -> what the layer's config says then; None where
            that follows from what comes in.
    """

    output: Channels
    weights: Mapping[str, tuple[Channels | None, ...]] = field(default_factory=dict)
    judged: Mapping[str, int] = field(default_factory=dict)
    resized: Callable[[int], dict[str, Any]] | None = None


@singledispatch
def channel_flow(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    """Return what a call of a layer does with channels.

    Args:
        layer: what is called.
        incoming: channels of each tensor that it takes.
        shape: of the tensor that it gives, the batch included.
        graph: makes new channels, ties channels, and keeps channels.

    Raises:
        PluginError: there is no rule for this kind of layer.
    """
    raise PluginError(
        f"it is not known how channels go through layers of the class {type(layer).__name__}; "
        "whoever wrote the layer can say it with detforge.graph.rules.channel_flow.register"
    )


# --- layers that make channels ---------------------------------------------------------------


@channel_flow.register(keras.layers.Conv2D)
def _convolution(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    made = _made(layer, layer.filters, graph)
    if layer.groups > 1:  # each group of filters sees channels of its own
        graph.keep(incoming[0])
        graph.keep(made)
        return Flow(output=made, resized=_filters)
    return Flow(
        output=made,
        weights={"kernel": (None, None, incoming[0], made), "bias": (made,)},
        judged={"kernel": 3},
        resized=_filters,
    )


@channel_flow.register(keras.layers.Conv2DTranspose)
def _transposed(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    made = _made(layer, layer.filters, graph)
    return Flow(
        output=made,
        weights={"kernel": (None, None, made, incoming[0]), "bias": (made,)},
        judged={"kernel": 2},
        resized=_filters,
    )


@channel_flow.register(keras.layers.SeparableConv2D)
def _separable(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    """Judge it as the two convolutions that it stands for."""
    made = _made(layer, layer.filters, graph)
    between = incoming[0].repeat(layer.depth_multiplier)
    return Flow(
        output=made,
        weights={
            "depthwise_kernel": (None, None, incoming[0], None),
            "pointwise_kernel": (None, None, between, made),
            "bias": (made,),
        },
        judged={"depthwise_kernel": 2, "pointwise_kernel": 3},
        resized=_filters,
    )


@channel_flow.register(keras.layers.Dense)
def _dense(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    made = _made(layer, layer.units, graph)
    return Flow(
        output=made,
        weights={"kernel": (incoming[0], made), "bias": (made,)},
        judged={"kernel": 1},
        resized=lambda width: {"units": width},
    )


def _made(layer: Any, width: int, graph: ChannelGraph) -> Channels:
    made = graph.new(width)
    _activate(layer, made, graph)
    return made


def _filters(width: int) -> dict[str, Any]:
    return {"filters": width}


# --- layers with weights for the channels that come in ---------------------------------------


@channel_flow.register(keras.layers.DepthwiseConv2D)
def _depthwise(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    """Judge it with what makes its channels, each by all filters of the channel."""
    output = incoming[0].repeat(layer.depth_multiplier)
    _activate(layer, output, graph)
    return Flow(
        output=output,
        weights={"kernel": (None, None, incoming[0], None), "bias": (output,)},
        judged={"kernel": 2},
    )


@channel_flow.register(keras.layers.BatchNormalization)
def _normalisation(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    if layer.axis not in (-1, len(shape) - 1):
        raise PluginError(f"it normalises axis {layer.axis}; channels are on the last one")
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return Flow(output=incoming[0], weights=dict.fromkeys(names, (incoming[0],)))


@channel_flow.register(keras.layers.PReLU)
def _prelu(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    slopes = tuple(layer.alpha.shape)
    own = incoming[0] if slopes[-1] == shape[-1] else None
    return Flow(output=incoming[0], weights={"alpha": (*[None] * (len(slopes) - 1), own)})


# --- layers without weights ------------------------------------------------------------------


@channel_flow.register(keras.layers.AveragePooling2D)
@channel_flow.register(keras.layers.Cropping2D)
@channel_flow.register(keras.layers.Dropout)
@channel_flow.register(keras.layers.ELU)
@channel_flow.register(keras.layers.GaussianDropout)
@channel_flow.register(keras.layers.GaussianNoise)
@channel_flow.register(keras.layers.GlobalAveragePooling2D)
@channel_flow.register(keras.layers.GlobalMaxPooling2D)
@channel_flow.register(keras.layers.Identity)
@channel_flow.register(keras.layers.LeakyReLU)
@channel_flow.register(keras.layers.MaxPooling2D)
@channel_flow.register(keras.layers.ReLU)
@channel_flow.register(keras.layers.Resizing)
@channel_flow.register(keras.layers.UpSampling2D)
@channel_flow.register(keras.layers.ZeroPadding2D)
def _same(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    return Flow(output=incoming[0])


@channel_flow.register(keras.layers.Activation)
def _activation(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    _activate(layer, incoming[0], graph)
    return Flow(output=incoming[0])


@channel_flow.register(keras.layers.Softmax)
def _softmax(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    graph.keep(incoming[0])
    return Flow(output=incoming[0])


@channel_flow.register(keras.layers.Add)
@channel_flow.register(keras.layers.Average)
@channel_flow.register(keras.layers.Maximum)
@channel_flow.register(keras.layers.Minimum)
@channel_flow.register(keras.layers.Multiply)
@channel_flow.register(keras.layers.Subtract)
def _tied(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    return Flow(output=graph.tie(incoming))


@channel_flow.register(keras.layers.Concatenate)
def _concatenation(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    if layer.axis in (-1, len(shape) - 1):
        return Flow(output=np.concatenate(incoming))
    return Flow(output=graph.tie(incoming))


@channel_flow.register(keras.layers.Flatten)
def _flattening(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    return Flow(output=_rearranged(incoming[0], shape, graph))


@channel_flow.register(keras.layers.Reshape)
def _reshaping(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    output = _rearranged(incoming[0], shape, graph)
    *front, last = layer.target_shape
    if last == -1:
        return Flow(output=output)
    return Flow(output=output, resized=lambda width: {"target_shape": (*front, width)})


@channel_flow.register(keras.layers.Permute)
def _permutation(layer: Any, incoming: Incoming, shape: Shape, graph: ChannelGraph) -> Flow:
    if layer.dims[-1] == len(layer.dims):
        return Flow(output=incoming[0])
    graph.keep(incoming[0])
    return Flow(output=graph.new_whole(shape[-1] or 0))


def _rearranged(channels: Channels, shape: Shape, graph: ChannelGraph) -> Channels:
    """Return the channels of a tensor whose numbers, row by row, got another shape.

    A last axis of whole runs of channels repeats them; any other one mixes channels.
    """
    width = shape[-1] or 0
    if width and channels.size and width % channels.size == 0:
        return np.tile(channels, width // channels.size)
    graph.keep(channels)
    return graph.new_whole(width)


_BETWEEN_CHANNELS = (
    keras.activations.log_softmax,
    keras.activations.softmax,
    keras.activations.sparsemax,
)

_KNOWN_FUNCTIONS = [
    function
    for function in vars(keras.activations).values()
    if callable(function) and function is not keras.activations.glu  # halves the channels
]


def _activate(layer: Any, channels: Channels, graph: ChannelGraph) -> None:
    """Keep the channels that a layer's activation function compares with each other.

    Raises:
        PluginError: a function that is not one of Keras.
    """
    if layer.activation in _BETWEEN_CHANNELS:
        graph.keep(channels)
    elif layer.activation not in _KNOWN_FUNCTIONS:
        raise PluginError(
            "it is not known whether its activation function looks at each channel alone; use one "
            "of keras.activations, or a layer of its own with a rule"
        )
