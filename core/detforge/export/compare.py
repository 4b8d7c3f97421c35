"""Whether an exported model still finds what the checkpoint finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.boxes import iou_matrix_numpy
from detforge.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detforge.inference.predictors import Predictor
    from detforge.model import Detections
    from detforge.recipe import InputFormat

# float32 sums in another order: far above what they cost, far below what anybody would notice.
_SCORE_TOLERANCE = 1e-3
_BOX_TOLERANCE = 1e-3  # of the longer side of the network input
_UNMATCHED_TOLERANCE = 0.01  # of all detections
# Two overlapping boxes whose scores tie: rounding decides which one NMS keeps. Scores near 1
# tie often, but never so often that most boxes are other ones.
_TIE = 1e-4
_TIED_OVERLAP = 0.3
_SWAPPED_TOLERANCE = 0.25  # of all detections
# Within ten times the tolerance a box is the same one, computed badly; beyond, another one.
_SAME_BOX = 10 * _BOX_TOLERANCE
_FAR = 1e6  # pixels; beyond lies nothing but overflow


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How close two predictors are.

    Attributes:
        box: largest difference of a coordinate, network-input pixels.
        score: largest difference of a score.
        mask: largest difference of a mask value; 0 without masks.
        matched: detections that both found.
        swapped: pairs of overlapping detections with tied scores, one found by each.
        unmatched: other detections that only one found; the ends of full lists do not count.
        images: images compared.
    """

    box: float = 0.0
    score: float = 0.0
    mask: float = 0.0
    matched: int = 0
    swapped: int = 0
    unmatched: int = 0
    images: int = 0

    @property
    def detections(self) -> int:
        """Detections that at least one of the two found."""
        return self.matched + self.swapped + self.unmatched

    def merged(self, other: Agreement) -> Agreement:
        """Return the agreement over the images of both."""
        return Agreement(
            box=max(self.box, other.box),
            score=max(self.score, other.score),
            mask=max(self.mask, other.mask),
            matched=self.matched + other.matched,
            swapped=self.swapped + other.swapped,
            unmatched=self.unmatched + other.unmatched,
            images=self.images + other.images,
        )


def compare(first: Predictor, second: Predictor, batches: Iterable[np.ndarray]) -> Agreement:
    """Return how close two predictors are on the same network inputs.

    Detections are matched by label and box, not by rank: equal scores may come in either order.

    Args:
        first: the reference.
        second: what is judged.
        batches: float32 (B, H, W, C) each.
    """
    total = Agreement()
    for images in batches:
        one, two = first.predict(images), second.predict(images)
        for row in range(len(images)):
            limit, size = one.scores.shape[1], images.shape[1:3]
            pair = _rows(one, row), _rows(two, row)
            total = total.merged(_compare_image(*pair, limit, size))
    return total


def check_agreement(agreement: Agreement, input_format: InputFormat) -> None:
    """Check that an exported model is as good as the checkpoint it came from.

    Raises:
        ExportError: it is not; says by how much.
    """
    box_limit = _BOX_TOLERANCE * max(input_format.height, input_format.width)
    close = agreement.box <= box_limit
    close &= max(agreement.score, agreement.mask) <= _SCORE_TOLERANCE
    close &= agreement.unmatched <= _UNMATCHED_TOLERANCE * agreement.detections
    close &= agreement.swapped <= _SWAPPED_TOLERANCE * agreement.detections
    if not close:
        raise ExportError(
            f"the exported model does not agree with the checkpoint on {agreement.images} images: "
            f"of {agreement.detections} detections {agreement.unmatched} are in one of them only "
            f"and {agreement.swapped} at another place; boxes of the others differ by up to "
            f"{agreement.box:.3g} px (allowed {box_limit:.3g}), scores by {agreement.score:.3g} "
            f"and masks by {agreement.mask:.3g} (allowed {_SCORE_TOLERANCE:g}). Nothing was "
            "written. A model that was hardly trained can do this; otherwise please report it "
            "with the spec"
        )


def _rows(detections: Detections, row: int) -> Detections:
    """Return the real detections of one image."""
    count = int(detections.count[row])
    return detections._replace(
        boxes=np.clip(np.nan_to_num(detections.boxes[row, :count]), -_FAR, _FAR),
        scores=detections.scores[row, :count],
        labels=detections.labels[row, :count],
        count=count,
        masks=None if detections.masks is None else detections.masks[row, :count],
    )


def _compare_image(
    one: Detections, two: Detections, limit: int, size: tuple[int, int]
) -> Agreement:
    distance = _box_distances(one.boxes, two.boxes, size)
    same_label = one.labels[:, None] == two.labels[None]
    same = same_label & (distance <= _SAME_BOX * max(size))
    rows, columns = _assign(np.where(same, distance, np.inf)).T
    tie = np.abs(one.scores[:, None] - two.scores[None]) <= _TIE
    tie &= same_label & (iou_matrix_numpy(one.boxes, two.boxes) >= _TIED_OVERLAP)
    tie[rows], tie[:, columns] = False, False
    swapped_rows, swapped_columns = _assign(np.where(tie, distance, np.inf)).T
    mask = 0.0
    if one.masks is not None and two.masks is not None:
        mask = _largest_difference(one.masks[rows], two.masks[columns])
    return Agreement(
        box=float(distance[rows, columns].max(initial=0.0)),
        score=_largest_difference(one.scores[rows], two.scores[columns]),
        mask=mask,
        matched=len(rows),
        swapped=len(swapped_rows),
        unmatched=_missing(one, two, [*rows, *swapped_rows], limit)
        + _missing(two, one, [*columns, *swapped_columns], limit),
        images=1,
    )


def _box_distances(one: np.ndarray, two: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the largest difference of a coordinate for every pair of boxes, (N, M).

    An untrained model makes boxes of any size, whose rounding errors grow with them: in a box
    larger than the image, image (height, width), a pixel counts that much less.
    """
    largest = np.abs(one[:, None] - two[None]).max(axis=-1, initial=0.0)
    sides = (one[:, 2:] - one[:, :2]) / (size[1], size[0])
    return largest / np.maximum(sides.max(axis=-1, initial=1.0), 1.0)[:, None]


def _assign(cost: np.ndarray) -> np.ndarray:
    """Return pairs of indices, int (P, 2): each row takes the cheapest column that is free."""
    cost, pairs = cost.copy(), []
    for row in range(len(cost) if cost.size else 0):
        column = int(cost[row].argmin())
        if cost[row, column] < np.inf:
            pairs.append((row, column))
            cost[:, column] = np.inf
    return np.array(pairs, int).reshape(-1, 2)


def _missing(one: Detections, two: Detections, found: list[int], limit: int) -> int:
    """Count detections of the first that the second lacks, unless they fell off its full list."""
    alone = np.delete(one.scores, found)
    last = two.scores.min(initial=np.inf) if len(two.scores) == limit else -np.inf
    return int(np.sum(alone > last + _TIE))


def _largest_difference(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one.astype(np.float64) - two).max(initial=0.0))
