from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import ListSource, make_sample, network

from detforge.data.shape_buckets import buckets_of, find_buckets


@given(
    st.lists(st.tuples(st.integers(1, 999), st.integers(1, 999)), min_size=1, max_size=60),
    st.integers(1, 8),
)
def test_every_image_fits_into_one_of_few_shapes(sizes, most):
    buckets = buckets_of(np.array(sizes), most)
    assert len(buckets.sizes) <= most
    assert set(buckets.of_row.tolist()) == set(range(len(buckets.sizes)))
    for (width, height), number in zip(sizes, buckets.of_row, strict=True):
        assert width <= buckets.sizes[number][0]
        assert height <= buckets.sizes[number][1]


def test_few_sizes_are_padded_by_nothing():
    sizes = [(800, 600), (600, 800), (800, 600), (900, 600)]
    buckets = buckets_of(np.array(sizes))
    assert [buckets.sizes[number] for number in buckets.of_row] == sizes


def test_portraits_do_not_share_a_shape_with_landscapes():
    sizes = [(600 + n, 600) for n in range(40)] + [(600, 601 + n) for n in range(40)]
    buckets = buckets_of(np.array(sizes))
    assert len(buckets.sizes) == 8
    assert not set(buckets.of_row[:40].tolist()) & set(buckets.of_row[40:].tolist())


def test_input_of_one_size_is_one_shape_and_needs_no_look_at_the_images():
    source = ListSource([None, None, None])
    buckets = find_buckets(source, network(64, 48))
    assert buckets.sizes == ((64, 48),)
    assert buckets.of_row.tolist() == [0, 0, 0]


def test_sizes_of_images_give_the_shapes():
    images = [np.zeros((30, 60, 3), np.uint8), np.zeros((40, 20, 3), np.uint8)]
    source = ListSource([make_sample([], [], image=image) for image in images])
    buckets = find_buckets(source, network(0, 0, shorter_side=10))
    assert [buckets.sizes[number] for number in buckets.of_row] == [(20, 10), (10, 20)]
