"""SSD: backbone, extra maps, heads; targets and losses outside the graph that holds weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from detforge.backbones import find_backbone
from detforge.boxes.coding import decode_boxes
from detforge.boxes.nms import multiclass_nms
from detforge.model import Batch, DetectionModel, Detections
from detforge_ssd.anchors import anchor_config, anchors_per_cell, generate_anchors
from detforge_ssd.heads import feature_maps, heads
from detforge_ssd.losses import multibox_loss
from detforge_ssd.recipe import to_recipe
from detforge_ssd.targets import assign_targets

if TYPE_CHECKING:
    from detforge_ssd import spec_pb2

# Best anchors per class that reach NMS; the rest could only fill the tail of top_k.
NMS_CANDIDATES = 1000


class SSD(DetectionModel):
    """Single Shot MultiBox Detector (arXiv:1512.02325).

    Attributes:
        anchors: float32 (A, 4), xyxy, network-input pixels.
        variances: divisors of the box deltas, in the order cx, cy, w, h.
        nms: thresholds and top_k.
    """

    def __init__(self, network: keras.Model, anchors: Any, spec: spec_pb2.Experiment) -> None:
        self.parts = {"detector": network}
        self.anchors = anchors
        self._config = spec.ssd_config
        self.nms = spec.nms_config
        self.variances = anchor_config(spec.ssd_config).variances

    @classmethod
    def from_spec(cls, spec: spec_pb2.Experiment) -> SSD:
        """Return a model with random weights.

        Raises:
            SpecError: no such backbone.
        """
        recipe = to_recipe(spec)
        config, image = anchor_config(spec.ssd_config), recipe.input
        arch, depth = spec.ssd_config.arch, spec.ssd_config.nlayers
        backbone = find_backbone(arch, depth, field="ssd_config")
        images = keras.Input((image.height, image.width, image.channels), name="images")
        maps = feature_maps(backbone.build(images, depth), arch, depth)
        outputs = heads(maps, anchors_per_cell(config), recipe.classes.channels)
        sizes = [tuple(x.shape[1:3]) for x in maps]
        anchors = generate_anchors(config, sizes, image.height, image.width)
        model = cls(keras.Model(images, outputs, name="detector"), anchors, spec)
        model.blocks = backbone.blocks
        return model

    def losses(self, batch: Batch, *, training: bool) -> dict[str, Any]:
        """Return the classification and localisation losses."""
        logits, deltas = self.parts["detector"](batch["images"], training=training)
        class_targets, delta_targets = assign_targets(
            self.anchors,
            batch["boxes"],
            batch["labels"],
            batch["ignore"],
            variances=self.variances,
            positive_iou=self._config.pos_iou_thresh or 0.5,
            negative_iou=self._config.neg_iou_thresh or 0.5,
        )
        return multibox_loss(
            logits,
            deltas,
            class_targets,
            delta_targets,
            neg_pos_ratio=self._config.neg_pos_ratio or 3.0,
            alpha=self._config.alpha or 1.0,
        )

    def detect(self, images: Any) -> Detections:
        """Return the best ``top_k`` boxes after per-class NMS."""
        logits, deltas = self.parts["detector"](images, training=False)
        boxes = decode_boxes(deltas, self.anchors, self.variances)
        return multiclass_nms(
            boxes,
            ops.softmax(logits)[..., 1:],
            score_threshold=self.nms.confidence_threshold,
            iou_threshold=self.nms.clustering_iou_threshold,
            max_per_class=self.nms.top_k,
            max_total=self.nms.top_k,
            candidates=NMS_CANDIDATES,
        )
