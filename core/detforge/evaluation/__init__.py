"""How good detections are: Pascal VOC average precision."""

from __future__ import annotations

from detforge.evaluation.voc import VocResult, VocScorer

__all__ = ["VocResult", "VocScorer"]
