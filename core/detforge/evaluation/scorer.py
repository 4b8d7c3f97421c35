"""What became of all detections of an evaluation, collected image by image.

Shape legend: D detections, T matching IoUs, A ranges of area.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.evaluation.matching import match

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detforge.evaluation.matching import ImageResult, Matches, Rules

# Matched at once: enough to make NumPy's calls cheap, few enough to take little memory.
_IMAGES = 256


class Outcomes(NamedTuple):
    """What became of the detections of one class, best first.

    Attributes:
        objects: int64 (A,), how many were to be found.
        scores: float64 (D,).
        ranks: int32 (D,), place among those of the same image, from 0.
        outcomes: int8 (D, T, A), `HIT`, `WRONG` or `IGNORED`.
    """

    objects: NDArray[np.int64]
    scores: NDArray[np.float64]
    ranks: NDArray[np.int32]
    outcomes: NDArray[np.int8]


class Scorer:
    """Matches images with what is in them as they come, and keeps what became of detections.

    A detection takes 16 bytes and one for each way to count.
    """

    def __init__(
        self,
        n_classes: int,
        rules: Rules,
        observe: Callable[[Sequence[ImageResult], Matches], None] | None = None,
    ) -> None:
        """Begin without an image.

        Args:
            n_classes: labels run from 0 to `n_classes` - 1.
            rules: what counts.
            observe: called with some images and what became of them, in the order of `add`.
        """
        self._n_classes = n_classes
        self._rules = rules
        self._observe = observe
        self._waiting: list[ImageResult] = []
        self._objects = np.zeros((len(rules.areas), n_classes), np.int64)
        self._scores = [np.zeros(0)]
        self._labels = [np.zeros(0, np.int32)]
        self._ranks = [np.zeros(0, np.int32)]
        self._outcomes = [np.zeros((0, len(rules.ious), len(rules.areas)), np.int8)]

    def add(self, image: ImageResult) -> None:
        """Take in one image."""
        self._waiting.append(image)
        if len(self._waiting) == _IMAGES:
            self._match()

    def outcomes(self) -> list[Outcomes]:
        """Return what became of the detections of each class in all images so far."""
        if self._waiting:
            self._match()
        scores, labels = np.concatenate(self._scores), np.concatenate(self._labels)
        ranks, outcomes = np.concatenate(self._ranks), np.concatenate(self._outcomes)
        # Stable, so that among equal scores the order of the images decides.
        order = np.lexsort((-scores, labels))
        ends = np.cumsum(np.bincount(labels, minlength=self._n_classes))
        return [
            Outcomes(objects, scores[mine], ranks[mine], outcomes[mine])
            for objects, mine in zip(self._objects.T, np.split(order, ends[:-1]), strict=True)
        ]

    def _match(self) -> None:
        images, self._waiting = self._waiting, []
        found = match(images, self._n_classes, self._rules)
        self._objects += found.objects
        self._scores.append(found.scores)
        self._labels.append(found.labels.astype(np.int32))
        self._ranks.append(found.ranks.astype(np.int32))
        self._outcomes.append(found.outcomes)
        if self._observe is not None:
            self._observe(images, found)
