"""Channels by number: which ones are tied, and which must stay.

The last axis of a tensor is an array of channel numbers, `Channels`: a convolution makes new
ones, pooling passes on what comes in, concatenation puts arrays behind each other, flattening
repeats them. What adds two tensors ties their channels one by one. Tied channels stay or go
together, whatever became of the arrays in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Channels = NDArray[np.int64]
"""(C,), the channel that each position of a tensor's last axis belongs to."""


class ChannelGraph:
    """The channels of all tensors of a model, numbered as they are met."""

    def __init__(self) -> None:
        self._count = 0
        self._ties: list[tuple[Channels, Channels]] = []
        self._whole: list[Channels] = []

    def new(self, width: int) -> Channels:
        """Return channels that nothing is known of yet."""
        self._count += width
        return np.arange(self._count - width, self._count)

    def new_whole(self, width: int) -> Channels:
        """Return new channels that all stay."""
        channels = self.new(width)
        self.keep(channels)
        return channels

    def keep(self, channels: Channels) -> None:
        """Let channels, and what is tied to them, stay."""
        self._whole.append(channels)

    def tie(self, tensors: Sequence[Channels]) -> Channels:
        """Tie tensors position by position, and return the channels of what they make together.

        A tensor of one channel among wider ones is spread over their channels, and stays.
        """
        width = max(channels.size for channels in tensors)
        for channels in tensors:
            if channels.size < width:
                self.keep(channels)
        first, *others = (channels for channels in tensors if channels.size == width)
        self._ties.extend((first, other) for other in others)
        return first

    def roots(self) -> NDArray[np.int64]:
        """Return channel -> the lowest channel that it is tied to, itself if to none, (count,)."""
        root = np.arange(self._count)
        one = np.concatenate([np.empty(0, np.int64), *(a for a, _ in self._ties)])
        other = np.concatenate([np.empty(0, np.int64), *(b for _, b in self._ties)])
        # Trees of tied channels: each round hangs every tree that has a lower neighbour below it,
        # so that at most half of them are left, and then flattens all.
        while (root[one] != root[other]).any():
            lower = np.minimum(root[one], root[other])
            np.minimum.at(root, root[one], lower)
            np.minimum.at(root, root[other], lower)
            while (root != root[root]).any():
                root = root[root]
        return root

    def is_whole(self, root: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which roots stay, (count,); false for what is no root."""
        is_whole = np.zeros(self._count, bool)
        for channels in self._whole:
            is_whole[root[channels]] = True
        return is_whole


def find_pieces(memberships: Iterable[Channels], count: int) -> NDArray[np.int64]:
    """Return the piece that each of ``count`` channels is in, (count,); 0 if it is in no group.

    A piece is all channels that are in the same groups. Where layers of 32 and of 64 channels are
    concatenated and tied to one of 96, there are two pieces, of 32 and of 64.

    Args:
        memberships: the channels of each group, in any order, more than once if need be.
        count: number of channels.
    """
    piece = np.zeros(count, np.int64)
    pieces = 1
    for channels in memberships:
        split, number = np.unique(piece[channels], return_inverse=True)
        piece[channels] = pieces + number
        pieces += split.size
    return piece
