"""Faster R-CNN: three parts with weights; anchors, proposals, samples and losses between them.

Shape legend: B images, h x w feature map, A anchors, R regions of an image, C classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from detforge.boxes.cropping import crop_and_resize
from detforge.boxes.grid import grid_anchors
from detforge.boxes.proposals import propose
from detforge.model import Batch, DetectionModel, Detections, Join, Level
from detforge_faster_rcnn.detection import detect_objects
from detforge_faster_rcnn.losses import roi_losses, rpn_losses
from detforge_faster_rcnn.network import build_network
from detforge_faster_rcnn.roi_targets import make_region_targets
from detforge_faster_rcnn.rpn_targets import assign_anchors, sample_anchors
from detforge_faster_rcnn.settings import STRIDE, Proposals, Settings

if TYPE_CHECKING:
    from detforge.model import Mode
    from detforge.recipe import Recipe
    from detforge_faster_rcnn import spec_pb2
    from detforge_faster_rcnn.network import Network

    Tensor = Any


class _View(NamedTuple):
    """What the first two parts say about some images.

    Attributes:
        size: "height" and "width" of the network input, pixels.
        features: float32 (B, h, w, channels).
        anchors: float32 (A, 4), xyxy, pixels.
        logits: float32 (B, A), whether there is an object.
        deltas: float32 (B, A, 4), from the anchor to it.
    """

    size: dict[str, Any]
    features: Tensor
    anchors: Tensor
    logits: Tensor
    deltas: Tensor


class FasterRCNN(DetectionModel):
    """Region proposals, then a classifier for each (arXiv:1506.01497).

    Attributes:
        settings: thresholds, samples and weights of what happens between the parts.
    """

    joins = (Join("backbone", 0, "rpn", 0), Join("backbone", 0, "roi_head", 0))

    def __init__(self, network: Network, settings: Settings) -> None:
        self.parts = network.parts
        self.blocks = network.blocks
        self.backbone = network.backbone
        output = network.parts["backbone"].layers[-1].name
        self.levels = (Level("backbone", output, len(settings.sizes_wh)),)
        regions = network.parts["roi_head"].input.shape[1:]
        self.input_shapes = {"roi_head": [(settings.detecting.most, *regions)]}
        self.settings = settings

    @classmethod
    def from_spec(cls, spec: spec_pb2.Experiment, recipe: Recipe, mode: Mode) -> FasterRCNN:
        """Return a model with random weights.

        Raises:
            SpecError: no such backbone.
        """
        settings, image = Settings.from_spec(spec, mode), recipe.input
        network = build_network(
            spec.model_config,
            image_shape=(image.height or None, image.width or None, image.channels),
            n_anchors=len(settings.sizes_wh),
            n_classes=len(recipe.classes.names),
            variant=recipe.variant.backbone,
        )
        return cls(network, settings)

    def losses(self, batch: Batch, *, training: bool) -> dict[str, Any]:
        """Return the class and box losses of the proposals, and of the classifier of regions."""
        view = self._look(batch["images"], training=training)
        regions = self._propose(view, self.settings.training)
        return {
            **self._rpn_losses(view, batch),
            **self._roi_losses(view, regions, batch, training=training),
        }

    def detect(self, images: Any) -> Detections:
        """Return the best boxes of all classes after per-class NMS."""
        settings, view = self.settings, self._look(images, training=False)
        regions = self._propose(view, settings.detecting)
        logits, deltas = self._classify(view, regions, training=False)
        return detect_objects(
            regions,
            ops.softmax(logits),
            deltas,
            **view.size,
            variances=settings.roi_variances,
            score_threshold=settings.score_threshold,
            iou_threshold=settings.iou_threshold,
            max_detections=settings.max_detections,
        )

    def _look(self, images: Tensor, *, training: bool) -> _View:
        features = self.parts["backbone"](images, training=training)
        logits, deltas = self.parts["rpn"](features, training=training)
        rows, columns = ops.shape(features)[1:3]
        anchors = grid_anchors(rows, columns, stride=STRIDE, sizes_wh=self.settings.sizes_wh)
        height, width = (ops.cast(side, "float32") for side in ops.shape(images)[1:3])
        return _View({"height": height, "width": width}, features, anchors, logits, deltas)

    def _propose(self, view: _View, counts: Proposals) -> Tensor:
        """Return the best regions, float32 (B, R, 4), zeros where padded."""
        return propose(
            view.logits,
            view.deltas,
            view.anchors,
            **view.size,
            variances=self.settings.rpn_variances,
            **counts.keywords(),
        )

    def _rpn_losses(self, view: _View, batch: Batch) -> dict[str, Any]:
        settings = self.settings
        positive_iou, negative_iou = settings.rpn_ious
        targets = assign_anchors(
            view.anchors,
            batch["boxes"],
            batch["labels"],
            batch["ignore"],
            **view.size,
            variances=settings.rpn_variances,
            positive_iou=positive_iou,
            negative_iou=negative_iou,
        )
        mini_batch = settings.rpn_mini_batch
        sample = sample_anchors(targets.labels, batch["seed"], mini_batch=mini_batch)
        class_weight, box_weight = settings.rpn_weights
        return rpn_losses(
            view.logits,
            view.deltas,
            targets._replace(labels=sample),
            mini_batch=mini_batch,
            class_weight=class_weight,
            box_weight=box_weight,
        )

    def _roi_losses(
        self, view: _View, regions: Tensor, batch: Batch, *, training: bool
    ) -> dict[str, Any]:
        settings = self.settings
        positive_iou, negative_iou = settings.roi_ious
        class_weight, box_weight = settings.roi_weights
        targets = make_region_targets(
            regions,
            batch["boxes"],
            batch["labels"],
            batch["ignore"],
            batch["seed"],
            n_classes=self.parts["roi_head"].output[1].shape[1],
            variances=settings.roi_variances,
            positive_iou=positive_iou,
            negative_iou=negative_iou,
            mini_batch=settings.roi_mini_batch,
            boxes_as_regions=settings.boxes_as_regions,
        )
        logits, deltas = self._classify(view, targets.regions, training=training)
        return roi_losses(
            logits,
            deltas,
            targets,
            mini_batch=settings.roi_mini_batch,
            class_weight=class_weight,
            box_weight=box_weight,
        )

    def _classify(self, view: _View, regions: Tensor, *, training: bool) -> tuple[Tensor, Tensor]:
        """Return logits (B, R, C + 1) and deltas (B, R, C, 4) of regions (B, R, 4)."""
        size, count = self.settings.pool_size, regions.shape[1]
        crops = crop_and_resize(view.features, regions, size=size, **view.size)
        # The head sees regions, of whichever image: batch and regions are one axis.
        crops = ops.reshape(crops, (-1, size, size, view.features.shape[3]))
        logits, deltas = self.parts["roi_head"](crops, training=training)
        return (
            ops.reshape(logits, (-1, count, *logits.shape[1:])),
            ops.reshape(deltas, (-1, count, *deltas.shape[1:])),
        )
