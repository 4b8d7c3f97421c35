"""Average precision as Pascal VOC defines it, on numpy alone.

The Pascal Visual Object Classes Challenge, section 4.2 (doi:10.1007/s11263-009-0275-4) for the
11-point "sample" mode; the development kit of 2010 for the area, "integrate". Departure: a
detection takes the best object that is still *free*, so that a second detection near two
objects can find the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from detforge.data.boxes import iou_matrix_numpy

Mode = Literal["sample", "integrate"]


@dataclass(frozen=True, slots=True)
class VocResult:
    """Average precision of one set of images.

    Attributes:
        ap: of each class, in [0, 1]; NaN for a class without objects.
        mean_ap: mean over the classes that have objects; NaN when none has.
        objects: of each class, those that were to be found.
        detections: of each class, those that counted (right or wrong).
    """

    ap: tuple[float, ...]
    mean_ap: float
    objects: tuple[int, ...]
    detections: tuple[int, ...]


class VocScorer:
    """Collects detections and ground truth image by image, then scores them.

    Args:
        n_classes: labels run from 0 to `n_classes` - 1.
        matching_iou: least IoU of a detection with the object it found.
        score_threshold: detections at or below it do not count.
    """

    def __init__(
        self, n_classes: int, *, matching_iou: float = 0.5, score_threshold: float = 0.0
    ) -> None:
        self._n_classes = n_classes
        self._matching_iou = matching_iou
        self._score_threshold = score_threshold
        self._objects = np.zeros(n_classes, np.int64)
        self._scores: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        self._hits: list[np.ndarray] = []

    def add(
        self,
        boxes: np.ndarray,
        scores: np.ndarray,
        labels: np.ndarray,
        gt_boxes: np.ndarray,
        gt_labels: np.ndarray,
        gt_ignore: np.ndarray,
    ) -> None:
        """Take in one image.

        Args:
            boxes: (K, 4), xyxy, pixels: the detections, in any order.
            scores: (K,).
            labels: int (K,).
            gt_boxes: (G, 4), xyxy, in the same pixels: the objects.
            gt_labels: int (G,).
            gt_ignore: bool (G,), difficult objects: finding one is neither right nor wrong,
                missing one is no miss.
        """
        gt_labels, gt_ignore = np.asarray(gt_labels, np.int64), np.asarray(gt_ignore, bool)
        self._objects += np.bincount(gt_labels[~gt_ignore], minlength=self._n_classes)
        scores = np.asarray(scores, np.float64)
        # Stable, so that among equal scores the order of the detector decides.
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > self._score_threshold]
        labels = np.asarray(labels, np.int64)[order]
        iou = iou_matrix_numpy(np.asarray(boxes)[order], gt_boxes)
        iou[labels[:, None] != gt_labels[None, :]] = -1.0
        found = _find_objects(iou, self._matching_iou)
        counts = ~np.append(gt_ignore, False)[found]  # -1, nothing found, picks the last one
        self._scores.append(scores[order][counts])
        self._labels.append(labels[counts])
        self._hits.append(found[counts] >= 0)

    def result(self, mode: Mode) -> VocResult:
        """Return the scores of all images added so far.

        Args:
            mode: "sample" (mean of 11 points) or "integrate" (area).
        """
        scores = np.concatenate([np.zeros(0), *self._scores])
        labels = np.concatenate([np.zeros(0, np.int64), *self._labels])
        hits = np.concatenate([np.zeros(0, bool), *self._hits])
        ap = []
        for label, objects in enumerate(self._objects):
            mine = labels == label
            ap.append(average_precision(scores[mine], hits[mine], int(objects), mode))
        known = [value for value in ap if not np.isnan(value)]
        return VocResult(
            ap=tuple(ap),
            mean_ap=float(np.mean(known)) if known else float("nan"),
            objects=tuple(self._objects.tolist()),
            detections=tuple(np.bincount(labels, minlength=self._n_classes).tolist()),
        )


def average_precision(scores: np.ndarray, hits: np.ndarray, objects: int, mode: Mode) -> float:
    """Return the average precision of one class, NaN when there is no object to find.

    Args:
        scores: (D,), of all detections of the class.
        hits: bool (D,), which of them found an object.
        objects: number of objects to be found.
        mode: "sample" or "integrate".
    """
    if objects == 0:
        return float("nan")
    recall, precision = precision_recall(scores, hits, objects)
    # The best precision at this recall or a larger one; none is left behind the last point.
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    if mode == "sample":
        return float(np.mean(envelope[np.searchsorted(recall, np.linspace(0.0, 1.0, 11))]))
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope[:-1]))


def precision_recall(
    scores: np.ndarray, hits: np.ndarray, objects: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision at every distinct score, best score first.

    Detections of one score count together: no order of the images is better than another.
    """
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    last_of_score = np.append(np.diff(scores[order]) != 0, True)[: len(order)]
    rank = np.arange(1, len(order) + 1)
    return (right / objects)[last_of_score], (right / rank)[last_of_score]


def _find_objects(iou: np.ndarray, matching_iou: float) -> np.ndarray:
    """Return the object that each detection found, int64 (K,), -1 for none.

    Args:
        iou: (K, G), best detection first; below 0 where the classes differ.
        matching_iou: least IoU that counts.
    """
    found = np.full(len(iou), -1, np.int64)
    near = iou >= matching_iou
    free = np.ones(iou.shape[1], bool)
    # Most detections are near no object; only the others need to be walked in order.
    for row in np.flatnonzero(near.any(axis=1)):
        candidates = np.where(near[row] & free, iou[row], -1.0)
        best = int(candidates.argmax())
        if candidates[best] >= 0:
            found[row] = best
            free[best] = False
    return found
