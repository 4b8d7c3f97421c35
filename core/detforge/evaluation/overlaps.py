"""How much masks overlap.

Shape legend: D detections, G objects, m x n mask inside a box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.masks import decode_mask
from detforge.inference.masks import paste_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detforge.data.samples import Sample
    from detforge.evaluation.matching import ImageResult
    from detforge.inference.masks import PastedMask


def with_masks(
    result: ImageResult,
    boxes: NDArray[np.floating],
    masks: NDArray[np.floating],
    sample: Sample,
    objects: NDArray[np.integer],
) -> ImageResult:
    """Return a result whose overlaps and areas are those of masks.

    Args:
        result: of one image.
        boxes: (D, 4), xyxy, source pixels, not clipped.
        masks: (D, m, n), probabilities inside the boxes.
        sample: the image, with masks.
        objects: (G,), which of the sample's objects those of `result` are.

    Raises:
        DatasetError: a mask of the sample cannot be read.
    """
    width, height = sample.width, sample.height
    found = [paste_mask(mask, box, width, height) for mask, box in zip(masks, boxes, strict=True)]
    encoded = sample.masks or ()
    gt_masks = [
        decode_mask(encoded[number], width, height, sample.place) > 0 for number in objects.tolist()
    ]
    gt_areas = np.array([np.count_nonzero(mask) for mask in gt_masks], np.float64)
    areas = np.array([np.count_nonzero(mask.claimed) for mask in found], np.float64)
    crowd = np.zeros(len(gt_masks), bool) if result.gt_crowd is None else result.gt_crowd
    overlaps = mask_overlaps(found, gt_masks, crowd)
    known = gt_areas if result.gt_areas is None else result.gt_areas
    return result._replace(areas=areas, gt_areas=known, overlaps=overlaps)


def mask_overlaps(
    found: Sequence[PastedMask], objects: Sequence[NDArray[np.bool_]], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return float64 (D, G): IoU of masks; with a crowd, the share of the detection inside it.

    Args:
        found: the pixels of each detection.
        objects: G masks, bool (H, W).
        crowd: bool (G,).
    """
    overlaps = np.zeros((len(found), len(objects)))
    sizes = [np.count_nonzero(mask) for mask in objects]
    for row, (left, top, claimed) in enumerate(found):
        size = np.count_nonzero(claimed)
        height, width = claimed.shape
        for column, mask in enumerate(objects):
            common = np.count_nonzero(mask[top : top + height, left : left + width] & claimed)
            union = size if crowd[column] else size + sizes[column] - common
            overlaps[row, column] = common / union if union else 0.0
    return overlaps
