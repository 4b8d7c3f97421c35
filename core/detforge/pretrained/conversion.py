"""Weights of one network brought into the form of another that computes the same.

A convolution and the batch normalisation behind it are one affine map, so biases, epsilons and the
scaling of the input can be moved from where one network has them to where the other has them.
Exact while batch normalisation uses its stored statistics; with those of the batch, a mean that is
shifted cancels itself and only the epsilon is felt.

Shape legend: kernels are Keras', (h, w, input channels, output channels), depthwise ones
(h, w, C, 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.recipe import InputFormat

Slots = dict[str, np.ndarray]
"""Weights of one layer by what Keras 3 calls them: kernel, bias, gamma, ..."""

EPSILON = 1e-3
"""Of batch normalisation in every backbone of ours, so that weights fit whatever they come from."""


class Norm(NamedTuple):
    """A batch normalisation; arrays (C,)."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float


@dataclass(frozen=True, slots=True)
class ConvNorm:
    """A convolution and what follows it before the activation.

    Attributes:
        kernel: (h, w, input channels, output channels), or (h, w, C, 1).
        bias: (output channels,), zeros where there is none.
        norm: None where no batch normalisation follows.
    """

    kernel: np.ndarray
    bias: np.ndarray
    norm: Norm | None = None

    @classmethod
    def of(
        cls, conv: Mapping[str, np.ndarray], norm: Mapping[str, np.ndarray], epsilon: float
    ) -> ConvNorm:
        """Return the pair as one.

        Args:
            conv: kernel, and bias if it has one.
            norm: gamma, beta, moving_mean and moving_variance; empty for no normalisation. What
                it lacks of the first two is 1 and 0.
            epsilon: of the normalisation.
        """
        kernel = np.asarray(conv["kernel"], np.float64)
        channels = kernel.shape[2] if kernel.shape[3] == 1 else kernel.shape[3]
        bias = np.asarray(conv.get("bias", np.zeros(channels)), np.float64)
        if not norm:
            return cls(kernel, bias)
        ones, zeros = np.ones(channels), np.zeros(channels)
        norm = {"gamma": ones, "beta": zeros, **norm}
        gamma, beta, mean, variance = (
            np.asarray(norm[slot], np.float64)
            for slot in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return cls(kernel, bias, Norm(gamma, beta, mean, variance, epsilon))


class Pixels(NamedTuple):
    """What a network wants to see of an image in 0..255: ``scale * (image - mean)``.

    Attributes:
        order: "rgb" or "bgr".
        mean: one number a channel, in that order.
        scale: likewise.
    """

    order: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]


def identity(channels: int) -> ConvNorm:
    """Return the 1 x 1 convolution that changes nothing."""
    return ConvNorm(np.eye(channels)[None, None], np.zeros(channels))


def embed(conv: ConvNorm, side: int) -> ConvNorm:
    """Return a convolution with its kernel in the middle of a larger one; the same if padded so."""
    border = (side - conv.kernel.shape[0]) // 2
    around = ((border, border), (border, border), (0, 0), (0, 0))
    return replace(conv, kernel=np.pad(conv.kernel, around))


def fold_input(conv: ConvNorm, wanted: Pixels, given: InputFormat) -> tuple[ConvNorm, bool]:
    """Return a first convolution that sees pixels as our detector prepares them.

    The channels of the kernel are put into the detector's order and scaled; what the difference
    of the means adds goes into the bias. A grey image is one that has the same value in all
    channels, so their kernels are summed.

    Args:
        conv: the convolution as it was trained, of three input channels.
        wanted: the pixels it was trained on.
        given: the pixels it gets.

    Returns:
        The convolution, and whether that is exact at the border too: padding is zero after
        normalisation, so it stands for the mean colour, which must be the same in both.
    """
    by_name = dict(
        zip(wanted.order, zip(wanted.mean, wanted.scale, range(3), strict=True), strict=True)
    )
    grey = given.color_order == "grey"
    kernels, shift, same_border = [], np.zeros_like(conv.bias), True
    for i, color in enumerate(wanted.order if grey else given.color_order):
        ours = 0 if grey else i
        mean, scale, channel = by_name[color]
        kernel = conv.kernel[:, :, channel] * scale
        shift = shift + kernel.sum((0, 1)) * (given.mean[ours] - mean)
        kernels.append(kernel / given.scale[ours])
        same_border &= abs(given.mean[ours] - mean) < 1e-3
    stacked = np.stack(kernels, 2)
    if grey:
        stacked = stacked.sum(2, keepdims=True)
    return replace(conv, kernel=stacked, bias=conv.bias + shift), same_border


def to_slots(conv: ConvNorm, *, has_bias: bool, has_norm: bool) -> tuple[Slots, Slots]:
    """Return the weights of our convolution and of our batch normalisation.

    Args:
        conv: what the pair shall compute.
        has_bias: our convolution has a bias; it must if there is no normalisation and the source
            has one.
        has_norm: our convolution is followed by batch normalisation, with `EPSILON`.

    Returns:
        Slots of the convolution, and of the normalisation, empty if there is none.
    """
    if not has_norm:
        return _single(_without_norm(conv), has_bias), {}
    norm = _norm_behind(conv, has_bias=has_bias)
    found = {
        "gamma": norm.gamma,
        "beta": norm.beta,
        "moving_mean": norm.mean,
        "moving_variance": norm.variance,
    }
    return _single(conv, has_bias), {slot: a.astype(np.float32) for slot, a in found.items()}


def _single(conv: ConvNorm, has_bias: bool) -> Slots:
    slots = {"kernel": conv.kernel.astype(np.float32)}
    return {**slots, "bias": conv.bias.astype(np.float32)} if has_bias else slots


def _without_norm(conv: ConvNorm) -> ConvNorm:
    """Return the same map as a convolution alone."""
    if conv.norm is None:
        return conv
    gamma, beta, mean, variance, epsilon = conv.norm
    factor = gamma / np.sqrt(variance + epsilon)
    return ConvNorm(conv.kernel * factor, beta + (conv.bias - mean) * factor)


def _norm_behind(conv: ConvNorm, *, has_bias: bool) -> Norm:
    """Return our normalisation; it takes over the bias where our convolution has none."""
    left = np.zeros_like(conv.bias) if has_bias else conv.bias
    if conv.norm is None:
        ones, zeros = np.ones_like(left), np.zeros_like(left)
        return Norm(np.sqrt(1 + EPSILON) * ones, left, zeros, ones, EPSILON)
    norm = conv.norm
    factor = np.sqrt((norm.variance + EPSILON) / (norm.variance + norm.epsilon))
    return norm._replace(gamma=norm.gamma * factor, mean=norm.mean - left, epsilon=EPSILON)
