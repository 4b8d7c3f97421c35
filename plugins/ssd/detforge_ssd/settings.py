"""What a spec says about SSD besides its network. Loads no Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detforge_ssd.anchor_config import anchor_config

if TYPE_CHECKING:
    from detforge_ssd import spec_pb2

# Best anchors of a class that reach NMS: overlapping ones are dropped there, so it must be
# well above the number that is kept.
MIN_NMS_CANDIDATES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What SSD does besides its network.

    Attributes:
        variances: divisors of the box deltas, in the order cx, cy, w, h.
        positive_iou: least overlap of a positive anchor.
        negative_iou: anchors with at least this overlap are no negatives.
        neg_pos_ratio: hard negatives per positive anchor.
        alpha: weight of the localisation loss.
        score_threshold: detections at or below it are dropped.
        iou_threshold: largest overlap of two detections of a class.
        top_k: most detections of a class, and of an image.
    """

    variances: tuple[float, float, float, float]
    positive_iou: float
    negative_iou: float
    neg_pos_ratio: float
    alpha: float
    score_threshold: float
    iou_threshold: float
    top_k: int

    @classmethod
    def from_spec(cls, spec: spec_pb2.Experiment) -> Settings:
        """Read the network's block and ``nms_config``; a 0 that means a default is it.

        Raises:
            SpecError: the spec's anchors do not add up.
        """
        block, nms = spec.WhichOneof("network"), spec.nms_config
        config = getattr(spec, block)
        return cls(
            variances=anchor_config(config, block=block).variances,
            positive_iou=config.pos_iou_thresh or 0.5,
            negative_iou=config.neg_iou_thresh or 0.5,
            neg_pos_ratio=config.neg_pos_ratio or 3.0,
            alpha=config.alpha or 1.0,
            score_threshold=nms.confidence_threshold,
            iou_threshold=nms.clustering_iou_threshold,
            top_k=nms.top_k,
        )

    @property
    def nms(self) -> dict[str, Any]:
        """Keywords of `multiclass_nms`, in Keras and in ONNX."""
        return {
            "score_threshold": self.score_threshold,
            "iou_threshold": self.iou_threshold,
            "max_per_class": self.top_k,
            "max_total": self.top_k,
            "candidates": max(MIN_NMS_CANDIDATES, 5 * self.top_k),
        }
