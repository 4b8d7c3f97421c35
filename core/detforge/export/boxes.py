"""Boxes in an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.boxes.coding import MAX_LOG_GROWTH, MAX_SHIFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.export.graph import GlueGraph


def decode_boxes(
    graph: GlueGraph, deltas: str, anchors_xyxy: np.ndarray, variances: Sequence[float]
) -> str:
    """Add the nodes that move anchors by deltas; `detforge.boxes.coding.decode_boxes` in ONNX.

    Args:
        graph: changed.
        deltas: tensor float32 (batch, A, 4), order cx, cy, w, h.
        anchors_xyxy: float (A, 4), pixels.
        variances: four divisors used to encode, in the order of the deltas.

    Returns:
        Tensor float32 (batch, A, 4), xyxy, pixels; not clipped.
    """
    anchors = np.asarray(anchors_xyxy, np.float32)
    factors = np.asarray(variances, np.float32)
    centres, sizes = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    halves = graph.constant(np.array([2, 2], np.int64))
    shift, stretch = graph.node("Split", [deltas, halves], outputs=2, axis=-1)
    sides = graph.node("Mul", [shift, graph.constant(factors[:2])])
    sides = graph.node("Clip", [sides, _scalar(graph, -MAX_SHIFT), _scalar(graph, MAX_SHIFT)])
    offset = graph.node("Mul", [sides, graph.constant(sizes)])
    centre = graph.node("Add", [offset, graph.constant(centres)])
    exponent = graph.node("Mul", [stretch, graph.constant(factors[2:])])
    exponent = graph.node("Min", [exponent, _scalar(graph, MAX_LOG_GROWTH)])
    half_size = graph.node("Mul", [graph.node("Exp", [exponent]), graph.constant(sizes / 2)])
    corners = [graph.node("Sub", [centre, half_size]), graph.node("Add", [centre, half_size])]
    return graph.node("Concat", corners, axis=-1)


def _scalar(graph: GlueGraph, value: float) -> str:
    return graph.constant(np.array(value, np.float32))
