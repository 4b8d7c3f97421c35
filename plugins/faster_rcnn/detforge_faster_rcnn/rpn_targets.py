"""What each anchor of the proposal network should say.

Faster R-CNN, section 3.1.2 (arXiv:1506.01497). Shape legend: B images, N boxes (padded), A anchors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from detforge.boxes.clipping import has_area, is_inside
from detforge.boxes.coding import encode_boxes
from detforge.boxes.iou import iou_matrix
from detforge.boxes.proposals import take_rows
from detforge.boxes.sampling import choose_randomly

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tensor = Any

POSITIVE, NEGATIVE, NEUTRAL = 1, 0, -1

# Keep the random choices of an image apart.
_POSITIVES, _NEGATIVES = 0, 1


class AnchorTargets(NamedTuple):
    """What the anchors of each image learn.

    Attributes:
        labels: int32 (B, A), `POSITIVE`, `NEGATIVE` or `NEUTRAL`.
        deltas: float32 (B, A, 4), 0 where an anchor is not positive.
    """

    labels: Tensor
    deltas: Tensor


def assign_anchors(
    anchors: Tensor,
    boxes: Tensor,
    labels: Tensor,
    ignore: Tensor,
    *,
    height: float | Tensor,
    width: float | Tensor,
    variances: Sequence[float],
    positive_iou: float,
    negative_iou: float,
) -> AnchorTargets:
    """Return what every anchor learns, before any is sampled.

    An anchor is positive from `positive_iou` with an object on, negative up to `negative_iou` with
    every object, neutral in between. An object that no positive anchor has as its best one takes
    its own best anchor; of several that want the same, the last in the list gets it. Anchors that
    reach beyond the image are neutral.

    Args:
        anchors: float32 (A, 4), xyxy, pixels.
        boxes: float32 (B, N, 4), xyxy, pixels.
        labels: int32 (B, N), -1 for padding. A box without area counts as padding too.
        ignore: bool (B, N), objects that get no anchor; what is near them is no background.
        height: of the image, pixels.
        width: of the image, pixels.
        variances: divisors of the deltas.
        positive_iou: least overlap of an anchor with its object.
        negative_iou: largest overlap of a negative anchor.

    Returns:
        Targets without a gradient.
    """
    anchors = ops.cast(ops.stop_gradient(anchors), "float32")
    boxes = ops.cast(ops.stop_gradient(boxes), "float32")
    is_object = (ops.cast(labels, "int32") >= 0) & has_area(boxes)
    inside = is_inside(anchors, height, width)
    near = ops.where(is_object[:, :, None] & inside, iou_matrix(boxes, anchors), 0.0)
    wanted = is_object & ~ops.cast(ignore, "bool")
    overlap = ops.where(wanted[:, :, None], near, 0.0)
    best = ops.max(overlap, axis=1)
    owner = ops.cast(ops.argmax(overlap, axis=1), "int32")
    positive = (best >= positive_iou) & (best > 0)
    rescuer = _rescued(overlap, ops.where(positive, owner, -1))
    owner = ops.where(rescuer >= 0, rescuer, owner)
    positive = positive | (rescuer >= 0)
    negative = inside & (ops.max(near, axis=1) <= negative_iou) & ~positive
    found = ops.where(positive, POSITIVE, ops.where(negative, NEGATIVE, NEUTRAL))
    deltas = encode_boxes(take_rows(boxes, owner), anchors, variances)
    # Encoding padding is not finite.
    return AnchorTargets(found, ops.where(positive[:, :, None], deltas, 0.0))


def _rescued(overlap: Tensor, owner: Tensor) -> Tensor:
    """Return the object that takes an anchor because it owns none yet, int32 (B, A), or -1.

    Args:
        overlap: float32 (B, N, A), 0 where a pair must not be.
        owner: int32 (B, A), object of each positive anchor, else -1.
    """
    objects = ops.arange(overlap.shape[1], dtype="int32")
    owns = ops.any(ops.equal(owner[:, None, :], objects[:, None]), axis=2)
    lacks = ~owns & (ops.max(overlap, axis=2) > 0)
    favourite = ops.cast(ops.argmax(overlap, axis=2), "int32")
    places = ops.arange(ops.shape(overlap)[2], dtype="int32")
    takes = lacks[:, :, None] & ops.equal(favourite[:, :, None], places)
    return ops.max(ops.where(takes, objects[:, None], -1), axis=1)


def sample_anchors(labels: Tensor, seeds: Tensor, *, mini_batch: int) -> Tensor:
    """Return the labels with all but a random sample of the anchors neutral.

    Half of the sample at most is positive; negatives fill it as far as there are any.

    Args:
        labels: int32 (B, A), of `AnchorTargets`.
        seeds: int32 (B,), one an image.
        mini_batch: anchors of an image in the sample.

    Returns:
        int32 (B, A).
    """
    half = mini_batch // 2
    positive = ops.equal(labels, POSITIVE)
    positive = choose_randomly(positive, half, seeds, most=half, stream=_POSITIVES)
    rest = mini_batch - ops.sum(ops.cast(positive, "int32"), axis=1)
    negative = ops.equal(labels, NEGATIVE)
    negative = choose_randomly(negative, rest, seeds, most=mini_batch, stream=_NEGATIVES)
    return ops.where(positive, POSITIVE, ops.where(negative, NEGATIVE, NEUTRAL))
