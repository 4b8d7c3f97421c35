"""Sizes of the anchors that a spec names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def anchor_sizes(
    scales: Sequence[float], ratios: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Return width and height of the anchors of a cell, in the order in which they predict.

    Args:
        scales: sides of the squares of the same area, pixels; the slower index.
        ratios: width / height.
    """
    return tuple((scale * ratio**0.5, scale / ratio**0.5) for scale in scales for ratio in ratios)
