"""What a spec says about Faster R-CNN besides its network. Loads no Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detforge.spec.floats import shortest
from detforge_faster_rcnn.anchors import anchor_sizes

if TYPE_CHECKING:
    from detforge.model import Mode
    from detforge_faster_rcnn import spec_pb2

STRIDE = 16

Four = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposals:
    """How many regions are proposed; keywords of `detforge.boxes.proposals.propose`.

    Attributes:
        candidates: regions that go into suppression.
        most: regions that come out of it.
        iou_threshold: largest overlap of two of them.
    """

    candidates: int
    most: int
    iou_threshold: float

    @classmethod
    def from_spec(cls, config: Any) -> Proposals:
        """Read training_config, evaluation_config or inference_config."""
        return cls(
            candidates=config.rpn_pre_nms_top_N,
            most=config.rpn_nms_max_boxes,
            iou_threshold=shortest(config.rpn_nms_overlap_threshold),
        )

    def keywords(self) -> dict[str, Any]:
        """Return them as a dictionary."""
        return {
            "candidates": self.candidates,
            "most": self.most,
            "iou_threshold": self.iou_threshold,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What Faster R-CNN does besides its network.

    Attributes:
        sizes_wh: width and height of the anchors of a cell, pixels.
        pool_size: samples a side of a region.
        training: proposals that the classifier learns from.
        detecting: proposals that are classified to detect.
        rpn_variances: divisors of the deltas of anchors, in the order x, y, w, h.
        roi_variances: divisors of the deltas of regions, likewise.
        rpn_ious: least overlap of a positive anchor, largest one of a negative anchor.
        roi_ious: least overlap of a region with its object, least one of background.
        rpn_mini_batch: anchors of an image that train.
        roi_mini_batch: regions of an image that train.
        boxes_as_regions: train the classifier on the true boxes too.
        rpn_weights: factors of the proposals' class and box losses.
        roi_weights: factors of the classifier's class and box losses.
        score_threshold: detections at or below it are dropped.
        iou_threshold: largest overlap of two detections of a class.
        max_detections: of an image.
    """

    sizes_wh: tuple[tuple[float, float], ...]
    pool_size: int
    training: Proposals
    detecting: Proposals
    rpn_variances: Four
    roi_variances: Four
    rpn_ious: tuple[float, float]
    roi_ious: tuple[float, float]
    rpn_mini_batch: int
    roi_mini_batch: int
    boxes_as_regions: bool
    rpn_weights: tuple[float, float]
    roi_weights: tuple[float, float]
    score_threshold: float
    iou_threshold: float
    max_detections: int

    @classmethod
    def from_spec(cls, spec: spec_pb2.Experiment, mode: Mode) -> Settings:
        """Read the blocks of a spec.

        Args:
            spec: checked.
            mode: "infer" detects as inference_config says, the others as evaluation_config does.
        """
        model, training = spec.model_config, spec.training_config
        detecting = spec.inference_config if mode == "infer" else spec.evaluation_config
        factor, factors = shortest(training.std_scaling), training.classifier_regr_std
        anchors, pooling = model.anchor_box_config, model.roi_pooling_config
        return cls(
            sizes_wh=anchor_sizes(
                [shortest(scale) for scale in anchors.scale],
                [shortest(ratio) for ratio in anchors.ratio],
            ),
            pool_size=pooling.pool_size * (2 if pooling.pool_size_2x else 1),
            training=Proposals.from_spec(training),
            detecting=Proposals.from_spec(detecting),
            rpn_variances=(1 / factor,) * 4,
            roi_variances=tuple(1 / shortest(factors[side]) for side in "xywh"),
            rpn_ious=(shortest(training.rpn_max_overlap), shortest(training.rpn_min_overlap)),
            roi_ious=(
                shortest(training.classifier_max_overlap),
                shortest(training.classifier_min_overlap),
            ),
            rpn_mini_batch=training.rpn_mini_batch,
            roi_mini_batch=model.roi_mini_batch,
            boxes_as_regions=training.gt_as_roi,
            rpn_weights=(shortest(training.lambda_rpn_class), shortest(training.lambda_rpn_regr)),
            roi_weights=(shortest(training.lambda_cls_class), shortest(training.lambda_cls_regr)),
            score_threshold=shortest(detecting.object_confidence_thres),
            iou_threshold=shortest(detecting.classifier_nms_overlap_threshold),
            max_detections=detecting.classifier_nms_max_boxes,
        )
