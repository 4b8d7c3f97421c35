"""What pruning is compared with: the same model, with zeros where channels go."""

from __future__ import annotations

import keras
import numpy as np


def images_for(model, count=2, seed=0):
    """Return random inputs of the first part."""
    part = next(iter(model.parts.values()))
    shape = (count, *part.inputs[0].shape[1:])
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def run(parts, images):
    """Return the outputs of the last part; each part takes the outputs of the one before it."""
    x = images
    for part in parts.values():
        x = part(x, training=False)
    return [np.asarray(y) for y in keras.tree.flatten(x)]


def masked(parts, kept):
    """Return parts of the same layers in which channels that are not kept are zeros.

    Args:
        parts: of the model before it is pruned.
        kept: part -> layer -> positions of the channels that stay.
    """
    return {name: _masked(part, kept[name]) for name, part in parts.items()}


def _masked(part, kept):
    return keras.models.clone_model(
        part,
        clone_function=lambda layer: layer,
        call_function=lambda layer, *args, **kwargs: _Only(kept[layer.name])(
            layer(*args, **kwargs)
        ),
    )


class _Only(keras.layers.Layer):
    """Zeros for all channels but some."""

    def __init__(self, kept):
        super().__init__()
        self._kept = np.array(kept)

    def call(self, inputs):
        mask = np.zeros(inputs.shape[-1], "float32")
        mask[self._kept] = 1
        return inputs * mask


def shapes(parts):
    """Return the shape of every weight by part and path."""
    return {
        (name, weight.path): tuple(weight.shape)
        for name, part in parts.items()
        for weight in part.weights
    }
