from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.data.boxes import box_fault, clip_boxes, iou_matrix_numpy

NOTHING = np.zeros((0, 4), np.float32)


@st.composite
def some_boxes(draw, most=6):
    quarters = st.integers(-400, 400).map(lambda v: v / 4)
    corners = st.lists(quarters, min_size=4, max_size=4)
    rows = draw(st.lists(corners, max_size=most))
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("other", "want"),
    [
        ([0, 0, 10, 10], 1.0),
        ([5, 0, 15, 10], 1 / 3),
        ([0, 0, 10, 5], 0.5),
        ([10, 0, 20, 10], 0.0),
        ([0, 0, 0, 10], 0.0),
        ([9, 9, 1, 1], 0.0),
    ],
    ids=["same", "half beside", "half", "touching", "no width", "inverted"],
)
def test_overlap_is_shared_area_over_covered_area(other, want):
    assert iou_matrix_numpy([[0, 0, 10, 10]], [other])[0, 0] == pytest.approx(want)


def test_overlap_with_nothing_has_no_rows_or_columns():
    box = np.array([[0, 0, 1, 1]])
    assert iou_matrix_numpy(NOTHING, box).shape == (0, 1)
    assert iou_matrix_numpy(box, NOTHING).shape == (1, 0)
    assert iou_matrix_numpy(NOTHING, NOTHING).shape == (0, 0)


@given(some_boxes(), some_boxes())
def test_overlap_is_symmetric_and_between_0_and_1(a, b):
    overlap = iou_matrix_numpy(a, b)
    assert overlap.dtype == np.float64
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_array_equal(overlap, iou_matrix_numpy(b, a).T)


@given(some_boxes(), some_boxes())
def test_overlap_is_that_of_the_tensors(a, b):
    from keras import ops

    from detforge.boxes import iou_matrix

    want = ops.convert_to_numpy(iou_matrix(a, b))
    np.testing.assert_allclose(iou_matrix_numpy(a, b), want, rtol=1e-4, atol=1e-5)


def test_overlap_needs_no_keras():
    code = (
        "import sys, detforge.evaluation, detforge.data.augment; assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        ((0, 0, 1, 1), ""),
        ((-5, -5, 1, 1), ""),
        ((0, 0, float("nan"), 1), "not finite"),
        ((3, 0, 1, 1), "inverted"),
        ((1, 0, 1, 1), "zero size"),
        ((64, 0, 70, 1), "outside the image"),
        ((-9, 0, 0, 1), "outside the image"),
    ],
)
def test_box_that_cannot_be_used_has_one_reason(box, fault):
    assert box_fault(box, 64, 48) == fault


@pytest.mark.filterwarnings("error")
def test_clipped_boxes_lie_in_the_image():
    np.testing.assert_array_equal(clip_boxes([[-1, 2, 70, 50]], 64, 48), [[0, 2, 64, 48]])
    np.testing.assert_array_equal(clip_boxes([[-1e99, 2, 1e99, 50]], 64, 48), [[0, 2, 64, 48]])
    assert clip_boxes([], 64, 48).shape == (0, 4)
