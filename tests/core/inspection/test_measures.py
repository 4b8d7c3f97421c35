"""Labelled images as arrays: every object once, in order, whatever the number of threads."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.data.data_builders import ListSource, make_sample

from detforge.data.samples import BEYOND_FRAME, Dropped, Remark
from detforge.errors import DatasetError
from detforge.inspection.measures import UNREADABLE, measure


class BrokenSource(ListSource):
    """Its second image cannot be read."""

    def __getitem__(self, row):
        if row == 1:
            raise DatasetError("b.png is truncated")
        return super().__getitem__(row)


def cars(count):
    return make_sample(
        [[i, 1, i + 9, 12] for i in range(count)], [f"car {i}" for i in range(count)]
    )


@settings(max_examples=20)
@given(
    counts=st.lists(st.integers(0, 4), max_size=9), workers=st.integers(1, 4), cut=st.integers(0, 9)
)
def test_all_objects_of_all_sources_are_there_in_order(counts, workers, cut):
    samples = [cars(count) for count in counts]
    sources = [ListSource(samples[:cut], "one"), ListSource(samples[cut:], "two")]
    found = measure(sources, workers=workers)
    assert found.counts.tolist() == counts
    assert found.image.tolist() == [i for i, count in enumerate(counts) for _ in range(count)]
    assert found.boxes[:, 0].tolist() == [i for count in counts for i in range(count)]
    names = [found.class_names[index] for index in found.classes]
    assert names == [f"car {i}" for count in counts for i in range(count)]
    rows = [row for source in sources for row in range(len(source))]
    assert found.row.tolist() == rows
    assert [found.sources[i] for i in found.source] == ["one"] * len(sources[0]) + ["two"] * len(
        sources[1]
    )


def test_ignored_regions_are_counted_and_are_no_objects():
    boxes = [[0, 0, 9, 9], [10, 0, 20, 9], [20, 0, 30, 9]]
    found = measure([ListSource([make_sample(boxes, ["DontCare", "car", "dontcare"])])])
    assert (found.ignored_regions, found.class_names) == (2, ("car",))
    assert found.boxes.tolist() == [boxes[1]]


def test_image_that_cannot_be_read_is_left_out_and_the_rest_measured():
    found = measure([BrokenSource([cars(1), cars(1), cars(2)])])
    assert (found.counts.tolist(), found.row.tolist()) == ([1, 2], [0, 2])
    assert found.dropped == (Dropped(place="b.png is truncated", class_name="", reason=UNREADABLE),)


def test_what_readers_leave_out_and_remark_is_kept():
    dropped = Dropped(place="a.txt:3", class_name="car", reason="inverted")
    remark = Remark(object_id=7, part="box", reason=BEYOND_FRAME)
    source = ListSource([cars(1), replace(cars(2), dropped=(dropped,), remarks=(remark,))])
    source.left_out = (Dropped(place="c.txt", class_name="", reason="label file without an image"),)
    found = measure([source])
    assert found.dropped == (*source.left_out, dropped)
    assert found.remarks == ((1, remark),)


def test_areas_are_not_a_number_where_the_data_say_none():
    said = replace(cars(1), areas=np.array([5.0], np.float32))
    found = measure([ListSource([said, cars(1)])])
    np.testing.assert_array_equal(found.areas, np.array([5, np.nan], np.float32))


def test_digests_are_equal_for_equal_files_only():
    images = [np.full((48, 64, 3), grey, np.uint8) for grey in (1, 2, 1)]
    source = ListSource([make_sample([], [], image=image) for image in images])
    digests = measure([source], digests=True).digests
    assert digests.shape == (3, 16)
    assert digests[0].tolist() == digests[2].tolist() != digests[1].tolist()
    assert measure([source]).digests is None


def test_an_object_takes_less_than_a_hundred_bytes():
    found = measure([ListSource([cars(50)] * 200)])
    arrays = [value for value in vars(found).values() if isinstance(value, np.ndarray)]
    names = sum(sys.getsizeof(name) for name in found.class_names)
    assert sum(array.nbytes for array in arrays) + names < 100 * 50 * 200


@pytest.mark.parametrize("sources", [[], [ListSource([])]], ids=["no source", "no image"])
def test_nothing_has_empty_measures(sources):
    found = measure(sources)
    assert (found.boxes.shape, found.sizes.shape, found.counts.shape) == ((0, 4), (0, 2), (0,))
