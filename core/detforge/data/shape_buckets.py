"""Few shapes for images of many sizes: each new shape of a batch is a program to compile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.framing import network_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.samples import SampleSource
    from detforge.recipe import InputFormat

log = logging.getLogger(__name__)

_MOST = 8


class Buckets(NamedTuple):
    """The shapes of a run's batches.

    Attributes:
        sizes: (width, height) of each shape, pixels.
        of_row: int64 (N,), number of the shape of each image.
    """

    sizes: tuple[tuple[int, int], ...]
    of_row: NDArray[np.int64]


def find_buckets(source: SampleSource, format: InputFormat) -> Buckets:
    """Return the shapes for the images of a source: one where all have the same network input.

    Otherwise every image is read once for its size.

    Raises:
        DatasetError: an image cannot be read.
    """
    if not format.shorter_side:
        return Buckets(((format.width, format.height),), np.zeros(len(source), np.int64))
    log.info("reading the sizes of %d images, from which the shapes of batches follow", len(source))
    samples = (source[row] for row in range(len(source)))
    sizes = [network_size(format, sample.width, sample.height) for sample in samples]
    return buckets_of(np.array(sizes))


def buckets_of(sizes: NDArray[np.integer], most: int = _MOST) -> Buckets:
    """Return shapes that hold the given sizes.

    Each size is a shape of its own if there are few; otherwise neighbours in width over height
    share one, equally many images each.

    Args:
        sizes: (N, 2), width and height.
        most: shapes.
    """
    different, of_row = np.unique(sizes, axis=0, return_inverse=True)
    of_row = of_row.ravel()
    if len(different) > most:
        ratios = different[:, 0] / different[:, 1]
        ranks = np.argsort(ratios, kind="stable")
        before = np.cumsum(np.bincount(of_row)[ranks]) - np.bincount(of_row)[ranks]
        shares = np.empty(len(different), np.int64)
        shares[ranks] = before * most // len(sizes)
        _, shares = np.unique(shares, return_inverse=True)
        of_row = shares[of_row]
    shapes = [sizes[of_row == number].max(axis=0) for number in range(of_row.max() + 1)]
    return Buckets(tuple((int(width), int(height)) for width, height in shapes), of_row)
