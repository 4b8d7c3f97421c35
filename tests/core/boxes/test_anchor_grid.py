from __future__ import annotations

import numpy as np
from keras import ops

from detforge.boxes.grid import grid_anchors


def test_anchors_stand_around_the_centres_of_cells_row_by_row():
    sizes = [(4, 4), (2, 8)]
    anchors = ops.convert_to_numpy(grid_anchors(2, 3, stride=10, sizes_wh=sizes))
    assert anchors.shape == (12, 4)
    assert anchors[0].tolist() == [3, 3, 7, 7]
    assert anchors[1].tolist() == [4, 1, 6, 9]
    assert anchors[2].tolist() == [13, 3, 17, 7]
    assert anchors[6].tolist() == [3, 13, 7, 17]


def test_a_map_of_unknown_size_has_the_same_anchors():
    known = grid_anchors(3, 2, stride=16, sizes_wh=[(5, 7)])
    rows, columns = ops.convert_to_tensor(3), ops.convert_to_tensor(2)
    found = grid_anchors(rows, columns, stride=16, sizes_wh=[(5, 7)])
    np.testing.assert_array_equal(ops.convert_to_numpy(found), ops.convert_to_numpy(known))
