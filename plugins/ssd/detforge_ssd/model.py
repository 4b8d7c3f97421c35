"""SSD: backbone, extra maps, heads; targets and losses outside the graph that holds weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from detforge.backbones import find_backbone
from detforge.boxes.coding import decode_boxes
from detforge.boxes.nms import multiclass_nms
from detforge.model import Batch, DetectionModel, Detections
from detforge_ssd.anchor_config import anchor_config, anchors_per_cell
from detforge_ssd.anchors import generate_anchors
from detforge_ssd.heads import feature_maps, heads
from detforge_ssd.losses import multibox_loss
from detforge_ssd.settings import Settings
from detforge_ssd.targets import assign_targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2


class SSD(DetectionModel):
    """Single Shot MultiBox Detector (arXiv:1512.02325).

    Attributes:
        anchors: float32 (A, 4), xyxy, network-input pixels.
        settings: thresholds and weights of targets, losses and NMS.
    """

    def __init__(
        self,
        network: keras.Model,
        anchors: np.ndarray,
        settings: Settings,
        blocks: Mapping[int, tuple[str, ...]],
    ) -> None:
        self.parts = {"detector": network}
        self.blocks = blocks
        self.anchors = anchors
        self.settings = settings

    @classmethod
    def from_spec(cls, spec: spec_pb2.Experiment, recipe: Recipe) -> SSD:
        """Return a model with random weights.

        Raises:
            SpecError: no such backbone.
        """
        config, image = anchor_config(spec.ssd_config), recipe.input
        arch, depth = spec.ssd_config.arch, spec.ssd_config.nlayers
        backbone = find_backbone(arch, depth, field="ssd_config")
        images = keras.Input((image.height, image.width, image.channels), name="images")
        maps = feature_maps(backbone.build(images, depth), arch, depth)
        outputs = heads(maps, anchors_per_cell(config), recipe.classes.channels)
        sizes = [(x.shape[1], x.shape[2]) for x in maps]
        anchors = generate_anchors(config, sizes, image.height, image.width)
        network = keras.Model(images, outputs, name="detector")
        return cls(network, anchors, Settings.from_spec(spec), backbone.blocks)

    def losses(self, batch: Batch, *, training: bool) -> dict[str, Any]:
        """Return the classification and localisation losses."""
        logits, deltas = self.parts["detector"](batch["images"], training=training)
        class_targets, delta_targets = assign_targets(
            self.anchors,
            batch["boxes"],
            batch["labels"],
            batch["ignore"],
            variances=self.settings.variances,
            positive_iou=self.settings.positive_iou,
            negative_iou=self.settings.negative_iou,
        )
        return multibox_loss(
            logits,
            deltas,
            class_targets,
            delta_targets,
            neg_pos_ratio=self.settings.neg_pos_ratio,
            alpha=self.settings.alpha,
        )

    def detect(self, images: Any) -> Detections:
        """Return the best ``top_k`` boxes after per-class NMS."""
        logits, deltas = self.parts["detector"](images, training=False)
        boxes = decode_boxes(deltas, self.anchors, self.settings.variances)
        return multiclass_nms(boxes, ops.softmax(logits)[..., 1:], **self.settings.nms)
