"""Outlines of objects as COCO writes them: polygons and run lengths, checked and drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# pycocotools walks along every edge in steps of a fifth of a pixel, however far outside the image.
_FARTHEST = 1e6

_NUMBER_TYPES = {int, float}


class Polygons(NamedTuple):
    """An outline of x, y, x, y, ... for each part.

    Attributes:
        parts: at least one, each of three points or more.
        left_out: parts of fewer points.
    """

    parts: list[list[float]]
    left_out: int


class Runs(NamedTuple):
    """A run-length encoding: lengths of runs down the columns, of 0 and 1 in turn.

    Attributes:
        counts: as a list, or as COCO's text.
        width: pixels of the image it was made for.
        height: pixels.
    """

    counts: list[int] | str
    width: int
    height: int


def parse_outline(segmentation: Any, place: str) -> Polygons | Runs | None:
    """Return what a COCO ``segmentation`` says, None when it is no more than a few points.

    Args:
        segmentation: as JSON gives it; not empty.
        place: file and annotation, for messages.

    Raises:
        DatasetError: neither a list of polygons nor a run-length encoding.
    """
    if isinstance(segmentation, dict):
        return _parse_runs(segmentation, place)
    if not isinstance(segmentation, list):
        raise DatasetError(
            f"{place}: the segmentation is {str(segmentation)[:40]!r}; a list of polygons or a "
            "run-length encoding belongs there"
        )
    for polygon in segmentation:
        _check_polygon(polygon, place)
    parts = [polygon for polygon in segmentation if len(polygon) >= 6]
    return Polygons(parts, len(segmentation) - len(parts)) if parts else None


def _check_polygon(polygon: Any, place: str) -> None:
    if not isinstance(polygon, list) or not {*map(type, polygon)} <= _NUMBER_TYPES:
        raise DatasetError(
            f"{place}: a polygon is {str(polygon)[:40]}; a list of numbers x, y, x, y, ... belongs "
            "there"
        )
    if len(polygon) % 2:
        raise DatasetError(
            f"{place}: a polygon has {len(polygon)} numbers; it takes an x and a y for each point"
        )
    # The sum finds NaN, which compares with nothing.
    if polygon and not (
        min(polygon) >= -_FARTHEST and max(polygon) <= _FARTHEST and math.isfinite(sum(polygon))
    ):
        wrong = next(value for value in polygon if not abs(value) <= _FARTHEST)
        raise DatasetError(
            f"{place}: a polygon has the coordinate {wrong}, which is no pixel of an image"
        )


def _parse_runs(segmentation: dict[str, Any], place: str) -> Runs:
    size: Any = segmentation.get("size")
    counts: Any = segmentation.get("counts")
    is_size = isinstance(size, list) and [type(side) for side in size] == [int, int]
    if not is_size or not isinstance(counts, list | str):
        raise DatasetError(
            f"{place}: a run-length mask takes 'size' [height, width] and 'counts', a list or a "
            f"text; it has {str(segmentation)[:80]}"
        )
    return Runs(counts, width=size[1], height=size[0])


def draw_outline(
    outline: Polygons | Runs, width: int, height: int, place: str
) -> NDArray[np.uint8]:
    """Return the mask of an outline, uint8 (H, W), 0 or 1.

    Args:
        outline: of one object.
        width: pixels of the image.
        height: pixels.
        place: file and annotation, for messages.

    Raises:
        DatasetError: run lengths for another image size, or damaged ones.
    """
    if isinstance(outline, Runs):
        check_size(outline, width, height, place)
        return _draw_runs(outline, place)
    codec = _codec(place)
    return codec.decode(codec.merge(codec.frPyObjects(outline.parts, height, width)))


def check_size(runs: Runs, width: int, height: int, place: str) -> None:
    """Refuse run lengths that were made for another image size.

    Raises:
        DatasetError: says both sizes.
    """
    if (runs.width, runs.height) != (width, height):
        raise DatasetError(
            f"{place}: the run-length mask is for {runs.width}x{runs.height} pixels, the image "
            f"has {width}x{height}"
        )


def _draw_runs(runs: Runs, place: str) -> NDArray[np.uint8]:
    try:
        counts = _decompress(runs.counts) if isinstance(runs.counts, str) else _counts(runs.counts)
    except ValueError as err:
        raise DatasetError(f"{place}: the counts of a run-length mask are damaged: {err}") from err
    covered, pixels = int(counts.sum()), runs.width * runs.height
    if covered != pixels:
        raise DatasetError(
            f"{place}: the counts of a run-length mask cover {covered} pixels, the image has "
            f"{runs.width}x{runs.height} = {pixels}"
        )
    values = (np.arange(len(counts)) % 2).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(values, counts).reshape(runs.width, runs.height).T)


def _counts(counts: list[int]) -> NDArray[np.int64]:
    for count in counts:
        if type(count) is not int or not 0 <= count < 2**31:
            raise ValueError(f"{count!r} is no number of pixels")
    return np.array(counts, np.int64)


def _decompress(text: str) -> NDArray[np.int64]:
    """Return the counts that a text stands for.

    Each character holds five bits of a number, lowest first, and a sixth that says whether more
    follow; the highest bit is the sign. From the fourth number on it is the difference to the
    last but one.
    """
    codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - 48
    if not codes.size:
        return codes
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError(f"{text[:20]!r} is not such a text")
    ends = np.flatnonzero(codes & 32 == 0)
    starts = np.append(0, ends[:-1] + 1)
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, ends - starts + 1))
    if shifts.max() > 30:
        raise ValueError(f"{text[:20]!r} holds a number that no image has pixels for")
    counts = np.add.reduceat((codes & 31) << shifts, starts)
    counts -= np.where(codes[ends] & 16, 32 << shifts[ends], 0)
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    if counts.min() < 0:
        raise ValueError(f"{text[:20]!r} holds a negative number of pixels")
    return counts


def box_outline(box: Sequence[float]) -> Polygons:
    """Return a box, xyxy, as an outline."""
    x1, y1, x2, y2 = box
    return Polygons([[x1, y1, x2, y1, x2, y2, x1, y2]], left_out=0)


def is_beyond_box(mask: NDArray[np.uint8], box: Sequence[float]) -> bool:
    """Tell whether a mask reaches over its box by more than a pixel on any side.

    The extent of a mask is that of its contours at the level 0.5, with the centres of pixels at
    whole numbers: half a pixel around the pixels that are set.

    Args:
        mask: uint8 (H, W), 0 or 1, not empty.
        box: xyxy, pixels.
    """
    x1, y1, x2, y2 = box
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    return bool(
        columns[0] - 0.5 < x1 - 1
        or rows[0] - 0.5 < y1 - 1
        or columns[-1] + 0.5 > x2 + 1
        or rows[-1] + 0.5 > y2 + 1
    )


def _codec(place: str) -> Any:
    try:
        from pycocotools import mask
    except ImportError as err:
        raise DatasetError(
            f"{place} has a mask, and masks need pycocotools: pip install 'detforge[train]'"
        ) from err
    return mask
