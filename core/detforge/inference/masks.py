"""Masks of detections, in the pixels of the source image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_THRESHOLD = 0.5


class PastedMask(NamedTuple):
    """The pixels that an object claims.

    Attributes:
        left: first column of `claimed` in the image.
        top: first row.
        claimed: bool (h, w), a part of the image; (0, 0) when the box lies beside it.
    """

    left: int
    top: int
    claimed: NDArray[np.bool_]


def paste_mask(
    mask: NDArray[np.floating], box_xyxy: NDArray[np.floating], width: int, height: int
) -> PastedMask:
    """Return a mask, enlarged to its box, where the image has pixels.

    As Mask R-CNN's authors score masks: with a border of zeros, so that edges fall off, and on a
    box of whole pixels, which includes its last ones.

    Args:
        mask: (m, n), probabilities inside the box.
        box_xyxy: (4,), pixels of the image; may stick out of it.
        width: of the image.
        height: of the image.
    """
    rows, columns = mask.shape
    x1, y1, x2, y2 = (float(value) for value in box_xyxy)
    across = (x2 - x1) * (columns + 2) / columns
    down = (y2 - y1) * (rows + 2) / rows
    left, right = (int((x1 + x2 + side) / 2) for side in (-across, across))
    top, bottom = (int((y1 + y2 + side) / 2) for side in (-down, down))
    size = max(right - left + 1, 1), max(bottom - top + 1, 1)
    enlarged = cv2.resize(np.pad(mask, 1).astype(np.float32), size)
    first_x, first_y = max(left, 0), max(top, 0)
    part = enlarged[first_y - top : max(height - top, 0), first_x - left : max(width - left, 0)]
    return PastedMask(first_x, first_y, part > _THRESHOLD)
