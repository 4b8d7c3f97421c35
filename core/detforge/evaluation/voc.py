"""Average precision as Pascal VOC defines it.

The Pascal Visual Object Classes Challenge, section 4.2 (doi:10.1007/s11263-009-0275-4) for the
11-point "sample" mode; the development kit of 2010 for the area, "integrate".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from detforge.evaluation.matching import HIT, IGNORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detforge.evaluation.scorer import Outcomes

    Floats = NDArray[np.float64]

Mode = Literal["sample", "integrate"]


class Curve(NamedTuple):
    """Precision against recall of one class, a point for every distinct score, best first.

    Attributes:
        recall: float64 (P,), rising.
        precision: float64 (P,).
        scores: float64 (P,), falling: the point counts detections of this score and better.
    """

    recall: Floats
    precision: Floats
    scores: Floats


def voc_precisions(outcomes: Sequence[Outcomes], mode: Mode) -> Floats:
    """Return the average precision of each class at each matching IoU.

    Args:
        outcomes: one for each class.
        mode: "sample" (mean of 11 points) or "integrate" (area).

    Returns:
        float64 (classes, T), in [0, 1]; NaN for a class without objects.
    """
    return np.array(
        [
            [
                average_precision(curve_of(found, iou), mode)
                for iou in range(found.outcomes.shape[1])
            ]
            for found in outcomes
        ]
    )


def curve_of(found: Outcomes, iou: int = 0) -> Curve | None:
    """Return the curve of a class, None where it has no object.

    Detections of one score count together: no order of the images is better than another.

    Args:
        found: what became of the detections.
        iou: number of the matching IoU.
    """
    objects = int(found.objects[0])
    if objects == 0:
        return None
    counted = found.outcomes[:, iou, 0] != IGNORED
    scores, hits = found.scores[counted], found.outcomes[counted, iou, 0] == HIT
    last_of_score = np.append(np.diff(scores) != 0, True)[: len(scores)]
    right = np.cumsum(hits)[last_of_score]
    rank = np.arange(1, len(scores) + 1)[last_of_score]
    return Curve(right / objects, right / rank, scores[last_of_score])


def average_precision(curve: Curve | None, mode: Mode) -> float:
    """Return the average precision of a curve, NaN for none.

    Args:
        curve: of one class.
        mode: "sample" or "integrate".
    """
    if curve is None:
        return float("nan")
    # The best precision at this recall or a larger one; none is left behind the last point.
    envelope = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
    if mode == "sample":
        return float(np.mean(envelope[np.searchsorted(curve.recall, np.linspace(0.0, 1.0, 11))]))
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * envelope[:-1]))
