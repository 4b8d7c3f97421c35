"""Weights for networks that nobody trained, the same on every machine and for ever.

Only raw bits of NumPy's generator are used: those, unlike its distributions, never change.
"""

import math
import zlib

import numpy as np


def uniform(name, shape, low=0.0, high=1.0):
    """Return float32 values that depend on the name alone."""
    raw = np.random.PCG64(zlib.crc32(name.encode())).random_raw(math.prod(shape))
    return (low + (high - low) * (raw >> np.uint64(40)) / 2.0**24).astype("float32").reshape(shape)


def kernel(name, shape, inputs):
    """Return a kernel behind which values keep about their size, so that all layers matter.

    Args:
        name: of the weight.
        shape: of it.
        inputs: how many products each output is the sum of.
    """
    bound = math.sqrt(3.6 / inputs)
    return uniform(name, shape, -bound, bound)


def small(name, shape):
    """Return a bias; the gates of squeeze and excitation stand open."""
    is_gate = name.endswith(("fc2.bias", "conv_expand.bias", "se_expand/bias"))
    return uniform(name, shape, 2, 3) if is_gate else uniform(name, shape, -0.3, 0.3)


def torch_weight(name, shape):
    """Return a value of a state dict; shape () for the number of batches seen."""
    if not shape:
        return np.asarray(7, "int64")
    if len(shape) > 1:
        return kernel(name, shape, math.prod(shape[1:]))
    if name.endswith(("bias", "running_mean")):
        return small(name, shape)
    return uniform(name, shape, 0.5, 1.5)


def keras_weight(layer, slot, shape):
    """Return a weight of a Keras layer."""
    name = f"{layer}/{slot}"
    if slot in ("gamma", "moving_variance"):
        return uniform(name, shape, 0.5, 1.5)
    if len(shape) < 4:
        return small(name, shape)
    return kernel(name, shape, math.prod(shape[:2] if shape[3] == 1 else shape[:3]))


def image(height, width):
    """Return an RGB image, float32 (1, H, W, 3) in 0..255."""
    return uniform("image", (1, height, width, 3), 0, 255)
