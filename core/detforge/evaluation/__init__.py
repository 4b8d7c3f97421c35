"""How good detections are: average precision of Pascal VOC and COCO, and what went wrong."""

from __future__ import annotations

from detforge.evaluation.coco import CocoResult, coco_result
from detforge.evaluation.matching import ImageResult, Matches, Rules, match
from detforge.evaluation.scorer import Outcomes, Scorer
from detforge.evaluation.voc import average_precision, curve_of, voc_precisions

__all__ = [
    "CocoResult",
    "ImageResult",
    "Matches",
    "Outcomes",
    "Rules",
    "Scorer",
    "average_precision",
    "coco_result",
    "curve_of",
    "match",
    "voc_precisions",
]
