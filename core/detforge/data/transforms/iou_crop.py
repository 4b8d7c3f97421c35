"""Zoom in on a patch that overlaps an object enough (SSD, section 2.2, arXiv:1512.02325).

Shape legend: M boxes, T tries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.affine import shifting
from detforge.data.boxes import iou_matrix_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.transforms.draft import Draft
    from detforge.recipe import IouCrop

# The whole image, a patch with one of these overlaps, or any patch; each with the same chance.
_MIN_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
_TRIES = 50
_ROUNDS = 50


def crop_by_iou(draft: Draft, transform: IouCrop, rng: np.random.Generator) -> Draft:
    """Return a patch of the draft with the objects whose centre it holds, or the draft."""
    patch = draw_patch(draft.size, draft.boxes, transform, rng)
    if patch is None:
        return draft
    x1, y1, x2, y2 = patch.tolist()
    draft = draft.holding(holds_centre(patch, draft.boxes))
    return draft.moved(shifting(-x1, -y1), (x2 - x1, y2 - y1))


def draw_patch(
    size: tuple[float, float],
    boxes: NDArray[np.float64],
    transform: IouCrop,
    rng: np.random.Generator,
) -> NDArray[np.float64] | None:
    """Return a patch that overlaps an object enough and holds the centre of one, or None.

    How much is enough is drawn anew until a patch is found; "no patch" is among the draws.
    Departs from SSD in one point: a patch without the centre of any object, which would leave an
    image without objects, is not taken.

    Args:
        size: (width, height) of what there is to crop.
        boxes: float64 (M, 4), xyxy.
        transform: sizes and shapes of the patch.
        rng: where all draws come from.

    Returns:
        float64 (4,), xyxy.
    """
    if not len(boxes):
        return None
    for _ in range(_ROUNDS):
        choice = int(rng.integers(len(_MIN_IOUS) + 1))
        if choice == len(_MIN_IOUS):
            break
        patches = _draw_patches(size, transform, rng)
        is_good = (iou_matrix_numpy(patches, boxes) > _MIN_IOUS[choice]).any(axis=1)
        is_good &= holds_centre(patches[:, np.newaxis], boxes).any(axis=1)
        if is_good.any():
            return patches[int(is_good.argmax())]
    return None


def _draw_patches(
    size: tuple[float, float], transform: IouCrop, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return float64 (up to T, 4): patches of an allowed shape, xyxy."""
    draws = rng.random((_TRIES, 4))
    scales = transform.min_scale + draws[:, :2] * (transform.max_scale - transform.min_scale)
    sizes = scales * size
    starts = draws[:, 2:] * (size - sizes)
    ratios = sizes[:, 0] / sizes[:, 1]
    allowed = (ratios >= transform.min_aspect_ratio) & (ratios <= transform.max_aspect_ratio)
    return np.concatenate([starts, starts + sizes], axis=1)[allowed]


def holds_centre(patch: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which boxes have their centre in a patch.

    Args:
        patch: float64 (4,), xyxy, or (..., 1, 4) for several.
        boxes: float64 (M, 4), xyxy.

    Returns:
        bool (M,), or (..., M).
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (centres >= patch[..., :2]) & (centres < patch[..., 2:])
    return np.asarray(inside.all(axis=-1))
