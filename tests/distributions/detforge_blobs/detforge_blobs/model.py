"""Blobs: a class heatmap and a box at stride 8, a mask for each peak.

Shape legend: B images, h x w cells, C classes, N objects, K peaks, F features, m mask side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from detforge.backbones.layers import batch_norm, conv
from detforge.model import Batch, DetectionModel, Detections, Join
from detforge_blobs.plugin import MASK_SIZE

if TYPE_CHECKING:
    from detforge.recipe import Recipe
    from detforge_blobs import spec_pb2

STRIDE = 8


class Blobs(DetectionModel):
    """Peaks of a heatmap, in the manner of CenterNet (arXiv:1904.07850)."""

    def __init__(self, recipe: Recipe, config: spec_pb2.BlobsConfig, peaks: int | None) -> None:
        form, self.classes = recipe.input, len(recipe.classes.names)
        self.peaks = config.top_k if peaks is None else peaks
        self.grid = (form.height // STRIDE, form.width // STRIDE)
        images = x = keras.Input((form.height, form.width, form.channels), name="images")
        for i, (scale, stride) in enumerate(((1, 2), (2, 2), (4, 2), (4, 1))):
            x = conv(x, scale * config.width, 3, f"conv_{i}", stride=stride)
            x = keras.layers.ReLU(name=f"relu_{i}")(batch_norm(x, f"bn_{i}"))
        cells = self.grid[0] * self.grid[1]
        outputs = [
            keras.layers.Reshape((cells, n), name=f"{name}_cells")(y)
            for name, n, y in (
                ("heat", self.classes, conv(x, self.classes, 1, "heat", use_bias=True)),
                ("sides", 4, conv(x, 4, 1, "sides", use_bias=True)),
                ("features", 4 * config.width, x),
            )
        ]
        vector = keras.Input((None, 4 * config.width), name="features")
        mask = keras.layers.Dense(64, activation="relu", name="mask_0")(vector)
        mask = keras.layers.Dense(MASK_SIZE**2, name="mask_1")(mask)
        self.parts = {
            "dense": keras.Model(images, outputs, name="dense"),
            "masks": keras.Model(vector, mask, name="masks"),
        }
        self.joins = [Join("dense", 2, "masks", 0)]
        self.input_shapes = {"masks": [(1, self.peaks, 4 * config.width)]}

    def losses(self, batch: Batch, *, training: bool) -> dict[str, Any]:
        """Return heatmap, box and mask losses at the cells of the objects' centres."""
        heat, sides, features = self.parts["dense"](batch["images"], training=training)
        boxes = batch["boxes"]
        real = ops.cast((batch["labels"] >= 0) & ~batch["ignore"], "float32")  # (B, N)
        cell = self._cell(boxes)
        where = ops.one_hot(cell, self.grid[0] * self.grid[1]) * real[..., None]
        kind = ops.one_hot(batch["labels"], self.classes)
        target = ops.minimum(ops.einsum("bna,bnc->bac", where, kind), 1.0)
        # Peaks are rare: without the weight an empty heatmap is a good answer.
        bce = ops.binary_crossentropy(target, heat, from_logits=True) * (1 + 20 * target)
        count = ops.maximum(ops.sum(real), 1.0)
        got = ops.take_along_axis(sides, cell[..., None], axis=1)
        error = ops.abs(self._boxes(got, cell) - boxes) / STRIDE
        at = ops.take_along_axis(features, cell[..., None], axis=1)
        masks = self.parts["masks"](at, training=training)
        wanted = ops.reshape(batch["masks"], ops.shape(masks))
        mask_bce = ops.mean(ops.binary_crossentropy(wanted, masks, from_logits=True), -1)
        return {
            "heat": ops.sum(bce) / count,
            "box": 0.25 * ops.sum(ops.sum(error, -1) * real) / count,
            "mask": ops.sum(mask_bce * real) / count,
        }

    def detect(self, images: Any) -> Detections:
        """Return the highest peaks, a box and a mask each."""
        heat, sides, features = self.parts["dense"](images, training=False)
        grid = ops.reshape(ops.sigmoid(heat), (-1, *self.grid, self.classes))
        tops = ops.max_pool(grid, 3, 1, padding="same")
        peaks = ops.reshape(ops.where(grid >= tops, grid, 0.0), (-1, heat.shape[1] * self.classes))
        scores, index = ops.top_k(peaks, self.peaks)
        cell, labels = index // self.classes, index % self.classes
        boxes = self._boxes(ops.take_along_axis(sides, cell[..., None], axis=1), cell)
        masks = self.parts["masks"](ops.take_along_axis(features, cell[..., None], axis=1))
        masks = ops.reshape(ops.sigmoid(masks), (-1, self.peaks, MASK_SIZE, MASK_SIZE))
        count = ops.sum(ops.cast(scores > 0, "int32"), -1)
        return Detections(boxes, scores, ops.cast(labels, "int32"), count, masks)

    def _cell(self, boxes_xyxy: Any) -> Any:
        middle = ops.cast((boxes_xyxy[..., :2] + boxes_xyxy[..., 2:]) / 2 // STRIDE, "int32")
        x = ops.clip(middle[..., 0], 0, self.grid[1] - 1)
        return ops.clip(middle[..., 1], 0, self.grid[0] - 1) * self.grid[1] + x

    def _boxes(self, sides: Any, cell: Any) -> Any:
        """Return xyxy boxes from distances to the cell's centre, in strides before softplus."""
        x = ops.cast(cell % self.grid[1], "float32") * STRIDE + STRIDE / 2
        y = ops.cast(cell // self.grid[1], "float32") * STRIDE + STRIDE / 2
        centre = ops.stack([x, y], -1)
        reach = ops.softplus(sides) * STRIDE
        return ops.concatenate([centre - reach[..., :2], centre + reach[..., 2:]], -1)
