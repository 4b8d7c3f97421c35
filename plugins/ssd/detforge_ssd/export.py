"""The weightless nodes of SSD's exported graph: softmax, decode, NMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.export.boxes import decode_boxes
from detforge.export.nms import multiclass_nms

if TYPE_CHECKING:
    from detforge.export.graph import GlueGraph
    from detforge_ssd.model import SSD


def add_glue(model: SSD, graph: GlueGraph) -> None:
    """Add what `SSD.detect` does after the network, in ONNX operators."""
    logits, deltas = graph.part("detector", graph.images)
    probabilities = graph.node("Softmax", [logits], axis=-1)
    first, end, axis = (graph.constant(np.array([i], np.int64)) for i in (1, 2**31, 2))
    scores = graph.node("Slice", [probabilities, first, end, axis])  # without the background
    boxes = decode_boxes(graph, deltas, model.anchors, model.settings.variances)
    graph.detections(*multiclass_nms(graph, boxes, scores, **model.settings.nms))
