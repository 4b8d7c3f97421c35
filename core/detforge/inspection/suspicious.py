"""Labels that are probably mistakes, each with its place.

Nothing here is an error: a lamp post is thin, and a poster fills the image. Shape legend as in
`measures`: I images, N objects.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from detforge.data.boxes import iou_matrix_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from detforge.inspection.measures import Measures

    Place = dict[str, Any]

Kind = Literal[
    "left_out",
    "remark",
    "sub_pixel",
    "thin",
    "extreme_shape",
    "whole_image",
    "same_object",
    "two_classes",
    "similar_classes",
    "same_image",
    "same_image_in_two_parts",
    "unmapped_class",
    "below_minimum",
    "tiny_in_network",
    "too_many_objects",
    "no_mask",
]
"""What a label can be suspected of; docs/data.md explains each."""

MIN_SIDE_PX = 1.0
THIN_PX = 3.0
WHOLE_IMAGE = 0.98
EXTREME_RATIO = 10.0
SAME_BOX_IOU = 0.9
_SHORT_NAME = 5
# Rows of the table of overlaps that are computed at a time, for images of thousands of objects.
_BLOCK = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One kind of suspicious label.

    Attributes:
        kind: a word for programs.
        title: what is odd, in words.
        count: places.
        places: called for all of them, as plain values, one after the other.
        advice: what it may mean and what to do; may be empty.
    """

    kind: Kind
    title: str
    count: int
    places: Callable[[], Iterator[Place]]
    advice: str = ""


class _Where(NamedTuple):
    """An image: its part of the data, and its number in there."""

    part: str
    image: int


def find_suspicious(measures: Measures) -> list[Finding]:
    """Return what is odd about the labels of some sources, kind by kind.

    Args:
        measures: of the sources.
    """
    findings = [
        *_left_out(measures),
        *_remarks(measures),
        *_odd_boxes(measures),
        *_twice(measures),
        *_similar_classes(measures),
    ]
    return [finding for finding in findings if finding.count]


def find_same_images(parts: Mapping[str, Measures]) -> list[Finding]:
    """Return the image files that are there more than once, within a part and across parts.

    Args:
        parts: part of the data set -> its measures, with digests.
    """
    first: dict[bytes, _Where] = {}
    across: list[tuple[_Where, _Where]] = []
    within: list[tuple[_Where, _Where]] = []
    for part, measures in parts.items():
        assert measures.digests is not None
        for index, digest in enumerate(map(bytes, measures.digests)):
            here = _Where(part, index)
            other = first.setdefault(digest, here)
            if other is not here:
                (within if other.part == part else across).append((other, here))

    def places(pairs: Sequence[tuple[_Where, _Where]]) -> Iterator[Place]:
        for pair in pairs:
            one, other = ({"part": part, **image_place(parts[part], index)} for part, index in pair)
            yield {**other, "same_as": one}

    found = [
        Finding(
            kind="same_image_in_two_parts",
            title="the same image in two parts of the data",
            count=len(across),
            places=lambda: places(across),
            advice="validation on images that were trained on tells nothing",
        ),
        Finding(
            kind="same_image",
            title="the same image twice",
            count=len(within),
            places=lambda: places(within),
        ),
    ]
    return [finding for finding in found if finding.count]


# --- what the readers say -------------------------------------------------------------------


def _left_out(measures: Measures) -> Iterator[Finding]:
    """Yield objects, labels and images that no training will see."""
    by_reason = defaultdict(list)
    for dropped in measures.dropped:
        by_reason[dropped.reason].append(dropped)
    for reason, group in sorted(by_reason.items()):
        yield Finding(
            kind="left_out",
            title=f"left out: {reason}",
            count=len(group),
            places=lambda group=group: (dropped.as_json() for dropped in group),
        )


def _remarks(measures: Measures) -> Iterator[Finding]:
    by_reason = defaultdict(list)
    for found in measures.remarks:
        by_reason[f"{found.remark.part} {found.remark.reason}"].append(found)
    for reason, group in sorted(by_reason.items()):
        yield Finding(
            kind="remark",
            title=reason,
            count=len(group),
            places=lambda group=group: (
                {**image_place(measures, image), "object": remark.object_id}
                for image, remark in group
            ),
        )


# --- boxes ----------------------------------------------------------------------------------


