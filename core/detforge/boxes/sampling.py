"""Random choices with shapes known in advance, the same on every backend.

Nothing is kept between two calls: a choice depends on its seed and on nothing else, so that a run
which goes on chooses as if it had never stopped.

Shape legend: B images, A elements of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

if TYPE_CHECKING:
    Tensor = Any

_LAST = -(2**31)
# Of MurmurHash3's finaliser for 32 bits, as signed numbers.
_FACTORS = (0x85EBCA6B - 2**32, 0xC2B2AE35 - 2**32)
_SHIFTS = (16, 13, 16)
# 2**32 over the golden ratio: keeps the streams of one seed apart.
_STREAM_STEP = 0x9E3779B9 - 2**32


def random_order(among: Tensor, seeds: Tensor, *, most: int, stream: int = 0) -> Tensor:
    """Return which elements come first in a random order of those that take part.

    Args:
        among: bool (B, A), which take part.
        seeds: int32 (B,), one an image.
        most: M, how many of the order are wanted; A at most.
        stream: another number gives another order for the same seed.

    Returns:
        int32 (B, M): indices in random order; behind those that take part come others.
    """
    keys = _keys(among, seeds, stream)
    return ops.cast(ops.top_k(keys, most)[1], "int32")


def choose_randomly(
    among: Tensor, count: int | Tensor, seeds: Tensor, *, most: int, stream: int = 0
) -> Tensor:
    """Return a random choice of at most `count` elements, each set of them equally likely.

    Args:
        among: bool (B, A), which may be chosen.
        count: how many are wanted of each image: a number or int32 (B,). All that take part are
            chosen where there are fewer.
        seeds: int32 (B,), one an image.
        most: the largest count that is possible.
        stream: another number gives another choice for the same seed.

    Returns:
        bool (B, A).
    """
    keys = _keys(among, seeds, stream)
    most = max(most, 1)
    if among.shape[1] is None:  # images of any size: there may be fewer elements
        padded = ops.pad(keys, ((0, 0), (0, most)), constant_values=_LAST)
        best = ops.top_k(padded, most)[0]
    else:
        best = ops.top_k(keys, min(most, among.shape[1]))[0]
    count = ops.broadcast_to(ops.cast(count, "int32"), ops.shape(best[:, 0]))
    place = ops.clip(count - 1, 0, best.shape[1] - 1)
    least = ops.take_along_axis(best, place[:, None], axis=1)
    return among & (keys >= least) & (count > 0)[:, None]


def _keys(among: Tensor, seeds: Tensor, stream: int) -> Tensor:
    """Return a random number for each element, int32 (B, A); the least where it takes no part.

    Those of an image differ from each other: mixing maps no two numbers onto one.
    """
    offset = (stream * _STREAM_STEP + 2**31) % 2**32 - 2**31
    start = _mix(_mix(ops.cast(seeds, "int32")) + offset)
    index = ops.arange(ops.shape(among)[1], dtype="int32")
    keys = _mix(ops.bitwise_xor(start[:, None], index[None, :]))
    return ops.where(among, keys, _LAST)


def _mix(bits: Tensor) -> Tensor:
    """Return int32 of which each bit depends on all bits: MurmurHash3's finaliser."""
    bits = _fold(bits, _SHIFTS[0]) * _FACTORS[0]
    bits = _fold(bits, _SHIFTS[1]) * _FACTORS[1]
    return _fold(bits, _SHIFTS[2])


def _fold(bits: Tensor, shift: int) -> Tensor:
    # Signed numbers shift ones in from the left; the mask takes them away again.
    high = ops.bitwise_and(ops.bitwise_right_shift(bits, shift), 2 ** (32 - shift) - 1)
    return ops.bitwise_xor(bits, high)
