"""Whether an exported model still finds what the checkpoint finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
# Detections this close in score may change places in NMS.
_TIE = 1e-4
_FAR = 1e6  # pixels; beyond lies nothing but overflow


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How close two predictors are.

    Attributes:
        box: largest difference of a coordinate, network-input pixels.
        score: largest difference of a score.
        mask: largest difference of a mask value; 0 without masks.
        matched: detections that both found.
        unmatched: detections that only one found, ties and the last ranks apart.
        images: images compared.
    """

    box: float = 0.0
    score: float = 0.0
    mask: float = 0.0
    matched: int = 0
    unmatched: int = 0
    images: int = 0

    def merged(self, other: Agreement) -> Agreement:
        """Return the agreement over the images of both."""
        return Agreement(
            box=max(self.box, other.box),
            score=max(self.score, other.score),
            mask=max(self.mask, other.mask),
            matched=self.matched + other.matched,
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
    allowed = _UNMATCHED_TOLERANCE * (agreement.matched + agreement.unmatched)
    close = agreement.box <= box_limit and agreement.score <= _SCORE_TOLERANCE
    if close and agreement.mask <= _SCORE_TOLERANCE and agreement.unmatched <= allowed:
        return
    raise ExportError(
        f"the exported model does not agree with the checkpoint on {agreement.images} images: "
        f"boxes differ by up to {agreement.box:.3g} px (allowed {box_limit:.3g}), scores by "
        f"{agreement.score:.3g} and masks by {agreement.mask:.3g} (allowed {_SCORE_TOLERANCE:g}), "
        f"and {agreement.unmatched} of {agreement.matched + agreement.unmatched} detections are "
        "in one of them only. Nothing was written; please report this with the spec"
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
    pairs = _match(one, two, distance)
    rows, columns = pairs[:, 0], pairs[:, 1]
    lone = _lone(one, two, rows, columns, limit) + _lone(two, one, columns, rows, limit)
    if not len(pairs):
        return Agreement(unmatched=lone, images=1)
    mask = 0.0
    if one.masks is not None and two.masks is not None:
        mask = _largest_difference(one.masks[rows], two.masks[columns])
    return Agreement(
        box=float(distance[rows, columns].max()),
        score=_largest_difference(one.scores[rows], two.scores[columns]),
        mask=mask,
        matched=len(pairs),
        unmatched=lone,
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


def _match(one: Detections, two: Detections, distance: np.ndarray) -> np.ndarray:
    """Return pairs of indices, int (P, 2): same label, nearest box, each used once."""
    distance = np.where(one.labels[:, None] == two.labels[None], distance, np.inf)
    # Farther than half its own smaller side, a box is another object.
    sides = (one.boxes[:, 2:] - one.boxes[:, :2]).min(axis=-1, initial=np.inf)
    distance[distance > np.maximum(sides / 2, 1)[:, None]] = np.inf
    pairs = []
    for row in range(len(distance)):
        column = int(distance[row].argmin()) if distance.shape[1] else 0
        if distance.shape[1] and distance[row, column] < np.inf:
            pairs.append((row, column))
            distance[:, column] = np.inf
    return np.array(pairs, int).reshape(-1, 2)


def _lone(
    one: Detections, two: Detections, used: np.ndarray, used_by_two: np.ndarray, limit: int
) -> int:
    """Count detections of the first that the second lacks and should have.

    One may have fallen off the end of a full list. One whose score ties with another of the
    second that the first lacks lost to it in NMS.
    """
    alone = np.delete(one.scores, used)
    rivals = np.delete(two.scores, used_by_two)
    last = two.scores.min(initial=np.inf) if len(two.scores) == limit else -np.inf
    tied = (np.abs(alone[:, None] - rivals[None]) <= _TIE).any(axis=1)
    return int(np.sum((alone > last + _TIE) & ~tied))


def _largest_difference(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one.astype(np.float64) - two).max(initial=0.0))
