"""Non-maximum suppression with shapes known in advance.

Shape legend: B images, N boxes, C classes, K candidates (best first), T detections kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.iou import iou_matrix
from detforge.model import Detections

if TYPE_CHECKING:
    Tensor = Any

_NEVER = float("-inf")


def greedy_nms(
    boxes_xyxy: Tensor,
    scores: Tensor,
    *,
    iou_threshold: float,
    max_output: int,
    score_threshold: float = _NEVER,
) -> Tensor:
    """Return the boxes that no better box covers.

    The best remaining box is kept and all that overlap it by more than the threshold are
    dropped, again and again. Equal scores: the lower index is better.

    Args:
        boxes_xyxy: (N, 4), pixels.
        scores: (N,).
        iou_threshold: largest overlap of two boxes that are both kept.
        max_output: T, number of boxes returned at most.
        score_threshold: boxes at or below it are not looked at.

    Returns:
        int32 (T,): indices of the boxes kept, best first; -1 where there are no more.
    """
    if boxes_xyxy.shape[0] == 0:
        return ops.full((max_output,), -1, dtype="int32")
    top_scores, index = ops.top_k(ops.cast(scores, "float32"), scores.shape[0])
    kept = _keep_greedily(
        ops.take(boxes_xyxy, index, axis=0), top_scores > score_threshold, iou_threshold, max_output
    )
    best, position = _best(ops.where(kept, top_scores, _NEVER), max_output)
    return ops.where(best > _NEVER, ops.cast(ops.take(index, position), "int32"), -1)


def multiclass_nms(
    boxes_xyxy: Tensor,
    scores: Tensor,
    *,
    score_threshold: float,
    iou_threshold: float,
    max_per_class: int,
    max_total: int,
    candidates: int | None = None,
) -> Detections:
    """Return the best detections of all classes after greedy suppression within each.

    Same result as TensorFlow's `combined_non_max_suppression` without clipping.

    Args:
        boxes_xyxy: (B, N, 4), pixels, shared by all classes; or (B, N, C, 4).
        scores: (B, N, C), without a background channel; NaN is no detection.
        score_threshold: detections at or below it are dropped.
        iou_threshold: largest overlap of two detections of one class.
        max_per_class: detections of one class at most.
        max_total: T, detections of an image at most.
        candidates: boxes of each class that take part, the best by score; None for all.
            Memory and time grow with it.

    Returns:
        Detections padded to T. Carries no gradient.
    """
    boxes, scores = ops.stop_gradient(boxes_xyxy), ops.stop_gradient(scores)
    boxes, scores = ops.cast(boxes, "float32"), ops.cast(scores, "float32")
    if boxes.shape[1] == 0:
        return _no_detections(ops.shape(boxes)[0], max_total)
    width = min(candidates or boxes.shape[1], boxes.shape[1])
    scores = ops.where(ops.isnan(scores), _NEVER, scores)  # top_k sorts NaN anywhere
    top_scores, index = ops.top_k(ops.transpose(scores, (0, 2, 1)), width)
    top_boxes = _candidate_boxes(boxes, ops.cast(index, "int32"))
    kept = _keep_greedily(top_boxes, top_scores > score_threshold, iou_threshold, max_per_class)
    ranking = ops.reshape(ops.where(kept, top_scores, _NEVER), (-1, scores.shape[2] * width))
    best, position = _best(ranking, max_total)
    is_real = best > _NEVER
    flat_boxes = ops.reshape(top_boxes, (-1, scores.shape[2] * width, 4))
    detected = ops.take_along_axis(flat_boxes, position[:, :, None], axis=1)
    return Detections(
        boxes=ops.where(is_real[:, :, None], detected, 0.0),
        scores=ops.where(is_real, best, 0.0),
        labels=ops.where(is_real, position // width, 0),
        count=ops.sum(ops.cast(is_real, "int32"), axis=1),
    )


def _keep_greedily(boxes: Tensor, alive: Tensor, iou_threshold: float, max_keep: int) -> Tensor:
    """Return which candidates survive.

    Args:
        boxes: float32 (..., K, 4), best first.
        alive: bool (..., K), False for candidates that take no part.
        iou_threshold: see `greedy_nms`.
        max_keep: survivors at most, in each row.

    Returns:
        bool (..., K).
    """
    order = ops.arange(boxes.shape[-2], dtype="int32")

    def unfinished(round_: Tensor, alive: Tensor, kept: Tensor) -> Tensor:
        return (round_ < max_keep) & ops.any(alive)

    def step(round_: Tensor, alive: Tensor, kept: Tensor) -> tuple[Tensor, ...]:
        first = ops.cast(ops.argmax(ops.cast(alive, "int32"), axis=-1), "int32")[..., None]
        chosen = (order == first) & alive
        best = ops.take_along_axis(boxes, first[..., None], axis=-2)
        covered = iou_matrix(best, boxes)[..., 0, :] > iou_threshold
        # The chosen box is named too: without area it would not cover itself.
        return round_ + 1, alive & ~covered & ~chosen, kept | chosen

    start = (ops.zeros((), dtype="int32"), alive, ops.zeros_like(alive))
    return ops.while_loop(unfinished, step, start)[2]


def _candidate_boxes(boxes: Tensor, index: Tensor) -> Tensor:
    """Return float32 (B, C, K, 4), the boxes that (B, C, K) names, shared or by class."""
    shared = len(boxes.shape) == 3
    by_class = boxes[:, None] if shared else ops.transpose(boxes, (0, 2, 1, 3))
    images, groups, length = ops.shape(by_class)[0], by_class.shape[1], by_class.shape[2]
    # One flat gather: gathering along an axis would first repeat shared boxes C times.
    start = ops.reshape(ops.arange(images * groups, dtype="int32") * length, (-1, groups, 1))
    return ops.take(ops.reshape(by_class, (-1, 4)), index + start, axis=0)


def _best(ranking: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the `count` largest values (..., T) and their positions, padded with -inf and 0."""
    width = min(count, ranking.shape[-1])
    best, position = ops.top_k(ranking, width)
    padding = [(0, 0)] * (len(ranking.shape) - 1) + [(0, count - width)]
    best = ops.pad(best, padding, constant_values=_NEVER)
    return best, ops.pad(ops.cast(position, "int32"), padding)


def _no_detections(images: Tensor | int, max_total: int) -> Detections:
    return Detections(
        boxes=ops.zeros((images, max_total, 4), dtype="float32"),
        scores=ops.zeros((images, max_total), dtype="float32"),
        labels=ops.zeros((images, max_total), dtype="int32"),
        count=ops.zeros((images,), dtype="int32"),
    )