def _odd_boxes(measures: Measures) -> Iterator[Finding]:
    if not len(measures.boxes):
        return
    short, long = measures.sides.min(axis=1), measures.sides.max(axis=1)
    images = measures.sizes[measures.image].astype(np.float64).prod(axis=1)
    share = measures.sides.astype(np.float64).prod(axis=1) / images
    single = ~measures.crowd
    is_thin = (short < THIN_PX) & (short >= MIN_SIDE_PX)
    kinds: tuple[tuple[Kind, str, NDArray[np.bool_]], ...] = (
        ("sub_pixel", f"narrower or lower than {MIN_SIDE_PX:g} pixel", short < MIN_SIDE_PX),
        ("thin", f"narrower or lower than {THIN_PX:g} pixels", is_thin),
        (
            "extreme_shape",
            f"sides of more than {EXTREME_RATIO:g} to 1",
            single & ~is_thin & (short >= MIN_SIDE_PX) & (long > EXTREME_RATIO * short),
        ),
        ("whole_image", "covers the whole image", single & (share >= WHOLE_IMAGE)),
    )
    for kind, title, is_odd in kinds:
        yield of_objects(measures, kind, title, np.flatnonzero(is_odd))


def of_objects(
    measures: Measures, kind: Kind, title: str, objects: NDArray[np.intp], advice: str = ""
) -> Finding:
    """Return a finding about some objects, int (M,)."""
    return Finding(
        kind=kind,
        title=title,
        count=len(objects),
        places=lambda: (_object(measures, index) for index in objects.tolist()),
        advice=advice,
    )


def _twice(measures: Measures) -> Iterator[Finding]:
    pairs = np.array(list(_same_boxes(measures)), np.int64).reshape(-1, 2)
    same_class = measures.classes[pairs[:, 0]] == measures.classes[pairs[:, 1]]
    kinds: tuple[tuple[Kind, str, NDArray[np.int64]], ...] = (
        ("same_object", "the same object twice", pairs[same_class]),
        ("two_classes", "one box with two classes", pairs[~same_class]),
    )
    for kind, title, found in kinds:
        yield Finding(
            kind=kind,
            title=f"{title} (IoU of {SAME_BOX_IOU:g} or more)",
            count=len(found),
            places=lambda found=found: (
                {**_object(measures, later), "same_as": _object(measures, first)}
                for first, later in found.tolist()
            ),
        )


def _same_boxes(measures: Measures) -> Iterator[tuple[int, int]]:
    """Yield each object that lies on an earlier one of its image, with that one before it."""
    for image in np.flatnonzero(measures.counts > 1):
        start, end = measures.starts[image : image + 2]
        boxes, single = measures.boxes[start:end], ~measures.crowd[start:end]
        for first in range(0, len(boxes), _BLOCK):
            block = slice(first, first + _BLOCK)
            same = iou_matrix_numpy(boxes[block], boxes) >= SAME_BOX_IOU
            same &= single[block, np.newaxis] & single
            same = np.tril(same, first - 1)
            for index in np.flatnonzero(same.any(axis=1)):
                yield int(start + same[index].argmax()), int(start + first + index)


# --- classes --------------------------------------------------------------------------------


def _similar_classes(measures: Measures) -> Iterator[Finding]:
    counts = np.bincount(measures.classes, minlength=len(measures.class_names)).tolist()
    known = dict(zip(measures.class_names, counts, strict=True))
    pairs = list(similar_names(measures.class_names))
    yield Finding(
        kind="similar_classes",
        title="class names that differ by a letter",
        count=len(pairs),
        places=lambda: ({"classes": {name: known[name] for name in pair}} for pair in pairs),
        advice="map them to one class, or rename one",
    )


def similar_names(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of names that differ in nothing but case and separators, or by one letter.

    Short names, and names that differ in their numbers, are left alone: "cat" and "car", "type 1"
    and "type 2" are different things.
    """
    plain = [(name, _plain(name)) for name in names]
    for (one, a), (other, b) in itertools.combinations(plain, 2):
        if a == b or (_is_one_edit(a, b) and _without_digits(a) != _without_digits(b)):
            yield one, other


def _plain(name: str) -> str:
    # NFKC: an accent may be a letter of its own or part of the letter before it.
    name = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in name if not (letter.isspace() or letter in "-_."))


def _without_digits(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdecimal())


def _is_one_edit(a: str, b: str) -> bool:
    """Tell whether one letter more, less, changed or swapped makes one name the other."""
    if abs(len(a) - len(b)) > 1 or min(len(a), len(b)) < _SHORT_NAME:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if start is None:
        return True
    rest, other = a[start:], b[start:]
    is_swapped = rest[:2] == other[:2][::-1] and rest[2:] == other[2:]
    return is_swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]


# --- places ---------------------------------------------------------------------------------


def image_place(measures: Measures, image: int) -> Place:
    """Return where an image is to be found, as plain values."""
    source = measures.sources[measures.source[image]]
    name = measures.image_names[image]
    return {"source": source, "image": name, "row": int(measures.row[image])}


def _object(measures: Measures, index: int) -> Place:
    image = int(measures.image[index])
    return {
        **image_place(measures, image),
        "object": index - int(measures.starts[image]),
        "class": measures.class_names[measures.classes[index]],
        "box_xyxy": [round(float(value), 2) for value in measures.boxes[index]],
    }
