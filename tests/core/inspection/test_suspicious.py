"""Labels that look wrong are found, with their places; ordinary ones are left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.data.data_builders import (
    ListSource,
    kitti_row,
    make_recipe,
    make_sample,
    network,
    write_kitti,
)

from detforge.data.kitti import KittiFolder
from detforge.data.samples import BEYOND_FRAME, Remark
from detforge.inspection.fitting import find_unfit
from detforge.inspection.measures import measure
from detforge.inspection.suspicious import (
    find_same_images,
    find_suspicious,
    similar_names,
)
from detforge.recipe import Classes


def findings(*samples):
    return {found.kind: found for found in find_suspicious(measure([ListSource(samples)]))}


def unfit(sample, recipe):
    return {found.kind: found for found in find_unfit(measure([ListSource([sample])]), recipe)}


def car(*boxes, **flags):
    return make_sample(boxes, ["car"] * len(boxes), **flags)


def test_ordinary_labels_are_not_suspicious():
    assert findings(car([1, 2, 30, 20], [31, 2, 60, 40]), car([5, 5, 8, 9])) == {}


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ([10, 10, 10.5, 30], "sub_pixel"),
        ([10, 10, 30, 10.99], "sub_pixel"),
        ([10, 10, 12.9, 30], "thin"),
        ([10, 10, 30, 11], "thin"),
        ([2, 10, 62, 15], "extreme_shape"),
        ([10, 2, 14, 47], "extreme_shape"),
        ([0, 0, 64, 48], "whole_image"),
        ([0, 0.4, 64, 48], "whole_image"),
    ],
)
def test_odd_box_is_found_once_with_its_place(box, kind):
    found = findings(car([20, 20, 30, 30]), car([5, 5, 25, 20], box))
    assert list(found) == [kind]
    (place,) = found[kind].places()
    assert found[kind].count == 1
    assert (place["source"], place["image"], place["row"]) == ("memory", "memory.png", 1)
    assert (place["object"], place["class"]) == (1, "car")
    assert place["box_xyxy"] == pytest.approx(box, abs=0.01)


@pytest.mark.parametrize(
    "box", [[10, 10, 13, 30], [2, 10, 62, 16], [0, 0, 64, 46]], ids=["3 px", "10 to 1", "96 %"]
)
def test_box_at_a_limit_is_not_suspicious(box):
    assert findings(car(box)) == {}


def test_group_of_objects_may_fill_the_image():
    assert findings(car([0, 0, 64, 48], crowd=[True])) == {}


def test_same_object_twice_names_both():
    found = findings(car([10, 10, 30, 30], [40, 10, 60, 30], [10, 10, 30, 30.5]))
    assert list(found) == ["same_object"]
    (place,) = found["same_object"].places()
    assert (place["object"], place["same_as"]["object"]) == (2, 0)


def test_one_box_with_two_classes_is_another_kind():
    found = findings(make_sample([[10, 10, 30, 30]] * 2, ["car", "bus"]))
    assert list(found) == ["two_classes"]
    (place,) = found["two_classes"].places()
    assert (place["class"], place["same_as"]["class"]) == ("bus", "car")


def test_same_box_in_two_images_and_of_a_crowd_is_no_double():
    assert findings(car([10, 10, 30, 30]), car([10, 10, 30, 30])) == {}
    assert findings(car([10, 10, 30, 30], [10, 10, 30, 30], crowd=[True, False])) == {}


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(500, 540))
def test_doubles_are_found_among_any_number_of_objects(seed, count):
    rng = np.random.default_rng(seed)
    first, later = sorted(rng.choice(count, 2, replace=False))
    # A row of boxes beside each other, of which one lies on another.
    boxes = np.array([[5 * i, 1, 5 * i + 4, 9] for i in range(count)], np.float32)
    boxes[later] = boxes[first]
    image = np.zeros((10, 5 * count, 3), np.uint8)
    found = findings(make_sample(boxes, ["car"] * count, image=image))
    (place,) = found["same_object"].places()
    assert (place["object"], place["same_as"]["object"]) == (later, first)


def test_left_out_objects_are_told_by_reason_and_line(tmp_path):
    rows = [kitti_row("car", (30, 10, 10, 30)), kitti_row(), kitti_row("car", (90, 9, 99, 20))]
    source = KittiFolder(*write_kitti(tmp_path, {"a": rows}))
    found = list(find_suspicious(measure([source])))
    told = {finding.title: next(finding.places())["place"] for finding in found}
    labels = tmp_path / "labels" / "a.txt"
    assert told == {
        "left out: inverted": f"{labels}:1",
        "left out: outside the image": f"{labels}:3",
    }


def test_remarks_of_readers_are_told_with_the_annotation():
    remark = Remark(object_id=7, part="box", reason=BEYOND_FRAME)
    found = findings(car([1, 1, 9, 9]), replace(car([1, 1, 9, 9]), remarks=(remark,)))
    assert found["remark"].title == "box reaches beyond the image"
    (place,) = found["remark"].places()
    assert (place["row"], place["object"]) == (1, 7)


# --- class names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Car", "car"),
        ("traffic light", "traffic_light"),
        ("Fußgänger", "FUSSGÄNGER"),
        ("café", "cafe\u0301"),
        ("truck", "trucks"),
        ("person", "persom"),
        ("platelets", "plateletts"),
        ("bicylce", "bicycle"),
    ],
)
def test_names_that_are_probably_one_class_are_found(one, other):
    assert list(similar_names([one, "aeroplane", other])) == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cat", "car"),
        ("bus", "bush"),
        ("type 1", "type 2"),
        ("speed limit 30", "speed limit 80"),
        ("motorcycle", "bicycle"),
        ("人", "车"),
        ("", "a"),
    ],
)
def test_names_of_different_things_are_left_alone(one, other):
    assert list(similar_names([one, other])) == []


def test_similar_classes_are_told_with_their_counts():
    found = findings(make_sample([[1, 1, 9, 9], [20, 1, 29, 9]], ["Person", "person"]))
    (place,) = found["similar_classes"].places()
    assert place == {"classes": {"Person": 1, "person": 1}}


# --- the same image -----------------------------------------------------------------------


def test_image_in_training_and_validation_is_told_apart_from_one_that_is_there_twice():
    grey = [car([1, 1, 9, 9], image=np.full((48, 64, 3), level, np.uint8)) for level in range(3)]
    parts = {
        "training": measure([ListSource([grey[0], grey[1], grey[0]], "a")], digests=True),
        "validation": measure([ListSource([grey[2], grey[1]], "b")], digests=True),
    }
    across, within = find_same_images(parts)
    assert (across.kind, within.kind) == ("same_image_in_two_parts", "same_image")
    (place,) = across.places()
    assert (place["part"], place["row"]) == ("validation", 1)
    assert (place["same_as"]["part"], place["same_as"]["row"]) == ("training", 1)
    (place,) = within.places()
    assert (place["row"], place["same_as"]["row"]) == (2, 0)


# --- what a spec makes of it --------------------------------------------------------------


def test_classes_without_a_place_in_the_spec_are_found():
    sample = make_sample([[1, 1, 9, 9], [20, 1, 29, 9]], ["CAR", "bus"])
    found = unfit(sample, make_recipe(["car"]))
    assert list(found["unmapped_class"].places()) == [{"class": "bus", "objects": 1}]
    assert "unmapped_class" not in unfit(sample, make_recipe(["car", "bus"]))


def test_classes_by_category_id_are_known_by_their_names():
    # As `open_recipe` leaves them: ids lead to the names of the data.
    classes = Classes(names=("car", "2"), mapping={"1": "car", "2": "2"}, by_category_id=True)
    recipe = replace(make_recipe(), classes=classes)
    sample = make_sample([[1, 1, 9, 9], [20, 1, 29, 9]], ["car", "bus"])
    assert list(unfit(sample, recipe)["unmapped_class"].places()) == [
        {"class": "bus", "objects": 1}
    ]


def test_objects_below_the_least_size_of_a_spec_are_found_in_the_pixels_of_the_network():
    # Half the size: 6 x 12 pixels become 3 x 6.
    recipe = make_recipe(["car"], input=network(32, 24), min_box_width=3.5)
    found = unfit(car([10, 10, 16, 22], [10, 10, 30, 40]), recipe)
    assert [place["object"] for place in found["below_minimum"].places()] == [0]
    assert "tiny_in_network" not in found


def test_objects_that_the_network_hardly_sees_are_found():
    found = unfit(
        car([10, 10, 17, 22], [10, 10, 30, 40]), make_recipe(["car"], input=network(32, 24))
    )
    assert [place["object"] for place in found["tiny_in_network"].places()] == [0]


def test_images_with_more_objects_than_the_spec_allows_are_found():
    sample = car([10, 10, 20, 22], [10, 10, 30, 40], [30, 10, 60, 40])
    found = unfit(sample, make_recipe(["car"], max_objects=2))["too_many_objects"]
    assert next(found.places())["objects"] == 3
    assert found.advice == "training keeps the largest"
    strict = make_recipe(["car"], max_objects=2, max_objects_field="model.most_objects")
    assert unfit(sample, strict)["too_many_objects"].advice == "training refuses them"
    assert unfit(sample, make_recipe(["car"], max_objects=3)) == {}


def test_objects_without_a_mask_are_found_where_masks_are_learned():
    masked = car([10, 10, 20, 22], masks=(b"png",))
    plain = car([10, 10, 20, 22])
    assert unfit(masked, make_recipe(["car"], mask_size=7)) == {}
    assert unfit(plain, make_recipe(["car"], mask_size=7))["no_mask"].count == 1
    assert unfit(plain, make_recipe(["car"])) == {}
