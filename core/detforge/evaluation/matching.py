"""Which detection found which object, for many images and several ways to count at once.

Two sets of rules share one walk. Pascal VOC: a detection takes the best object of its class that is
still free. COCO (pycocotools, `COCOeval.evaluateImg`): one that counts goes before one that does
not, and a crowd excuses any number of detections. Departure from VOC: a detection takes the best
object that is still *free*, so that a second detection near two objects can find the other one.

Only detections of one image and class wait for each other. So turn after turn the next detection of
every image and class is dealt with, in a few NumPy calls.

Shape legend: D detections, G objects, T matching IoUs, A ranges of area, N detections that are near
an object, C objects near a detection (padded).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.boxes import box_areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]
    Integers = NDArray[np.integer]
    Booleans = NDArray[np.bool_]

HIT, WRONG, IGNORED = 1, 0, -1

# pycocotools: boxes that are equal but for rounding reach a matching IoU of 1.
_HIGHEST_IOU = 1 - 1e-10


class ImageResult(NamedTuple):
    """What was found in an image, and what is in it: D detections, G objects.

    Attributes:
        row: number of the image in its source.
        boxes: (D, 4), xyxy, pixels, in the detector's order.
        scores: (D,).
        labels: int (D,).
        gt_boxes: (G, 4), xyxy, in the same pixels.
        gt_labels: int (G,).
        gt_ignore: bool (G,), objects whose finding is neither right nor wrong, and whose absence
            is no miss: difficult ones and crowds.
        gt_crowd: bool (G,), which of them hold a group; None for none.
        gt_areas: (G,), pixels; None for those of the boxes.
        areas: (D,), pixels of the masks; None for those of the boxes.
        overlaps: (D, G), IoU of the masks; with a crowd, the share of the detection inside it.
            None for that of the boxes.
    """

    row: int
    boxes: Floats
    scores: Floats
    labels: Integers
    gt_boxes: Floats
    gt_labels: Integers
    gt_ignore: Booleans
    gt_crowd: Booleans | None = None
    gt_areas: Floats | None = None
    areas: Floats | None = None
    overlaps: Floats | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What counts as found.

    Attributes:
        ious: least IoUs of a detection with the object it found; each is a way to count.
        score_threshold: detections at or below it do not count.
        max_detections: of one class in an image, the best; None for all.
        areas: ranges of area in pixels, ends included; each is a way to count. Objects outside,
            and detections outside that found none, do not count.
        coco: prefer objects that count, and let crowds excuse any number of detections. Of
            objects with equal overlap take the last one instead of the first.
    """

    ious: tuple[float, ...]
    score_threshold: float = 0.0
    max_detections: int | None = None
    areas: tuple[tuple[float, float], ...] = ((0.0, float("inf")),)
    coco: bool = False


class Matches(NamedTuple):
    """What became of the detections of some images, by image, class and falling score.

    Attributes:
        image: int64 (D,), which of the images.
        number: int64 (D,), number of the detection in its image.
        scores: float64 (D,).
        labels: int64 (D,).
        ranks: int64 (D,), place among those of its image and class, from 0.
        outcomes: int8 (D, T, A), `HIT`, `WRONG` or `IGNORED`.
        found: int64 (D,), number of the object in its image, found at the first IoU in the first
            range; -1 for none.
        objects: int64 (A, classes), how many count.
    """

    image: Integers
    number: Integers
    scores: Floats
    labels: Integers
    ranks: Integers
    outcomes: NDArray[np.int8]
    found: Integers
    objects: Integers


class _Detections(NamedTuple):
    """All detections that count, by image, class and falling score."""

    key: Integers  # (D,), image and class in one number
    image: Integers
    number: Integers
    boxes: Floats
    scores: Floats
    labels: Integers
    ranks: Integers


class _Objects(NamedTuple):
    """All objects, by image and class, and one more that stands for none."""

    key: Integers  # (G,), image and class in one number
    number: Integers  # (G + 1,), in its image; -1 at the end
    boxes: Floats  # (G, 4)
    crowd: Booleans  # (G + 1,)
    counts: Booleans  # (G + 1, A)


