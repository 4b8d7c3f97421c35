"""What each anchor should predict.

Shape legend: B images, A anchors, N boxes (padded).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.coding import encode_boxes
from detforge.boxes.matching import NEUTRAL, match_anchors

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tensor = Any


def assign_targets(
    anchors: Tensor,
    boxes: Tensor,
    labels: Tensor,
    ignore: Tensor,
    *,
    variances: Sequence[float],
    positive_iou: float,
    negative_iou: float,
) -> tuple[Tensor, Tensor]:
    """Return the class and the box deltas that each anchor should predict.

    SSD, section 2.2 (arXiv:1512.02325); see `detforge.boxes.match_anchors`. Background is
    class 0 of the softmax, label k is class k + 1.

    Args:
        anchors: float32 (A, 4), xyxy, pixels.
        boxes: float32 (B, N, 4), xyxy, pixels.
        labels: int32 (B, N), -1 for padding. A box without area counts as padding too.
        ignore: bool (B, N), objects that get no anchor and are no background either.
        variances: divisors of the deltas, in the order cx, cy, w, h.
        positive_iou: least overlap of an anchor that was not first choice of a box.
        negative_iou: anchors with at least this overlap are no background.

    Returns:
        class_targets int32 (B, A): 0 background, -1 neutral, else the class.
        delta_targets float32 (B, A, 4): 0 where the anchor has no object.
        Neither carries a gradient.
    """
    boxes = ops.stop_gradient(ops.cast(boxes, "float32"))
    is_object = ops.cast(labels, "int32") >= 0
    matched = match_anchors(
        anchors,
        boxes,
        is_object,
        positive_iou=positive_iou,
        negative_iou=negative_iou,
        ignore=is_object & ops.cast(ignore, "bool"),
    )
    background = ops.where(matched == NEUTRAL, -1, 0)
    if boxes.shape[1] == 0:
        return background, ops.zeros((*ops.shape(matched), 4), dtype="float32")
    has_object = matched >= 0
    box = ops.maximum(matched, 0)
    label = ops.take_along_axis(ops.cast(labels, "int32"), box, axis=1)
    matched_boxes = ops.take_along_axis(boxes, box[:, :, None], axis=1)
    deltas = encode_boxes(matched_boxes, anchors, variances)
    # Encoding padding, or against an anchor that clipping left without area, is not finite.
    deltas = ops.where(has_object[:, :, None], deltas, 0.0)
    return ops.where(has_object, label + 1, background), deltas
