"""The picture of the statistics: it shows the parts, and can be drawn of anything."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from tests.core.data.data_builders import ListSource, make_sample, network

from detforge.inspection.charts import Part, draw_charts
from detforge.inspection.measures import measure
from detforge.inspection.summary import summarise

BLUE, ORANGE = (0x3B, 0x6E, 0xA5), (0xE0, 0x8A, 0x2E)


def part(*samples, format=None):
    measures = measure([ListSource(samples)])
    return Part(measures, summarise(measures, format))


def drawn(parts, title="data", format=None):
    """Return the picture, uint8 (H, W, 3) RGB; a warning of matplotlib is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = draw_charts(parts, title, format)
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)


def pixels(picture, color):
    return int((picture == color).all(axis=-1).sum())


def car(*widths, name="car"):
    return make_sample([[1, 1, 1 + width, 40] for width in widths], [name] * len(widths))


def test_bars_are_as_long_as_the_counts():
    training, validation = part(car(*[9] * 30)), part(car(*[9] * 10))
    # The classes are in the upper left of the picture.
    picture = drawn({"training": training, "validation": validation})
    panel = picture[: picture.shape[0] // 3, : picture.shape[1] // 2]
    rows = {color: (panel == color).all(axis=-1).sum(axis=1).max() for color in (BLUE, ORANGE)}
    assert rows[BLUE] == pytest.approx(3 * rows[ORANGE], rel=0.02)


def test_parts_have_colours_of_their_own():
    one = part(car(9))
    assert pixels(drawn({"training": one}), ORANGE) == 0
    assert pixels(drawn({"training": one, "validation": one}), ORANGE) > 1000


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [make_sample([], [])],
        [car(9)],
        [car(*range(1, 60))],
        [make_sample([[1, 1, 9, 9]] * 90, [f"class {i}" for i in range(90)])],
    ],
    ids=["no image", "no object", "one object", "many sizes", "many classes"],
)
@pytest.mark.parametrize("format", [None, network()], ids=["path", "spec"])
def test_any_data_can_be_drawn(samples, format):
    picture = drawn({"all": part(*samples, format=format)}, format=format)
    assert picture.shape[0] > 1000


@pytest.mark.parametrize("name", ["Fußgänger", "красный", "猫", "$x^", "a_b\\c", "x" * 300])
def test_class_names_in_any_script_are_drawn_and_not_replaced(name):
    replaced = "?" * len(name)
    first, other = (drawn({"all": part(car(9, name=word))}) for word in (name, replaced))
    assert first.shape == other.shape
    assert (first != other).any()
