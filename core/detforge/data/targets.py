"""What a view of an image asks the network to find.

Shape legend: N objects of the image, M objects of the view, m mask side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.labels import to_labels
from detforge.data.masks import decode_mask
from detforge.data.rendering import render_mask
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.augment import View
    from detforge.data.samples import Sample
    from detforge.recipe import Classes, Data


class Target(NamedTuple):
    """The objects of a view; see `detforge.model.Batch`.

    Attributes:
        boxes: float32 (M, 4).
        labels: int32 (M,).
        ignore: bool (M,).
        masks: float32 (M, m, m), or None.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int32]
    ignore: NDArray[np.bool_]
    masks: NDArray[np.float32] | None


class Objects(NamedTuple):
    """The objects of an image that training is about.

    Attributes:
        rows: int64 (M,), which of the sample's they are.
        labels: int32 (M,).
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int32]


def find_objects(sample: Sample, classes: Classes, *, skip_crowd: bool) -> Objects:
    """Return the objects with a label: KITTI's DontCare has none."""
    labels = to_labels(sample.class_names, classes)
    wanted = labels >= 0
    if skip_crowd:
        wanted &= ~sample.crowd
    return Objects(np.flatnonzero(wanted), labels[wanted])


def make_target(sample: Sample, objects: Objects, view: View, data: Data, most: int) -> Target:
    """Return the objects of a view, the largest ones if there are too many.

    Args:
        sample: the image.
        objects: of the image; the view tells which of them it kept.
        view: what is seen.
        data: which objects to ignore, and the side of masks.
        most: objects.

    Raises:
        DatasetError: masks are asked for, and the data has none.
    """
    chosen = _largest(view.boxes, most)
    boxes, kept = view.boxes[chosen], view.kept[chosen]
    rows = objects.rows[kept]
    ignore = sample.crowd[rows]
    if not data.include_difficult:
        ignore = ignore | sample.difficult[rows]
    masks = _crop_masks(sample, view, rows, boxes, data.mask_size) if data.mask_size else None
    return Target(boxes, objects.labels[kept], ignore, masks)


def _largest(boxes: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Return which boxes are the largest, in their order."""
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.sort(np.argsort(-areas, kind="stable")[:most])


def _crop_masks(
    sample: Sample, view: View, rows: NDArray[np.int64], boxes: NDArray[np.float32], side: int
) -> NDArray[np.float32]:
    """Return float32 (M, m, m): each mask inside what is left of its box.

    One mask of the size of the image is in memory at a time.

    Raises:
        DatasetError: the data has no masks.
    """
    masks = np.zeros((len(rows), side, side), np.float32)
    if not len(rows):
        return masks
    if sample.masks is None:
        raise DatasetError(
            f"{sample.place} has objects without masks, and this detector learns masks; use data "
            "with outlines, such as COCO with segmentations"
        )
    for mask, row, box in zip(masks, rows, boxes, strict=True):
        full = decode_mask(sample.masks[row], sample.width, sample.height, sample.place)
        mask[:] = render_mask(full, view.placement, box, side)
    return masks
