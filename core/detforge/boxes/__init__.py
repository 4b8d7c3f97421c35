"""Box geometry on tensors: anchors, overlap, coding, matching, suppression, cropping.

Pure functions on `keras.ops`: any backend, shapes known in advance. Boxes are xyxy float
pixels, continuous (width = x2 - x1), and float32 also under mixed precision.
"""

from __future__ import annotations

from detforge.boxes.coding import decode_boxes, encode_boxes
from detforge.boxes.iou import iou_matrix
from detforge.boxes.matching import BACKGROUND, NEUTRAL, match_anchors
from detforge.boxes.nms import greedy_nms, multiclass_nms

__all__ = [
    "BACKGROUND",
    "NEUTRAL",
    "decode_boxes",
    "encode_boxes",
    "greedy_nms",
    "iou_matrix",
    "match_anchors",
    "multiclass_nms",
]
