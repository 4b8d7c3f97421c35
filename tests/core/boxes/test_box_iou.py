from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import iou_matrix


def iou(a, b):
    return ops.convert_to_numpy(iou_matrix(np.asarray(a, np.float32), np.asarray(b, np.float32)))


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        pytest.param([0, 0, 10, 10], [0, 0, 10, 10], 1.0, id="same"),
        pytest.param([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, id="half-covered"),
        pytest.param([0, 0, 10, 10], [2, 2, 7, 7], 0.25, id="inside"),
        pytest.param([0, 0, 10, 10], [10, 0, 20, 10], 0.0, id="touching"),
        pytest.param([0, 0, 10, 10], [50, 50, 60, 60], 0.0, id="apart"),
        pytest.param([0, 0, 0, 0], [0, 0, 0, 0], 0.0, id="padding"),
        pytest.param([0, 0, 10, 10], [5, 5, 5, 9], 0.0, id="no-width"),
        pytest.param([0, 0, 10, 10], [8, 2, 2, 8], 0.0, id="negative-width"),
        pytest.param([8, 8, 2, 2], [0, 0, 10, 10], 0.0, id="both-sides-negative"),
    ],
)
def test_overlap_of_two_boxes(a, b, want):
    np.testing.assert_allclose(iou([a], [b]), [[want]], rtol=1e-6)


def test_no_boxes_give_an_empty_matrix():
    assert iou(np.zeros((0, 4)), np.ones((3, 4))).shape == (0, 3)
    assert iou(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0, 0)


def test_leading_axes_broadcast():
    a = np.array([[[0, 0, 4, 4]], [[0, 0, 2, 4]]], np.float32)
    np.testing.assert_allclose(iou(a, [[0, 0, 4, 4], [0, 0, 2, 4]]), [[[1, 0.5]], [[0.5, 1]]])


def test_half_precision_boxes_are_compared_in_float32():
    boxes = np.array([[0, 0, 300, 300]], np.float16)
    overlap = iou_matrix(boxes, boxes)
    assert ops.convert_to_numpy(overlap).dtype == np.float32
    np.testing.assert_array_equal(ops.convert_to_numpy(overlap), 1.0)
