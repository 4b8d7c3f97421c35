"""Which channels a layer keeps: norms, made comparable, merged where layers are tied, counted.

Legend: F channels of a layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from detforge.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Normalizer = Literal["max", "L2"]
Equalization = Literal["union", "intersection", "arithmetic_mean", "geometric_mean"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """How channels are chosen.

    A channel stays if its score is above the threshold. Its score is the L2 norm of the weights
    that make it, biases and normalisation left out, made comparable by the normaliser. A filter
    of zeros goes at threshold 0 too, and with it whatever constant its bias made of it.

    Attributes:
        threshold: 0 or more.
        normalizer: "max" divides the norms of a layer by the largest, so that scores are in
            [0, 1]; "L2" divides them by the norm of all its weights and multiplies by F, so that
            they lie around the root of F.
        equalization: where layers must keep the same channels, what becomes of a channel's
            scores: "union" the largest, "intersection" the smallest, or one of the means.
        granularity: the number of channels that stay is rounded up to a multiple of it, or to all.
        min_filters: that many stay at least, or all if a layer has fewer. A layer never loses its
            last channel.
        excluded: names of layers that keep all channels; so do the layers tied to them.

    Raises:
        UsageError: a value that no layer could be judged by.
    """

    threshold: float = 0.1
    normalizer: Normalizer = "max"
    equalization: Equalization = "union"
    granularity: int = 8
    min_filters: int = 16
    excluded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values outside of their range."""
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise UsageError(f"the pruning threshold is {self.threshold}; use a number from 0 on")
        if self.granularity < 1:
            raise UsageError(f"the pruning granularity is {self.granularity}; use 1 or more")
        if self.min_filters < 0:
            raise UsageError(f"the least number of filters is {self.min_filters}; use 0 or more")
        for value, kind in ((self.normalizer, Normalizer), (self.equalization, Equalization)):
            if value not in get_args(kind):
                known = ", ".join(get_args(kind))
                raise UsageError(f"channels cannot be chosen by {value!r}; use one of {known}")


def channel_norms(kernel: ArrayLike, axis: int) -> NDArray[np.float64]:
    """Return the L2 norm of each slice of a kernel along an axis, (F,)."""
    array = np.asarray(kernel)
    axes = list(range(array.ndim))
    # einsum, because a square of the whole kernel would be a second kernel in memory.
    return np.sqrt(np.einsum(array, axes, array, axes, [axis], dtype=np.float64))


def normalize(norms: NDArray[np.float64], normalizer: Normalizer) -> NDArray[np.float64]:
    """Return the scores of a layer, (F,), from its norms, (F,); of zeros alone they are zeros."""
    if not norms.any():
        return norms
    if normalizer == "max":
        return norms / norms.max()
    return norms / np.linalg.norm(norms) * norms.size


def equalize(
    scores: NDArray[np.float64],
    channels: NDArray[np.int64],
    count: int,
    equalization: Equalization,
) -> NDArray[np.float64]:
    """Return one score for each channel that layers share.

    Args:
        scores: (M,), all scores of all layers.
        channels: (M,), in [0, count), whose score each one is.
        count: number of channels.
        equalization: see `Selection`.

    Returns:
        (count,); NaN for a channel without a score.
    """
    merged = np.full(count, np.nan)
    if equalization == "union":
        np.fmax.at(merged, channels, scores)
    elif equalization == "intersection":
        np.fmin.at(merged, channels, scores)
    else:
        is_geometric = equalization == "geometric_mean"
        with np.errstate(divide="ignore", invalid="ignore"):  # log 0, and channels without a score
            terms = np.log(scores) if is_geometric else scores
            means = np.bincount(channels, terms, count) / np.bincount(channels, minlength=count)
            merged = np.exp(means) if is_geometric else means
    return merged


def select(scores: NDArray[np.float64], selection: Selection) -> NDArray[np.bool_]:
    """Return which of the channels of a layer stay; of equal scores those in front do.

    Args:
        scores: (F,), F at least 1.
        selection: threshold, granularity and minimum.
    """
    strong = int(np.count_nonzero(scores > selection.threshold))
    count = max(strong, min(selection.min_filters, scores.size), 1)
    count = min(math.ceil(count / selection.granularity) * selection.granularity, scores.size)
    is_kept = np.zeros(scores.size, bool)
    is_kept[np.argsort(-scores, kind="stable")[:count]] = True
    return is_kept
