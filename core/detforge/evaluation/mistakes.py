"""What goes wrong: which class is taken for which, and the images with the most mistakes."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.evaluation.matching import HIT, WRONG, ImageResult, Rules, match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detforge.evaluation.matching import Integers, Matches


class Mistaken(NamedTuple):
    """An image with mistakes.

    Attributes:
        weight: missed objects, and the scores of false detections, added up.
        image: its detections and objects.
        right: numbers of its detections that found an object.
        wrong: numbers of those that did not, best first.
        missed: numbers of its objects that were not found.
    """

    weight: float
    image: ImageResult
    right: Integers
    wrong: Integers
    missed: Integers


class Mistakes:
    """Counts mistakes from a score on, as a user of the detector meets them.

    Attributes:
        least_score: detections below it do not count here.
        confusion: int64 (classes + 1, classes + 1): objects of a class (row) that were found as a
            class (column); the last column counts objects that were missed, the last row
            detections where there is no object. A detection that finds no object of its own class
            counts as found the best free one of another, if it overlaps enough.
    """

    def __init__(self, n_classes: int, *, iou: float, least_score: float, keep: int = 12) -> None:
        """Begin without an image.

        Args:
            n_classes: labels run from 0 to `n_classes` - 1.
            iou: least IoU of a detection with the object of another class it is taken for.
            least_score: detections below it do not count here.
            keep: images with the most mistakes.
        """
        self.least_score = least_score
        self.confusion = np.zeros((n_classes + 1, n_classes + 1), np.int64)
        self._rules = Rules(ious=(iou,), score_threshold=-np.inf)
        self._keep = keep
        self._worst: list[tuple[float, int, Mistaken]] = []

    @property
    def worst(self) -> list[Mistaken]:
        """The images with the most mistakes, the worst first; of equal ones the earlier."""
        return [mistaken for *_, mistaken in sorted(self._worst, reverse=True)]

    def see(self, images: Sequence[ImageResult], matches: Matches) -> None:
        """Take in some images and what became of their detections."""
        shown = matches.scores >= self.least_score
        ends = np.searchsorted(matches.image, np.arange(1, len(images)))
        for image, mine in zip(images, np.split(np.arange(len(shown)), ends), strict=True):
            mine = mine[shown[mine]]
            outcome, index = matches.outcomes[mine, 0, 0], matches.number[mine]
            is_missed = ~np.asarray(image.gt_ignore, bool)
            is_missed[matches.found[mine][outcome == HIT]] = False
            right, wrong = index[outcome == HIT], index[outcome == WRONG]
            self._count(image, right, wrong, np.flatnonzero(is_missed))

    def _count(
        self, image: ImageResult, right: Integers, wrong: Integers, missed: Integers
    ) -> None:
        none = len(self.confusion) - 1
        labels, gt_labels = np.asarray(image.labels), np.asarray(image.gt_labels)
        np.add.at(self.confusion, (labels[right], labels[right]), 1)
        if not len(wrong) and not len(missed):
            return
        scores = np.asarray(image.scores)[wrong]
        wrong = wrong[np.argsort(-scores, kind="stable")]
        weight = len(missed) + float(scores.sum())
        self._remember(Mistaken(weight, image, right, wrong, missed))
        is_lost, is_taken = np.ones(len(missed), bool), np.zeros(len(wrong), bool)
        if len(wrong) and len(missed):
            pairs = match([_part(image, wrong, missed)], 1, self._rules)
            is_pair = pairs.found >= 0
            detections, objects = pairs.number[is_pair], pairs.found[is_pair]
            taken_for = gt_labels[missed[objects]], labels[wrong[detections]]
            np.add.at(self.confusion, taken_for, 1)
            is_lost[objects], is_taken[detections] = False, True
        np.add.at(self.confusion, (gt_labels[missed[is_lost]], none), 1)
        np.add.at(self.confusion, (none, labels[wrong[~is_taken]]), 1)

    def _remember(self, mistaken: Mistaken) -> None:
        entry = (mistaken.weight, -mistaken.image.row, mistaken)
        if len(self._worst) < self._keep:
            heapq.heappush(self._worst, entry)
        elif entry[:2] > self._worst[0][:2]:
            heapq.heapreplace(self._worst, entry)


def _part(image: ImageResult, detections: Integers, objects: Integers) -> ImageResult:
    """Return some detections and objects of an image, all of one class."""
    overlaps: NDArray | None = None
    if image.overlaps is not None:
        overlaps = image.overlaps[np.ix_(detections, objects)]
    return ImageResult(
        row=image.row,
        boxes=image.boxes[detections],
        scores=image.scores[detections],
        labels=np.zeros(len(detections), np.int64),
        gt_boxes=image.gt_boxes[objects],
        gt_labels=np.zeros(len(objects), np.int64),
        gt_ignore=np.zeros(len(objects), bool),
        overlaps=overlaps,
    )
