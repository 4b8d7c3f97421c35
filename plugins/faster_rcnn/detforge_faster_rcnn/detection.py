"""From what the classifier says about regions to detections.

Fast R-CNN, section 2.2 (arXiv:1504.08083). Shape legend: B images, P regions (padded), C classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.clipping import clip_boxes, has_area
from detforge.boxes.coding import decode_boxes
from detforge.boxes.nms import multiclass_nms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.model import Detections

    Tensor = Any


def detect_objects(
    regions: Tensor,
    probabilities: Tensor,
    deltas: Tensor,
    *,
    height: float | Tensor,
    width: float | Tensor,
    variances: Sequence[float],
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
) -> Detections:
    """Return the best boxes of all classes.

    Args:
        regions: float32 (B, P, 4), xyxy, pixels; those without area find nothing.
        probabilities: (B, P, C + 1), the background last.
        deltas: (B, P, C, 4), of each class.
        height: of the image, pixels.
        width: of the image, pixels.
        variances: divisors of the deltas.
        score_threshold: detections at or below it are dropped; at least 0.
        iou_threshold: largest overlap of two detections of one class.
        max_detections: of an image, and of a class.
    """
    boxes = decode_boxes(deltas, regions[:, :, None, :], variances)
    scores = ops.where(has_area(regions)[:, :, None], probabilities[:, :, :-1], 0.0)
    return multiclass_nms(
        clip_boxes(boxes, height, width),
        scores,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_per_class=max_detections,
        max_total=max_detections,
    )
