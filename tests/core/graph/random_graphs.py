"""Random functional graphs of all layers that pruning knows, for hypothesis."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
from hypothesis import strategies as st
from keras import layers

from detforge.backbones.layers import BatchNormalization
from detforge.graph.rules import Flow, channel_flow
from detforge.model import Join

SIDE = 4
WIDTHS = st.sampled_from([3, 4, 6, 8, 12])


class WeightedFusion(keras.layers.Layer):
    """A sum of tensors, a weight each, as an author of a plugin would write it."""

    def build(self, input_shape):
        self.shares = self.add_weight(shape=(len(input_shape),), initializer="ones", name="shares")

    def call(self, inputs):
        return sum(self.shares[i] * x for i, x in enumerate(inputs))


@channel_flow.register(WeightedFusion)
def _fusion(layer, incoming, shape, graph):
    return Flow(output=graph.tie(incoming))


def scatter(part, seed):
    """Give a part weights whose filters differ much in norm, and statistics that matter."""
    rng = np.random.default_rng(seed)
    for layer in part.layers:
        for weight in layer.weights:
            if "kernel" in weight.name:
                # Filters are on the last axis; of depthwise and transposed ones on the one before.
                spread = rng.uniform(0, 1, (weight.shape[-2], 1)) * rng.uniform(
                    0, 1, weight.shape[-1]
                )
                value = rng.normal(size=weight.shape) * spread / np.sqrt(np.prod(weight.shape[:-1]))
            else:
                value = rng.uniform(0.5, 1.5, weight.shape)
            weight.assign(value)


class _Builder:
    """Adds layers to a graph; every tensor is (B, SIDE, SIDE, C)."""

    def __init__(self, draw, inputs):
        self.draw = draw
        self.maps = list(inputs)

    def any_map(self):
        return self.draw(st.sampled_from(self.maps))

    def like(self, x):
        """Return a map of the same channels, by a convolution if need be."""
        others = [y for y in self.maps if y.shape == x.shape and y is not x]
        if others and self.draw(st.booleans()):
            return self.draw(st.sampled_from(others))
        return layers.Conv2D(x.shape[-1], 1)(self.any_map())

    def convolution(self, x):
        groups = 2 if x.shape[-1] % 2 == 0 and self.draw(st.integers(0, 4)) == 0 else 1
        width = self.draw(WIDTHS.filter(lambda n: n % groups == 0))
        bias, kind = self.draw(st.booleans()), self.draw(st.sampled_from(["relu", None, "softmax"]))
        return layers.Conv2D(
            width, 3, padding="same", use_bias=bias, groups=groups, activation=kind
        )(x)

    def depthwise(self, x):
        multiplier = self.draw(st.integers(1, 2))
        return layers.DepthwiseConv2D(3, padding="same", depth_multiplier=multiplier)(x)

    def separable(self, x):
        width, multiplier = self.draw(WIDTHS), self.draw(st.integers(1, 2))
        return layers.SeparableConv2D(width, 3, padding="same", depth_multiplier=multiplier)(x)

    def transposed(self, x):
        return layers.Conv2DTranspose(self.draw(WIDTHS), 3, padding="same")(x)

    def normalised(self, x):
        return BatchNormalization()(x)

    def pointwise(self, x):
        kind = self.draw(
            st.sampled_from(
                [
                    layers.ReLU,
                    layers.LeakyReLU,
                    layers.PReLU,
                    layers.ELU,
                    lambda: layers.PReLU(shared_axes=[1, 2]),
                    lambda: layers.PReLU(shared_axes=[1, 2, 3]),
                    lambda: layers.Activation("swish"),
                    lambda: layers.Activation("sigmoid"),
                    lambda: layers.Dropout(0.5),
                    layers.Softmax,
                ]
            )
        )
        return kind()(x)

    def pooled(self, x):
        pool = self.draw(st.sampled_from([layers.MaxPooling2D, layers.AveragePooling2D]))
        return layers.UpSampling2D(2)(pool(2)(x))

    def shifted(self, x):
        return layers.Cropping2D(((0, 1), (0, 1)))(layers.ZeroPadding2D(((1, 0), (1, 0)))(x))

    def merged(self, x):
        kind = self.draw(
            st.sampled_from(
                [
                    layers.Add,
                    layers.Subtract,
                    layers.Multiply,
                    layers.Average,
                    layers.Maximum,
                    layers.Minimum,
                    WeightedFusion,
                ]
            )
        )
        return kind()([x, self.like(x)])

    def spread(self, x):
        """Multiply by a map of one channel."""
        return layers.Multiply()([x, layers.Conv2D(1, 1)(self.any_map())])

    def concatenated(self, x):
        return layers.Concatenate()([x, self.any_map()])

    def tied_in_pieces(self, x):
        both = layers.Concatenate()([x, self.any_map()])
        return layers.Add()([both, layers.Conv2D(both.shape[-1], 1)(x)])

    def excited(self, x):
        width = x.shape[-1]
        y = layers.Reshape((1, 1, width))(layers.GlobalAveragePooling2D()(x))
        y = layers.Conv2D(4, 1, activation="relu")(y)
        return layers.Multiply()([x, layers.Conv2D(width, 1, activation="sigmoid")(y)])

    def shared(self, x):
        """Apply one convolution, and one normalisation, to two maps."""
        conv, norm = layers.Conv2D(self.draw(WIDTHS), 1), BatchNormalization()
        first, other = (norm(conv(y)) for y in (x, self.like(x)))
        self.maps.append(other)
        return first

    def rearranged(self, x):
        width = x.shape[-1]
        y = layers.Reshape((-1, width))(layers.Permute((2, 1, 3))(x))
        return layers.Reshape((SIDE, SIDE, width))(layers.Dense(width)(y))

    def joined_below(self, x):
        """Concatenate along rows, and take the upper half."""
        y = layers.Concatenate(axis=1)([x, self.like(x)])
        return layers.Cropping2D(((0, SIDE), (0, 0)))(y)

    def heads(self):
        last = self.maps[-1]
        rows = layers.Reshape((-1, 2))(layers.Conv2D(6, 1)(last))
        flat = layers.Dense(5)(layers.Flatten()(last))
        pooled = layers.Dense(4)(layers.GlobalMaxPooling2D()(self.any_map()))
        return [rows, flat, layers.Dense(3)(layers.Concatenate()([flat, pooled]))]


_PIECES = ("concatenated", "tied_in_pieces", "depthwise")
_OTHERS = ("any_map", "like", "heads")
STEPS = [name for name in vars(_Builder) if not name.startswith("_") and name not in _OTHERS]


def draw_model(draw, *, pieces=True):
    """Return a model of one part, or of two that are joined, with weights.

    Keras takes random numbers where it builds, so that this is no strategy itself.

    Args:
        draw: of hypothesis.
        pieces: concatenate, repeat and flatten, so that layers are tied in pieces.
    """
    steps = STEPS if pieces else [name for name in STEPS if name not in _PIECES]
    images = keras.Input((SIDE, SIDE, 3), name="images")
    first = _grown(draw, steps, [layers.Conv2D(draw(WIDTHS), 1)(images)])
    joins, parts = (), {}
    if draw(st.booleans()):
        leaving = [first.maps[-1], first.any_map()]
        parts["backbone"] = keras.Model(images, leaving)
        entering = [keras.Input(x.shape[1:], name=f"map_{i}") for i, x in enumerate(leaving)]
        second = _grown(draw, steps, entering)
        parts["head"] = keras.Model(entering, second.heads())
        joins = tuple(Join("backbone", i, "head", i) for i in range(2))
    else:
        parts["network"] = keras.Model(images, first.heads())
    seed = draw(st.integers(0, 99))
    for part in parts.values():
        scatter(part, seed)
    return SimpleNamespace(parts=parts, joins=joins)


def _grown(draw, steps, inputs):
    builder = _Builder(draw, inputs)
    for name in draw(st.lists(st.sampled_from(steps), min_size=2, max_size=7)):
        builder.maps.append(getattr(builder, name)(builder.any_map()))
    return builder
