"""Which regions train the classifier, and what it should say about them.

Fast R-CNN, section 2.3 (arXiv:1504.08083). Shape legend: B images, N boxes (padded), K regions
(padded), R regions of a mini-batch, C classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from detforge.boxes.clipping import has_area
from detforge.boxes.coding import encode_boxes
from detforge.boxes.iou import iou_matrix
from detforge.boxes.matching import BACKGROUND, NEUTRAL
from detforge.boxes.proposals import take_rows
from detforge.boxes.sampling import random_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tensor = Any

_POSITIVE_SHARE = 0.25
# Keep the random choices of an image apart, from those of the anchors too.
_POSITIVES, _NEGATIVES = 2, 3


class RegionTargets(NamedTuple):
    """The regions that train the classifier, positive ones first.

    Attributes:
        regions: float32 (B, R, 4), xyxy, pixels.
        classes: int32 (B, R): label, C for background, -1 where an image has no region at all.
        deltas: float32 (B, R, 4), 0 where a region has no object.
    """

    regions: Tensor
    classes: Tensor
    deltas: Tensor


def match_regions(
    regions: Tensor,
    boxes: Tensor,
    labels: Tensor,
    ignore: Tensor,
    *,
    positive_iou: float,
    negative_iou: float,
) -> Tensor:
    """Return the object of every region.

    Where there is no object in the image, every region is background.

    Args:
        regions: float32 (B, K, 4), xyxy, pixels; neutral where without area.
        boxes: float32 (B, N, 4), xyxy, pixels.
        labels: int32 (B, N), -1 for padding. A box without area counts as padding too.
        ignore: bool (B, N), objects that get no region; what is on them is no background.
        positive_iou: least overlap of a region with its object.
        negative_iou: regions from this overlap on, and below `positive_iou`, are background.

    Returns:
        int32 (B, K): index of the box, `BACKGROUND` or `NEUTRAL`.
    """
    is_object = (ops.cast(labels, "int32") >= 0) & has_area(boxes)
    wanted = is_object & ~ops.cast(ignore, "bool")
    near = ops.where(is_object[:, None, :], iou_matrix(regions, boxes), 0.0)
    overlap = ops.where(wanted[:, None, :], near, 0.0)
    best, nearest = ops.max(overlap, axis=2), ops.max(near, axis=2)
    is_empty = ~ops.any(is_object, axis=1)[:, None]
    background = ((best >= negative_iou) & (nearest < positive_iou)) | is_empty
    matched = ops.where(
        (best >= positive_iou) & (best > 0),
        ops.cast(ops.argmax(overlap, axis=2), "int32"),
        ops.where(background, BACKGROUND, NEUTRAL),
    )
    return ops.where(has_area(regions), matched, NEUTRAL)


def sample_regions(matched: Tensor, seeds: Tensor, *, mini_batch: int) -> tuple[Tensor, Tensor]:
    """Return a random sample of the regions of each image, positive ones first.

    A quarter at most is positive where there is background too. Where there are too few, each is
    used as often as any other.

    Args:
        matched: int32 (B, K), of `match_regions`.
        seeds: int32 (B,), one an image.
        mini_batch: R.

    Returns:
        index int32 (B, R), and whether it is real, bool (B, R): False only where all regions of
        an image are neutral.
    """
    most = min(mini_batch, matched.shape[1])
    positives, positive = _shuffled(matched >= 0, seeds, most, _POSITIVES)
    negatives, negative = _shuffled(ops.equal(matched, BACKGROUND), seeds, most, _NEGATIVES)
    share = ops.minimum(positives, int(mini_batch * _POSITIVE_SHARE))
    share = ops.where(negatives > 0, share, ops.where(positives > 0, mini_batch, 0))
    slot = ops.arange(mini_batch, dtype="int32")
    first = ops.take_along_axis(positive, slot % ops.maximum(positives, 1), axis=1)
    second = (slot - share) % ops.maximum(negatives, 1)
    second = ops.take_along_axis(negative, second, axis=1)
    is_real = ops.broadcast_to(positives + negatives > 0, ops.shape(first))
    return ops.where(slot < share, first, second), is_real


def _shuffled(among: Tensor, seeds: Tensor, most: int, stream: int) -> tuple[Tensor, Tensor]:
    """Return how many take part, `most` counted at most, int32 (B, 1), and their order."""
    count = ops.sum(ops.cast(among, "int32"), axis=1, keepdims=True)
    return ops.minimum(count, most), random_order(among, seeds, most=most, stream=stream)


def make_region_targets(
    regions: Tensor,
    boxes: Tensor,
    labels: Tensor,
    ignore: Tensor,
    seeds: Tensor,
    *,
    n_classes: int,
    variances: Sequence[float],
    positive_iou: float,
    negative_iou: float,
    mini_batch: int,
    boxes_as_regions: bool,
) -> RegionTargets:
    """Return the mini-batch of each image.

    Args:
        regions: float32 (B, K, 4), xyxy, pixels; zeros where padded.
        boxes: float32 (B, N, 4), xyxy, pixels.
        labels: int32 (B, N), -1 for padding.
        ignore: bool (B, N), objects that are neither to be found nor background.
        seeds: int32 (B,), one an image.
        n_classes: C.
        variances: divisors of the deltas.
        positive_iou: see `match_regions`.
        negative_iou: see there.
        mini_batch: R.
        boxes_as_regions: take the true boxes for regions too.

    Returns:
        Targets without a gradient.
    """
    regions, boxes = ops.stop_gradient(regions), ops.cast(ops.stop_gradient(boxes), "float32")
    if boxes_as_regions:
        regions = ops.concatenate([regions, boxes], axis=1)
    matched = match_regions(
        regions, boxes, labels, ignore, positive_iou=positive_iou, negative_iou=negative_iou
    )
    index, is_real = sample_regions(matched, seeds, mini_batch=mini_batch)
    regions = ops.where(is_real[:, :, None], take_rows(regions, index), 0.0)
    matched = ops.take_along_axis(matched, index, axis=1)
    has_object, box = is_real & (matched >= 0), ops.maximum(matched, 0)
    classes = ops.take_along_axis(ops.cast(labels, "int32"), box, axis=1)
    classes = ops.where(has_object, classes, ops.where(is_real, n_classes, -1))
    deltas = encode_boxes(take_rows(boxes, box), regions, variances)
    # Encoding padding is not finite.
    return RegionTargets(regions, classes, ops.where(has_object[:, :, None], deltas, 0.0))
