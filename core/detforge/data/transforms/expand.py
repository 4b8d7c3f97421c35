"""Zoom out, as SSD does (section 3.6, arXiv:1512.02325)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.affine import shifting

if TYPE_CHECKING:
    import numpy as np

    from detforge.data.transforms.draft import Draft
    from detforge.recipe import Expand

_PROBABILITY = 0.5


def expand(draft: Draft, transform: Expand, rng: np.random.Generator) -> Draft:
    """Return the draft at a random place of a larger canvas, or as it is."""
    if rng.random() >= _PROBABILITY:
        return draft
    ratio = rng.uniform(transform.min_ratio, transform.max_ratio)
    width, height = (side * ratio for side in draft.size)
    left = rng.random() * (width - draft.size[0])
    top = rng.random() * (height - draft.size[1])
    return draft.moved(shifting(left, top), (width, height))