class _Near(NamedTuple):
    """Detections with objects of their class near enough."""

    detections: Integers  # (N,)
    candidates: Integers  # (N, C), objects; the one that stands for none where padded
    overlaps: Floats  # (N, C); -1 where padded


def match(images: Sequence[ImageResult], n_classes: int, rules: Rules) -> Matches:
    """Return which detections found an object.

    Args:
        images: at least one.
        n_classes: labels run from 0 to `n_classes` - 1.
        rules: what counts.
    """
    detections = _all_detections(images, n_classes, rules)
    objects = _all_objects(images, n_classes, rules)
    near = _near_objects(images, detections, objects, rules)
    taken = _take_turns(near, detections.key[near.detections], objects, rules)
    outside = _is_outside(_detection_areas(images, detections), rules)  # (D, A)
    shape = (len(detections.key), len(rules.ious), len(rules.areas))
    outcomes = np.broadcast_to(np.where(outside, IGNORED, WRONG)[:, None], shape).astype(np.int8)
    result = np.where(objects.counts[taken, np.arange(shape[2])], HIT, IGNORED)
    is_none = taken == len(objects.key)
    outcomes[near.detections] = np.where(is_none, outcomes[near.detections], result)
    found = np.full(shape[0], -1, np.int64)
    found[near.detections] = objects.number[taken[:, 0, 0]]
    counted = [
        np.bincount(objects.key[inside] % n_classes, minlength=n_classes)
        for inside in objects.counts[:-1].T
    ]
    return Matches(
        detections.image,
        detections.number,
        detections.scores,
        detections.labels,
        detections.ranks,
        outcomes,
        found,
        np.array(counted),
    )


def _all_detections(images: Sequence[ImageResult], n_classes: int, rules: Rules) -> _Detections:
    scores = np.concatenate([result.scores for result in images]).astype(np.float64)
    labels = np.concatenate([result.labels for result in images]).astype(np.int64)
    boxes = np.concatenate([result.boxes for result in images]).astype(np.float64)
    image, index = _numbers([len(result.scores) for result in images])
    key = image * n_classes + labels
    # Stable, so that among equal scores the detector's order decides.
    order = np.lexsort((-scores, key))
    order = order[scores[order] > rules.score_threshold]
    ranks = _places(key[order])
    if rules.max_detections is not None:
        order, ranks = (values[ranks < rules.max_detections] for values in (order, ranks))
    columns = (key, image, index, boxes, scores, labels)
    return _Detections(*(column[order] for column in columns), ranks)


def _all_objects(images: Sequence[ImageResult], n_classes: int, rules: Rules) -> _Objects:
    image, index = _numbers([len(result.gt_boxes) for result in images])
    key = image * n_classes + np.concatenate([result.gt_labels for result in images])
    boxes = np.concatenate([result.gt_boxes for result in images]).astype(np.float64)
    ignore = np.concatenate([result.gt_ignore for result in images])
    crowd = np.concatenate(
        [
            np.zeros(len(result.gt_boxes), bool) if result.gt_crowd is None else result.gt_crowd
            for result in images
        ]
    )
    areas = np.concatenate(
        [
            box_areas(result.gt_boxes) if result.gt_areas is None else result.gt_areas
            for result in images
        ]
    )
    counts = ~ignore[:, None] & ~_is_outside(areas, rules)
    # The first of equals is taken; COCO wants the last.
    step = -1 if rules.coco else 1
    order = np.arange(len(key))[::step]
    order = order[np.argsort(key[order], kind="stable")]
    none = np.zeros((1, counts.shape[1]), bool)
    return _Objects(
        key[order],
        np.append(index[order], -1),
        boxes[order],
        np.append(crowd[order] & rules.coco, False),
        np.concatenate([counts[order], none]),
    )


def _near_objects(
    images: Sequence[ImageResult], detections: _Detections, objects: _Objects, rules: Rules
) -> _Near:
    """Return for each detection the objects that it may find at one of the IoUs."""
    first = np.searchsorted(objects.key, detections.key, "left")
    counts = np.searchsorted(objects.key, detections.key, "right") - first
    which, place = _numbers(counts)
    candidates = first[which] + place
    overlaps = _overlaps(images, detections, objects, which, candidates)
    is_near = overlaps >= min(min(rules.ious), _HIGHEST_IOU)
    which, candidates, overlaps = which[is_near], candidates[is_near], overlaps[is_near]
    near, row = np.unique(which, return_inverse=True)
    place = _places(which)
    shape = (len(near), int(place.max(initial=-1)) + 1)
    padded = np.full(shape, len(objects.key)), np.full(shape, -1.0)
    padded[0][row, place], padded[1][row, place] = candidates, overlaps
    return _Near(near, *padded)


