"""Average precision and recall as COCO defines them: the numbers of pycocotools' `COCOeval`.

https://cocodataset.org/#detection-eval. Shape legend: T matching IoUs, R recalls, K classes,
A ranges of area.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.evaluation.matching import HIT, IGNORED, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detforge.evaluation.scorer import Outcomes

    Floats = NDArray[np.float64]

IOUS = tuple(np.linspace(0.5, 0.95, 10).tolist())
RECALLS = np.linspace(0.0, 1.0, 101)
_SMALL, _LARGE, _LARGEST = 32.0**2, 96.0**2, 1e5**2
_AREAS = ((0.0, _LARGEST), (0.0, _SMALL), (_SMALL, _LARGE), (_LARGE, _LARGEST))
# Detections of an image and class that recall is told for.
_LIMITS = (1, 10, 100)

RULES = Rules(ious=IOUS, max_detections=_LIMITS[-1], areas=_AREAS, coco=True)


class CocoResult(NamedTuple):
    """COCO's numbers; NaN where there is no object.

    Attributes:
        numbers: AP, AP50, AP75, APs, APm, APl, ARmax1, ARmax10, ARmax100, ARs, ARm, ARl, in the
            order of `COCOeval`.
        per_class: float64 (K,), average precision over all IoUs.
        precision: float64 (T, R, K, A), of up to 100 detections of an image and class.
        recall: float64 (T, K, A), the largest that is reached with them.
    """

    numbers: Mapping[str, float]
    per_class: Floats
    precision: Floats
    recall: Floats


def coco_result(outcomes: Sequence[Outcomes]) -> CocoResult:
    """Return COCO's numbers.

    Args:
        outcomes: one for each class, of `RULES` or with other score threshold.
    """
    shape = (len(IOUS), len(outcomes), len(_AREAS))
    precision, recall = (
        np.full((shape[0], len(RECALLS), *shape[1:]), np.nan),
        np.full(shape, np.nan),
    )
    few = {limit: np.full(shape[:2], np.nan) for limit in _LIMITS[:-1]}
    for k, found in enumerate(outcomes):
        for a in np.flatnonzero(found.objects).tolist():
            for t in range(len(IOUS)):
                precision[t, :, k, a], recall[t, k, a] = _curve(found, t, a)
        if found.objects[0]:
            for limit, values in few.items():
                hits = found.outcomes[found.ranks < limit, :, 0] == HIT
                values[:, k] = hits.sum(axis=0) / found.objects[0]
    values = {
        "AP": precision[..., 0],
        "AP50": precision[0, ..., 0],
        "AP75": precision[5, ..., 0],
        **{f"AP{letter}": precision[..., a] for a, letter in enumerate("sml", start=1)},
        **{f"ARmax{limit}": found for limit, found in few.items()},
        f"ARmax{_LIMITS[-1]}": recall[..., 0],
        **{f"AR{letter}": recall[..., a] for a, letter in enumerate("sml", start=1)},
    }
    numbers = {name: mean_of_known(found) for name, found in values.items()}
    per_class = [mean_of_known(precision[:, :, k, 0]) for k in range(shape[1])]
    return CocoResult(numbers, np.array(per_class), precision, recall)


def _curve(found: Outcomes, iou: int, area: int) -> tuple[Floats, float]:
    """Return the best precision at each of the 101 recalls or beyond, and the largest recall."""
    outcomes = found.outcomes[:, iou, area]
    is_hit = outcomes == HIT
    right = np.arange(1, np.count_nonzero(is_hit) + 1)
    # Precision falls behind a hit until the next one: the hits are enough.
    precision = right / np.cumsum(outcomes != IGNORED)[is_hit]
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    recall = right / found.objects[area]
    return envelope[np.searchsorted(recall, RECALLS)], float(recall.max(initial=0.0))


def mean_of_known(values: NDArray[np.floating]) -> float:
    """Return the mean of the numbers that are no NaN, NaN where there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
