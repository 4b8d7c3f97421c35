"""SSD and DSSD: the graph that holds the weights; targets, losses and decoding outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone
from detforge.boxes.coding import decode_boxes
from detforge.boxes.nms import multiclass_nms
from detforge.model import Batch, DetectionModel, Detections, Level
from detforge_ssd.anchor_config import anchor_config, anchors_per_cell
from detforge_ssd.anchors import generate_anchors
from detforge_ssd.deconvolution import deconvolve
from detforge_ssd.heads import feature_maps, heads
from detforge_ssd.losses import multibox_loss
from detforge_ssd.prediction import prediction_module
from detforge_ssd.settings import Settings
from detforge_ssd.targets import assign_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from detforge.backbones.features import Features
    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2


class SSD(DetectionModel):
    """Single Shot MultiBox Detector (arXiv:1512.02325), with deconvolutions or without.

    DSSD (arXiv:1701.06659) is the same but for the maps that its heads look at.

    Attributes:
        anchors: float32 (A, 4), xyxy, network-input pixels.
        settings: thresholds and weights of targets, losses and NMS.
    """

    def __init__(
        self,
        network: keras.Model,
        anchors: np.ndarray,
        settings: Settings,
        features: Features,
        levels: Sequence[Level] = (),
    ) -> None:
        self.parts = {"detector": network}
        self.blocks = features.blocks
        self.backbone = features.backbone
        self.levels = levels
        self.anchors = anchors
        self.settings = settings

    @classmethod
    def from_spec(cls, spec: spec_pb2.Experiment, recipe: Recipe) -> SSD:
        """Return a model with random weights; the block of the spec says which of the two.

        Raises:
            SpecError: no such backbone.
        """
        block, image = spec.WhichOneof("network"), recipe.input
        config = getattr(spec, block)
        anchors = anchor_config(config, block=block)
        backbone = find_backbone(
            config.arch, config.nlayers, field=block, **recipe.variant.backbone
        )
        images = keras.Input((image.height, image.width, image.channels), name="images")
        features = add_backbone(images, backbone)
        maps = feature_maps(features, config.arch, config.nlayers, block=block)
        if block == "dssd_config":
            maps = deconvolve(maps, config.arch, config.nlayers)
        if channels := config.pred_num_channels:
            maps = [prediction_module(x, channels, k) for k, x in enumerate(maps)]
        per_cell = anchors_per_cell(anchors)
        network = keras.Model(
            images, heads(maps, per_cell, recipe.classes.channels), name="detector"
        )
        sizes = [(x.shape[1], x.shape[2]) for x in maps]
        names = {id(layer.output): layer.name for layer in network.layers}
        return cls(
            network,
            generate_anchors(anchors, sizes, image.height, image.width),
            Settings.from_spec(spec),
            features,
            [Level("detector", names[id(x)], n) for x, n in zip(maps, per_cell, strict=True)],
        )

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
