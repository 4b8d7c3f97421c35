from __future__ import annotations

import numpy as np
import pytest

from detforge.inference.masks import paste_mask


def test_full_mask_covers_its_box():
    pasted = paste_mask(np.ones((28, 28)), np.array([100, 50, 156, 134]), 400, 300)
    # The published box of whole pixels with its border is (98, 47) to (158, 137).
    assert (pasted.left, pasted.top) == (98, 47)
    assert pasted.claimed.shape == (91, 61)
    assert pasted.claimed[4:-4, 3:-3].all()
    assert not pasted.claimed[[0, -1]].any()
    assert not pasted.claimed[:, [0, -1]].any()


@pytest.mark.parametrize(
    ("box", "corner", "shape"),
    [
        ((-20, -10, 20, 10), (0, 0), (11, 22)),
        ((90, 40, 200, 90), (86, 38), (12, 14)),
        ((10, 10, 10, 10), (10, 10), (1, 1)),
    ],
    ids=["top left", "bottom right", "a point"],
)
def test_only_the_part_inside_the_image_is_pasted(box, corner, shape):
    pasted = paste_mask(np.ones((28, 28)), np.array(box), 100, 50)
    assert (pasted.left, pasted.top) == corner
    assert pasted.claimed.shape == shape


@pytest.mark.parametrize("box", [(-60, -50, -40, -30), (120, 10, 140, 30), (10, 70, 30, 90)])
def test_mask_beside_the_image_claims_nothing(box):
    assert paste_mask(np.ones((28, 28)), np.array(box), 100, 50).claimed.size == 0


def test_mask_need_not_be_square():
    mask = np.zeros((7, 14))
    mask[:, 7:] = 1
    pasted = paste_mask(mask, np.array([20, 10, 62, 31]), 100, 50)
    columns = np.flatnonzero(pasted.claimed.any(axis=0)) + pasted.left
    assert columns.min() == pytest.approx(41, abs=1)
    assert columns.max() == pytest.approx(61, abs=1)