def _overlaps(
    images: Sequence[ImageResult],
    detections: _Detections,
    objects: _Objects,
    which: Integers,
    candidates: Integers,
) -> Floats:
    """Return the overlap of each pair of a detection and an object."""
    if images[0].overlaps is not None:
        given = [result.overlaps for result in images if result.overlaps is not None]
        starts = np.cumsum([0, *(overlaps.size for overlaps in given)])
        widths = np.array([len(result.gt_boxes) for result in images])
        image = detections.image[which]
        place = detections.number[which] * widths[image] + objects.number[candidates]
        return np.concatenate([overlaps.ravel() for overlaps in given])[starts[image] + place]
    a, b = detections.boxes[which], objects.boxes[candidates]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    common = box_areas(np.concatenate([low, high], axis=1))
    area = box_areas(a)
    union = np.where(objects.crowd[candidates], area, area + box_areas(b) - common)
    return np.divide(common, union, out=np.zeros_like(union), where=union > 0)


def _take_turns(near: _Near, keys: Integers, objects: _Objects, rules: Rules) -> Integers:
    """Return the object that each detection takes, int64 (N, T, A); G for none.

    Args:
        near: detections, the best of an image and class first.
        keys: (N,), image and class of each.
        objects: to be taken.
        rules: what counts.
    """
    ious = np.minimum(rules.ious, _HIGHEST_IOU)[:, None]
    taken = np.full((len(keys), len(rules.ious), len(rules.areas)), len(objects.key))
    free = np.ones((len(objects.key) + 1, *taken.shape[1:]), bool)
    turns = _places(keys)
    order = np.argsort(turns, kind="stable")
    for some in np.split(order, np.cumsum(np.bincount(turns))[:-1]) if len(order) else ():
        candidates = near.candidates[some]
        overlaps = near.overlaps[some][..., None, None]  # (n, C, 1, 1)
        usable = free[candidates] & (overlaps >= ious)  # (n, C, T, A)
        if rules.coco:
            better = usable & objects.counts[candidates][:, :, None]
            usable = np.where(better.any(axis=1, keepdims=True), better, usable)
        best = np.where(usable, overlaps, -1.0).argmax(axis=1)  # (n, T, A)
        chosen = np.take_along_axis(candidates[..., None, None], best[:, None], axis=1)[:, 0]
        row, iou, area = np.nonzero(usable.any(axis=1))
        chosen = chosen[row, iou, area]
        taken[some[row], iou, area] = chosen
        free[chosen, iou, area] = objects.crowd[chosen]
    return taken


def _detection_areas(images: Sequence[ImageResult], detections: _Detections) -> Floats:
    if images[0].areas is None:
        return box_areas(detections.boxes)
    given = [result.areas for result in images if result.areas is not None]
    starts = np.cumsum([0, *map(len, given)])
    return np.concatenate(given)[starts[detections.image] + detections.number]


def _is_outside(areas: Floats, rules: Rules) -> Booleans:
    """Return bool (N, A): which areas lie in which range."""
    low, high = np.array(rules.areas).T
    return (areas[:, None] < low) | (areas[:, None] > high)


def _numbers(lengths: Sequence[int] | Integers) -> tuple[Integers, Integers]:
    """Return for each element of several runs the number of its run, and its place there."""
    lengths = np.asarray(lengths, np.int64)
    run = np.repeat(np.arange(len(lengths)), lengths)
    return run, np.arange(len(run)) - (np.cumsum(lengths) - lengths)[run]


def _places(keys: Integers) -> Integers:
    """Return the place of each element among its neighbours of the same key, from 0."""
    is_first = np.append(True, np.diff(keys) != 0)[: len(keys)]
    starts = np.flatnonzero(is_first)
    return np.arange(len(keys)) - starts[np.cumsum(is_first) - 1]
