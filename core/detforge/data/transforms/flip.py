"""Mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.affine import scaling, shifting

if TYPE_CHECKING:
    import numpy as np

    from detforge.data.transforms.draft import Draft
    from detforge.recipe import HorizontalFlip, VerticalFlip


def flip_horizontally(draft: Draft, transform: HorizontalFlip, rng: np.random.Generator) -> Draft:
    """Return the draft mirrored left and right, or as it is."""
    if rng.random() >= transform.probability:
        return draft
    return draft.moved(shifting(draft.size[0], 0) @ scaling(-1, 1), draft.size)


def flip_vertically(draft: Draft, transform: VerticalFlip, rng: np.random.Generator) -> Draft:
    """Return the draft mirrored top and bottom, or as it is."""
    if rng.random() >= transform.probability:
        return draft
    return draft.moved(shifting(0, draft.size[1]) @ scaling(1, -1), draft.size)
