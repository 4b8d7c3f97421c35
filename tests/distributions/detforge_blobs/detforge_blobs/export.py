"""The nodes between the parts and after them: peaks, boxes, the features of each peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge_blobs.model import STRIDE
from detforge_blobs.plugin import MASK_SIZE

if TYPE_CHECKING:
    from detforge.export.graph import GlueGraph
    from detforge_blobs.model import Blobs


def add_glue(model: Blobs, graph: GlueGraph) -> None:
    """Add what `Blobs.detect` does around its parts."""
    rows, columns = model.grid
    classes = model.classes

    def ints(*values: int) -> str:
        return graph.constant(np.array(values, np.int64))

    heat, sides, features = graph.part("dense", graph.images)
    grid = graph.node("Transpose", [graph.node("Sigmoid", [heat])], perm=[0, 2, 1])
    grid = graph.node("Reshape", [grid, ints(-1, classes, rows, columns)])
    tops = graph.node("MaxPool", [grid], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    peaks = graph.node(
        "Where", [graph.node("GreaterOrEqual", [grid, tops]), grid, graph.constant(np.float32(0))]
    )
    peaks = graph.node("Transpose", [peaks], perm=[0, 2, 3, 1])
    peaks = graph.node("Reshape", [peaks, ints(-1, rows * columns * classes)])
    scores, index = graph.node("TopK", [peaks, ints(model.peaks)], outputs=2, axis=1)
    cell = graph.node("Div", [index, ints(classes)])
    labels = graph.node("Mod", [index, ints(classes)])
    at = graph.node("Unsqueeze", [cell, ints(2)])

    def gather(cells: str) -> str:
        return graph.node("GatherND", [cells, at], batch_dims=1)

    y, x = np.mgrid[:rows, :columns].reshape(2, -1).astype(np.float32) * STRIDE + STRIDE / 2
    reach = graph.node("Mul", [graph.node("Softplus", [sides]), graph.constant(np.float32(STRIDE))])
    low, high = graph.node("Split", [reach, ints(2, 2)], outputs=2, axis=-1)
    centres = graph.constant(np.stack([x, y], -1))
    boxes = graph.node(
        "Concat", [graph.node("Sub", [centres, low]), graph.node("Add", [centres, high])], axis=-1
    )
    (masks,) = graph.part("masks", gather(features))
    masks = graph.node("Sigmoid", [masks])
    masks = graph.node("Reshape", [masks, ints(-1, model.peaks, MASK_SIZE, MASK_SIZE)])
    is_real = graph.node("Greater", [scores, graph.constant(np.float32(0))])
    count = graph.node("ReduceSum", [graph.node("Cast", [is_real], to=7), ints(1)], keepdims=1)
    graph.detections(gather(boxes), scores, labels, count, masks)
