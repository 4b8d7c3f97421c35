"""Boxes in source pixels and KITTI label text."""

import numpy as np

from detforge.inference.boxes import source_boxes
from detforge.inference.kitti_labels import format_kitti_labels
from detforge.recipe import InputFormat

FORM = InputFormat(height=200, width=100)


def test_boxes_are_stretched_by_axis_and_not_clipped():
    # 100 x 200 was stretched from 400 x 300: four times as wide, one and a half times as high.
    boxes = np.array([[10, 20, 50, 100], [-5, 0, 110, 200]], np.float32)
    found = source_boxes(boxes, FORM, width=400, height=300)
    np.testing.assert_array_equal(found, [[40, 30, 200, 150], [-20, 0, 440, 300]])
    assert found.dtype == np.float32


def test_padding_of_a_fitted_image_is_no_part_of_the_source():
    # 400 x 200 became 100 x 50; below is padding.
    form = InputFormat(height=200, width=100, resize="fit")
    found = source_boxes(np.array([[10, 20, 50, 50]], np.float32), form, width=400, height=200)
    np.testing.assert_array_equal(found, [[40, 80, 200, 200]])


def test_window_moves_boxes_to_its_place_in_the_image():
    form = InputFormat(height=50, width=100, resize="pad", window=(30, 20, 130, 70))
    found = source_boxes(np.array([[10, 20, 50, 50]], np.float32), form, width=400, height=200)
    np.testing.assert_array_equal(found, [[40, 40, 80, 70]])


def test_no_boxes_stay_no_boxes():
    assert source_boxes(np.zeros((0, 4)), FORM, 10, 10).shape == (0, 4)
    assert format_kitti_labels(np.zeros((0, 4)), [], np.zeros(0)) == ""


def test_label_line_has_the_documented_16_columns():
    text = format_kitti_labels(np.array([[1, 2.5, 30.1239, 40]]), ["car"], np.array([0.87654]))
    assert text == (
        "car 0.00 0 0.00 1.000 2.500 30.124 40.000 0.00 0.00 0.00 0.00 0.00 0.00 0.00 0.8765\n"
    )
    assert len(text.split()) == 16


def test_white_space_in_a_class_name_becomes_an_underscore():
    boxes, scores = np.zeros((2, 4)), np.array([0.5, 0.25])
    lines = format_kitti_labels(boxes, ["traffic light", "Fußgänger"], scores).splitlines()
    assert [line.split()[0] for line in lines] == ["traffic_light", "Fußgänger"]
    assert {len(line.split()) for line in lines} == {16}
