"""Drawings: boxes where they belong, colours by class, text in any script, any image size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.inference.drawing import class_color, draw_detections, draw_objects, write_text

GREY = 90
WHITE_INK = 1  # a label whose colour is dark enough for white text


def grey(height, width):
    return np.full((height, width, 3), GREY, np.uint8)


def draw(image, *rows, masks=None):
    """Draw rows of x1, y1, x2, y2, name, label with score 0.5."""
    boxes = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    names, labels = [row[4] for row in rows], np.array([row[5] for row in rows], int)
    return draw_detections(image, boxes, names, np.full(len(rows), 0.5), labels, masks)


def ink(image):
    return (image == 255).all(axis=-1).sum()


def changed(image):
    return (image != GREY).any(axis=-1)


def test_box_is_outlined_in_the_colour_of_its_class_and_not_filled():
    drawn = draw(grey(300, 400), (100, 120, 220, 260, "car", 2))
    assert tuple(drawn[259, 180]) == class_color(2)
    assert tuple(drawn[200, 100]) == class_color(2)
    assert tuple(drawn[200, 219]) == class_color(2)
    assert not changed(drawn)[130:250, 110:210].any()


def test_small_object_is_not_hidden_by_its_outline():
    drawn = draw(grey(900, 1200), (600, 400, 612, 412, "", 2))
    assert (drawn[402:410, 602:610] == GREY).all()


def test_image_given_stays_as_it_was():
    image = grey(100, 100)
    draw(image, (10, 10, 60, 60, "car", 0))
    assert (image == GREY).all()


def test_no_detections_leave_the_image_alone():
    np.testing.assert_array_equal(draw(grey(50, 50)), grey(50, 50))


def test_label_stands_above_its_box_and_inside_the_image():
    drawn = changed(draw(grey(300, 400), (100, 120, 220, 260, "car", 2)))
    rows = np.flatnonzero(drawn[:116].any(axis=1))
    assert 100 <= rows.min() <= rows.max() < 120


@pytest.mark.parametrize(
    "box",
    [(-50, -40, 60, 50), (350, -10, 460, 90), (380, 280, 500, 400), (-100, -100, 900, 900)],
    ids=["top left", "top right", "bottom right", "larger than the image"],
)
def test_label_of_a_box_at_the_border_is_inside_the_image_as_a_whole(box):
    reference = draw(grey(300, 400), (100, 120, 220, 260, "car 車", WHITE_INK))
    drawn = draw(grey(300, 400), (*box, "car 車", WHITE_INK))
    assert ink(drawn) >= 0.9 * ink(reference) > 20


def test_labels_of_two_boxes_in_one_place_do_not_cover_each_other():
    first = (100, 120, 220, 260, "aaa", WHITE_INK)
    second = (101, 121, 220, 260, "aaa", WHITE_INK)
    one, two = draw(grey(300, 400), first), draw(grey(300, 400), first, second)
    assert ink(two) >= 1.9 * ink(one) > 20


def test_text_without_room_is_left_out_and_its_outline_stays():
    places = [(100 + n, 140 + n, 102 + n, 142 + n, "a long name", WHITE_INK) for n in range(12)]
    few, many = draw(grey(300, 400), *places[:6]), draw(grey(300, 400), *places)
    assert ink(many) < 1.2 * ink(few)
    assert tuple(many[152, 111]) == class_color(WHITE_INK)


@pytest.mark.parametrize("name", ["Fußgänger", "красный", "猫", "ψ", "Å"])
def test_letters_outside_ascii_are_drawn_and_not_replaced_by_question_marks(name):
    drawn = draw(grey(300, 400), (100, 120, 220, 260, name, WHITE_INK))
    replaced = draw(grey(300, 400), (100, 120, 220, 260, "?" * len(name), WHITE_INK))
    assert (drawn != replaced).any()
    assert ink(drawn) > 20


def letters(text):
    """Return the pixels of each letter of a text, from left to right."""
    canvas = np.zeros((60, 400, 3), np.uint8)
    write_text(canvas, text, (5, 5), 40, (255, 255, 255))
    is_ink = canvas.any(axis=(0, 2))
    starts, ends = (np.flatnonzero(np.diff(is_ink.astype(int)) == step) + 1 for step in (1, -1))
    return [canvas[:, start:end] for start, end in zip(starts, ends, strict=True)]


def test_hebrew_is_written_from_right_to_left_and_the_score_behind_it_is_not():
    (shin,), (yod,), (one,) = letters("ש"), letters("י"), letters("1")
    found = letters("שי 1")
    assert [letter.shape for letter in found] == [yod.shape, shin.shape, one.shape]


def test_text_grows_with_the_image():
    def drawn(side):
        box = (side * 0.3, side * 0.4, side * 0.6, side * 0.9)
        return draw(grey(side, side), (*box, "car", WHITE_INK))

    assert ink(drawn(1600)) > 3 * ink(drawn(400)) > 60


@settings(max_examples=40)
@given(
    height=st.integers(1, 120),
    width=st.integers(1, 120),
    rows=st.lists(
        st.tuples(*[st.floats(-200, 300, width=32)] * 4, st.text(max_size=12), st.integers(0, 99)),
        max_size=5,
    ),
)
def test_any_image_and_any_boxes_can_be_drawn(height, width, rows):
    assert draw(grey(height, width), *rows).shape == (height, width, 3)


def test_colours_of_the_first_twelve_classes_are_clearly_different():
    colors = np.array([class_color(label) for label in range(12)], float)
    distances = np.linalg.norm(colors[:, None] - colors[None], axis=-1)
    assert distances[~np.eye(12, dtype=bool)].min() > 60


def test_mask_tints_its_pixels_inside_the_box_only():
    mask = np.zeros((1, 4, 4), np.float32)
    mask[0, :, :2] = 1  # the left half
    drawn = changed(draw(grey(300, 400), (100, 100, 200, 200, "car", 2), masks=mask))
    assert drawn[120:180, 110:140].all()
    assert not drawn[120:180, 165:190].any()
    assert not drawn[210:].any()


def test_mask_of_a_box_that_leaves_the_image_is_not_squeezed():
    mask = np.zeros((1, 4, 4), np.float32)
    mask[0, :, 2:] = 1  # the right half, which is what the image shows
    drawn = changed(draw(grey(300, 400), (-100, 100, 100, 200, "car", 2), masks=mask))
    assert drawn[150:180, 30:90].all()


def draw_muted(muted, masks=None, text="car"):
    boxes = np.array([[100, 120, 220, 260]], np.float32)
    return draw_objects(grey(300, 400), boxes, [text], np.array([2]), masks, np.array([muted]))


def test_muted_object_has_a_dashed_outline_in_the_colour_of_its_class():
    side = (draw_muted(True)[259, 100:220] == class_color(2)).all(axis=-1)
    assert 0.4 < side.mean() < 0.8
    assert (draw_muted(False)[259, 100:220] == class_color(2)).all()


def test_muted_object_has_a_grey_mask_and_a_grey_label():
    drawn = draw_muted(True, np.ones((1, 4, 4), np.float32))
    red, green, blue = drawn[200, 160]
    assert red == green == blue != GREY
    assert not (drawn[100:118] == class_color(2)).all(axis=-1).any()


def test_object_without_a_text_has_no_label():
    assert not changed(draw_muted(False, text=""))[:110].any()
