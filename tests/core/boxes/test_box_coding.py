from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import decode_boxes, encode_boxes

VARIANCES = (0.1, 0.2, 0.3, 0.4)


def encode(boxes, anchors, variances=VARIANCES):
    return ops.convert_to_numpy(encode_boxes(boxes, anchors, variances))


def decode(deltas, anchors, variances=VARIANCES):
    return ops.convert_to_numpy(decode_boxes(deltas, anchors, variances))


def test_an_anchor_encoded_against_itself_is_zero():
    anchors = np.array([[3, 4, 30, 80], [0, 0, 1, 1]], np.float32)
    np.testing.assert_array_equal(encode(anchors, anchors), 0.0)


def test_zero_deltas_decode_to_the_anchor():
    anchors = np.array([[3, 4, 30, 80], [-5, 0, 1, 1]], np.float32)
    np.testing.assert_allclose(decode(np.zeros((2, 4), np.float32), anchors), anchors, atol=1e-5)


@pytest.mark.parametrize(
    ("box", "want"),
    [
        pytest.param([20, 0, 30, 40], [10.0, 0, 0, 0], id="one-width-to-the-right"),
        pytest.param([10, 20, 20, 60], [0, 2.5, 0, 0], id="half-a-height-down"),
        pytest.param([5, 0, 25, 40], [0, 0, np.log(2) / 0.3, 0], id="twice-as-wide"),
        pytest.param([10, 10, 20, 30], [0, 0, 0, -np.log(2) / 0.4], id="half-as-high"),
    ],
)
def test_deltas_are_in_anchor_sizes_over_variances(box, want):
    anchor = np.array([[10, 0, 20, 40]], np.float32)
    np.testing.assert_allclose(encode(np.array([box], np.float32), anchor), [want], atol=1e-5)


def test_a_batch_of_boxes_shares_the_anchors():
    anchors = np.array([[0, 0, 10, 10], [5, 5, 9, 9]], np.float32)
    deltas = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    together = decode(deltas, anchors)
    np.testing.assert_array_equal(together, [decode(one, anchors) for one in deltas])


def test_half_precision_deltas_decode_in_float32():
    boxes = decode(np.zeros((1, 4), np.float16), np.array([[0, 0, 1001, 999]], np.float32))
    assert boxes.dtype == np.float32
    np.testing.assert_array_equal(boxes, [[0, 0, 1001, 999]])


@pytest.mark.parametrize("delta", [1e3, 1e30, 3.4e38, -1e30, -3.4e38])
@pytest.mark.parametrize("column", range(4))
def test_boxes_of_exploding_deltas_are_finite(column, delta):
    deltas = np.zeros((1, 4), np.float32)
    deltas[0, column] = delta
    x1, y1, x2, y2 = decode(deltas, np.array([[0, 0, 600, 500]], np.float32), (1, 1, 1, 1))[0]
    assert np.isfinite([x1, y1, x2, y2]).all()
    assert x1 <= x2
    assert y1 <= y2


def test_a_side_grows_to_a_thousand_sixteenths_at_most():
    anchors = np.array([[0, 0, 16, 16]], np.float32)
    below = decode(np.array([[0, 0, np.log(62), 0]], np.float32), anchors, (1, 1, 1, 1))[0]
    beyond = decode(np.array([[0, 0, 9, np.log(64)]], np.float32), anchors, (1, 1, 1, 1))[0]
    assert below[2] - below[0] == pytest.approx(62 * 16, rel=1e-5)
    assert beyond[2] - beyond[0] == pytest.approx(1000, rel=1e-5)
    assert beyond[3] - beyond[1] == pytest.approx(1000, rel=1e-5)
