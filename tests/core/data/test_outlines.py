from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from detforge.data.outlines import (
    Polygons,
    Runs,
    box_outline,
    draw_outline,
    is_beyond_box,
    parse_outline,
)
from detforge.errors import DatasetError

MASKS = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 1)
)


def _draw(segmentation, width, height):
    return draw_outline(parse_outline(segmentation, "x"), width, height, "x")


@settings(max_examples=300)
@given(MASKS)
def test_compressed_runs_of_pycocotools_give_the_mask_back(mask):
    height, width = mask.shape
    runs = coco_mask.encode(np.asfortranarray(mask))
    segmentation = {"size": runs["size"], "counts": runs["counts"].decode()}
    np.testing.assert_array_equal(_draw(segmentation, width, height), mask)


@given(MASKS)
def test_uncompressed_runs_are_drawn_as_pycocotools_draws_them(mask):
    height, width = mask.shape
    pixels = mask.T.ravel()
    edges = np.flatnonzero(np.diff(pixels, prepend=0)).tolist()
    counts = np.diff([0, *edges, pixels.size]).tolist()
    segmentation = {"size": [height, width], "counts": counts}
    theirs = coco_mask.decode(coco_mask.frPyObjects(segmentation, height, width))
    np.testing.assert_array_equal(_draw(segmentation, width, height), theirs)
    np.testing.assert_array_equal(theirs, mask)


@given(st.integers(0, 2**30), st.integers(0, 5))
def test_long_runs_survive_compression(first, more):
    """Only the sum is too large to be drawn, which says what was understood."""
    counts = [first, 7, 2**20, *range(more)]
    runs = {"size": [1, sum(counts)], "counts": counts}
    text = coco_mask.frPyObjects(runs, 1, sum(counts))["counts"].decode()
    with pytest.raises(DatasetError, match=f"cover {sum(counts)} pixels"):
        draw_outline(Runs(text, width=3, height=1), 3, 1, "x")


COORDINATE = st.floats(-20, 60).map(lambda value: round(value, 2))


@given(st.lists(st.lists(COORDINATE, min_size=6, max_size=12), min_size=1, max_size=3))
def test_polygons_are_drawn_as_pycocotools_draws_them(parts):
    parts = [part[: len(part) // 2 * 2] for part in parts]
    theirs = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(parts, 30, 40)))
    np.testing.assert_array_equal(_draw(parts, 40, 30), theirs)


@given(MASKS.filter(lambda mask: mask.any()))
def test_mask_is_within_the_box_around_it(mask):
    rows, columns = np.nonzero(mask)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert not is_beyond_box(mask, box)
    x1, y1, x2, y2 = box
    for smaller in ((x1 + 2, y1, x2, y2), (x1, y1 + 2, x2, y2), (x1, y1, x2 - 2, y2),
                    (x1, y1, x2, y2 - 2)):  # fmt: skip
        assert is_beyond_box(mask, smaller)


def test_fewer_than_three_points_are_no_outline():
    assert parse_outline([[1, 2, 3, 4], [], [5, 6]], "x") is None
    assert parse_outline([[1, 2, 3, 4], [0, 0, 4, 0, 4, 4]], "x") == Polygons(
        [[0, 0, 4, 0, 4, 4]], left_out=1
    )


def test_box_has_the_outline_of_its_pixels():
    mask = draw_outline(box_outline((3, 4, 10, 6)), 20, 10, "x")
    assert mask[4:6, 3:10].all()
    assert mask.sum() == 14
