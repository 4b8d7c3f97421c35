"""Non-maximum suppression in an ONNX graph; same results as `detforge.boxes.nms`.

Shape legend: batch images, N boxes, C classes, W boxes of each class that take part, T
detections kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from detforge.errors import ExportError
from detforge.model import Detections

if TYPE_CHECKING:
    from detforge.export.graph import GlueGraph


def multiclass_nms(
    graph: GlueGraph,
    boxes_xyxy: str,
    scores: str,
    *,
    score_threshold: float,
    iou_threshold: float,
    max_per_class: int,
    max_total: int,
    candidates: int | None = None,
) -> Detections:
    """Add the nodes that keep the best detections of all classes.

    Args:
        graph: changed.
        boxes_xyxy: tensor float32 (batch, N, 4), pixels, shared by all classes; or
            (batch, N, C, 4).
        scores: tensor float32 (batch, N, C), without a background channel; NaN is no detection.
        score_threshold: detections at or below it are dropped; at least 0.
        iou_threshold: largest overlap of two detections of one class.
        max_per_class: detections of one class at most.
        max_total: T, detections of an image at most.
        candidates: boxes of each class that take part, the best by score; None for all.

    Returns:
        Names of tensors: boxes (batch, T, 4), scores (batch, T), labels int64 (batch, T), count
        int64 (batch, 1); zeros where padded. Fit for `GlueGraph.detections`.

    Raises:
        ExportError: N or C depend on the batch, or the threshold is below 0.
    """
    if score_threshold < 0:
        raise ExportError(f"the score threshold is {score_threshold}; use 0 or more")
    _, count, classes = graph.shape(scores)
    if count is None or classes is None:
        raise ExportError("the numbers of boxes and classes must be known at export")
    width = min(candidates or count, count)
    limit = min(max_total, classes * width)
    shared = width == count and len(graph.shape(boxes_xyxy)) == 3
    by_class = graph.node("Transpose", [scores], perm=[0, 2, 1])
    # Runtimes sort NaN anywhere; nothing real may lose its place to one.
    is_nan, zero = graph.node("IsNaN", [by_class]), graph.constant(np.array(0, np.float32))
    by_class = graph.node("Where", [is_nan, zero, by_class])
    if not shared:
        boxes_xyxy, by_class = _one_class_images(graph, boxes_xyxy, by_class, width)
    kept = _suppress(graph, boxes_xyxy, by_class, score_threshold, iou_threshold, max_per_class)
    ranking = graph.node("Reshape", [kept, _lengths(graph, -1, classes * width)])
    best, position, is_real = _best(graph, ranking, limit)
    labels = graph.node("Div", [position, _scalar(graph, width)])
    if shared:
        position = graph.node("Mod", [position, _scalar(graph, width)])
    else:
        boxes_xyxy = graph.node("Reshape", [boxes_xyxy, _lengths(graph, -1, classes * width, 4)])
    detected = _gather_rows(graph, boxes_xyxy, position)
    return _padded(graph, detected, best, labels, is_real, max_total - limit)


def _one_class_images(graph: GlueGraph, boxes: str, scores: str, width: int) -> tuple[str, str]:
    """Give each class boxes of its own; the operator shares the boxes of an image.

    Args:
        graph: changed.
        boxes: (batch, N, 4) or (batch, N, C, 4).
        scores: (batch, C, N).
        width: W.

    Returns:
        boxes (batch * C, W, 4), scores (batch * C, 1, W).
    """
    _, classes, count = graph.shape(scores)
    shared = len(graph.shape(boxes)) == 3
    if not shared:
        boxes = graph.node("Transpose", [boxes], perm=[0, 2, 1, 3])
    if width < (count or 0):
        scores, index = graph.node("TopK", [scores, _lengths(graph, width)], outputs=2, axis=2)
        if shared:
            rows = graph.node("Reshape", [index, _lengths(graph, -1, (classes or 0) * width)])
            boxes = _gather_rows(graph, boxes, rows)
        else:
            rows = graph.node("Unsqueeze", [index, _lengths(graph, 3)])
            boxes = graph.node("GatherND", [boxes, rows], batch_dims=2)
    boxes = graph.node("Reshape", [boxes, _lengths(graph, -1, width, 4)])
    return boxes, graph.node("Reshape", [scores, _lengths(graph, -1, 1, width)])


def _suppress(
    graph: GlueGraph,
    boxes: str,
    scores: str,
    score_threshold: float,
    iou_threshold: float,
    max_per_class: int,
) -> str:
    """Return the scores with 0 in place of all that are suppressed."""
    # The operator wants (y1, x1, y2, x2); overlap does not change when x and y change places.
    selected = graph.node(
        "NonMaxSuppression",
        [
            boxes,
            scores,
            _lengths(graph, max_per_class),
            graph.constant(np.array([iou_threshold], np.float32)),
            graph.constant(np.array([score_threshold], np.float32)),
        ],
    )
    zeros = graph.node("Sub", [scores, scores])
    return graph.node("ScatterND", [zeros, selected, graph.node("GatherND", [scores, selected])])


def _best(graph: GlueGraph, ranking: str, limit: int) -> tuple[str, str, str]:
    """Return scores, positions and whether they are real, (batch, limit) each, best first."""
    best, position = graph.node("TopK", [ranking, _lengths(graph, limit)], outputs=2, axis=1)
    is_real = graph.node("Greater", [best, graph.constant(np.array(0, np.float32))])
    # What was suppressed has a position too; padding must be box 0 of class 0.
    return best, graph.node("Where", [is_real, position, _scalar(graph, 0)]), is_real


def _gather_rows(graph: GlueGraph, boxes: str, rows: str) -> str:
    """Return float32 (batch, R, 4), the boxes (batch, N, 4) that (batch, R) names."""
    index = graph.node("Unsqueeze", [rows, _lengths(graph, 2)])
    return graph.node("GatherND", [boxes, index], batch_dims=1)


def _padded(
    graph: GlueGraph, boxes: str, scores: str, labels: str, is_real: str, missing: int
) -> Detections:
    """Blank the boxes that are not real, append `missing` empty rows and count."""
    column = graph.node("Unsqueeze", [is_real, _lengths(graph, 2)])
    boxes = graph.node("Where", [column, boxes, graph.constant(np.array(0, np.float32))])
    ones = graph.node("Cast", [is_real], to=TensorProto.INT64)
    count = graph.node("ReduceSum", [ones, _lengths(graph, 1)], keepdims=1)
    if missing:
        boxes = graph.node("Pad", [boxes, _lengths(graph, 0, 0, 0, 0, missing, 0)])
        scores = graph.node("Pad", [scores, _lengths(graph, 0, 0, 0, missing)])
        labels = graph.node("Pad", [labels, _lengths(graph, 0, 0, 0, missing)])
    return Detections(boxes=boxes, scores=scores, labels=labels, count=count)


def _lengths(graph: GlueGraph, *lengths: int) -> str:
    return graph.constant(np.array(lengths, np.int64))


def _scalar(graph: GlueGraph, value: int) -> str:
    return graph.constant(np.array(value, np.int64))
