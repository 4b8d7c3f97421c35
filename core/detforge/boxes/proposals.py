"""The regions that a proposal network asks to look at.

Faster R-CNN, section 3.1 (arXiv:1506.01497). Shape legend: B images, A anchors, K candidates, P
proposals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.clipping import clip_boxes, has_area
from detforge.boxes.coding import decode_boxes
from detforge.boxes.tiled_nms import keep_best

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tensor = Any

_NEVER = float("-inf")


def propose(
    scores: Tensor,
    deltas: Tensor,
    anchors_xyxy: Tensor,
    *,
    height: float | Tensor,
    width: float | Tensor,
    variances: Sequence[float],
    candidates: int,
    most: int,
    iou_threshold: float,
    min_side: float = 1.0,
) -> Tensor:
    """Return the best regions: decode, clip, drop small ones, best by score, suppress doubles.

    Args:
        scores: (B, A), of any range; NaN is no proposal. Equal scores: the lower anchor is better.
        deltas: (B, A, 4), see `encode_boxes`.
        anchors_xyxy: (A, 4), pixels.
        height: of the image, pixels.
        width: of the image, pixels.
        variances: divisors of the deltas.
        candidates: K, regions that go into suppression, the best by score.
        most: P, regions that come out of it.
        iou_threshold: largest overlap of two regions that are both kept.
        min_side: regions that are not wider and higher than this are dropped, pixels.

    Returns:
        float32 (B, P, 4), xyxy, pixels, best first; zeros where there are no more. Carries no
        gradient.
    """
    scores, deltas = (ops.cast(ops.stop_gradient(x), "float32") for x in (scores, deltas))
    boxes = clip_boxes(decode_boxes(deltas, anchors_xyxy, variances), height, width)
    usable = has_area(boxes, min_side) & ~ops.isnan(scores)
    scores = ops.where(usable, scores, _NEVER)
    if scores.shape[1] is None:  # images of any size: there may be fewer anchors than candidates
        scores = ops.pad(scores, ((0, 0), (0, candidates)), constant_values=_NEVER)
        boxes = ops.pad(boxes, ((0, 0), (0, candidates), (0, 0)))
    best, index = ops.top_k(scores, min(candidates, scores.shape[1] or candidates))
    boxes = take_rows(boxes, index)
    kept = keep_best(boxes, best > _NEVER, iou_threshold=iou_threshold, most=most)
    chosen = take_rows(boxes, ops.maximum(kept, 0))
    return ops.where((kept >= 0)[:, :, None], chosen, 0.0)


def take_rows(rows: Tensor, index: Tensor) -> Tensor:
    """Return (B, M, D): of the rows (B, N, D) of each image those that (B, M) names."""
    (images, count), depth = ops.shape(rows)[:2], rows.shape[2]
    # One flat gather, much faster than one along an axis.
    start = ops.arange(images, dtype="int32")[:, None] * count
    return ops.take(ops.reshape(rows, (-1, depth)), ops.cast(index, "int32") + start, axis=0)
