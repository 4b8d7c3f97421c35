"""Previews: what the network gets, with boxes, masks and names where they belong."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.core.data.data_builders import (
    detector_stub,
    kitti_row,
    make_recipe,
    network,
    write_kitti,
)

from detforge.data.images import to_network_input
from detforge.data.scenes import draw_scenes
from detforge.errors import CheckpointError, DatasetError
from detforge.inference.batch_images import to_pixels
from detforge.inference.drawing import class_color
from detforge.inference.sheets import write_picture
from detforge.inspection.preview import Selection, draw_preview
from detforge.recipe import Classes, DataSource, HorizontalFlip

DETECTOR = detector_stub()
FLIP = HorizontalFlip(probability=1.0)
# The network input is as large as an image of `kitti`, and shown at four times its size.
SCALE = 4


@pytest.fixture
def kitti(tmp_path):
    """Three images with one car each, the second occluded; 80 x 60 pixels."""
    cars = {
        "a": [kitti_row("car", (10, 20, 40, 50))],
        "b": [kitti_row("car", (10, 20, 40, 50), occlusion="2")],
        "c": [kitti_row("car", (10, 20, 40, 50))],
    }
    images, labels = write_kitti(tmp_path, cars, size=(80, 60))
    return (DataSource(images=str(images), labels=str(labels)),)


def recipe_of(training, **changes):
    defaults = {"input": network(80, 60), "batch_size": 2}
    return make_recipe(["car"], **{"training": training} | defaults | changes)


def preview(recipe, **selection):
    return draw_preview(recipe, DETECTOR, Selection(**selection), "spec.txt (stub)")


def outline(picture, label=0):
    """Return x1, y1, x2, y2 of what is drawn in the colour of a label, and the share it fills."""
    is_ink = (picture == class_color(label)).all(axis=-1)
    rows, columns = np.flatnonzero(is_ink.any(axis=1)), np.flatnonzero(is_ink.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def canvas(picture):
    """Return the part of a picture of one image that is the image: its grey is not the paper's."""
    is_paper = (picture > 200).all(axis=-1)
    left = int(np.flatnonzero(~is_paper[150])[0])
    top = int(np.flatnonzero((picture[:, left + 2] == 90).all(axis=-1))[0])
    return picture[top : top + 60 * SCALE, left : left + 80 * SCALE]


@pytest.mark.parametrize(
    ("augmentation", "x"), [((), (10, 40)), ((FLIP,), (40, 70))], ids=["plain", "flipped"]
)
def test_box_lies_where_the_network_gets_it(kitti, augmentation, x):
    picture, shown = preview(recipe_of(kitti, augmentation=augmentation), images=1, seed=1)
    x1, _, x2, y2 = outline(canvas(picture))
    assert len(shown) == 1
    # The line is two pixels thick on either side of the edge at most.
    np.testing.assert_allclose([x1, x2, y2], [x[0] * SCALE, x[1] * SCALE, 50 * SCALE], atol=2)


def test_images_are_those_of_the_batches_with_row_and_epoch(kitti):
    recipe = recipe_of(kitti, augmentation=(FLIP,))
    _, shown = preview(recipe, images=9, seed=4)
    names = ["a.png", "b.png", "c.png"]
    assert [image.name for image in shown] == [names[image.row] for image in shown]
    # Two steps of two images make an epoch of three images.
    assert [image.epoch for image in shown] == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert {image.row for image in shown[:3]} == {0, 1, 2}
    assert preview(recipe, images=5, seed=4, epoch=2)[1] == shown[4:]


def test_seed_decides_and_the_specs_seed_is_the_default(kitti):
    recipe = replace(recipe_of(kitti, augmentation=(FLIP,)), seed=4)
    default, rows = preview(recipe, images=6)
    np.testing.assert_array_equal(default, preview(recipe, images=6, seed=4)[0])
    others = [preview(recipe, images=6, seed=seed)[1] for seed in range(20, 26)]
    assert any(other != rows for other in others)


def test_ignored_object_is_dashed(kitti):
    recipe = recipe_of(kitti, include_difficult=False)
    filled = {}
    for seed in range(12):
        picture, (image,) = preview(recipe, images=1, seed=seed)
        filled[image.name] = (picture == class_color(0)).all(axis=-1).sum()
    assert filled["a.png"] == filled["c.png"]
    assert filled["b.png"] < 0.5 * filled["a.png"]


def test_pair_shows_the_same_image_without_augmentation_first(kitti):
    recipe = recipe_of(kitti, augmentation=(FLIP,))
    single, rows = preview(recipe, images=1, seed=2)
    pair, shown = preview(recipe, images=1, seed=2, plain=True)
    assert shown == rows
    assert pair.shape[1] > single.shape[1]
    assert abs(outline(canvas(pair))[0] - 10 * SCALE) <= 2
    # The second image of the pair is the single one, further to the right.
    assert outline(pair)[2] - outline(single)[2] == pytest.approx(80 * SCALE, abs=8)


def test_validation_images_are_not_augmented(kitti):
    recipe = recipe_of((), validation=kitti, augmentation=(FLIP,))
    picture, _ = preview(recipe, images=1, validation=True, plain=True)
    assert abs(outline(canvas(picture))[0] - 10 * SCALE) <= 2
    with pytest.raises(DatasetError, match=r"spec\.txt \(stub\) names no training data"):
        preview(recipe)


def test_validation_shows_objects_that_training_leaves_out(kitti):
    limits = {"min_box_width": 35, "max_objects": 1}
    recipe = recipe_of(kitti, validation=kitti, **limits)
    shown, left_out = (preview(recipe, images=1, validation=v)[0] for v in (True, False))
    assert (shown == class_color(0)).all(axis=-1).any()
    assert not (left_out == class_color(0)).all(axis=-1).any()


def test_name_that_would_hide_its_object_is_left_out(tmp_path):
    rows = {"a": [kitti_row("car", (20, 20, 22, 22)), kitti_row("car", (50, 30, 55, 35))]}
    images, labels = write_kitti(tmp_path, rows, size=(80, 60))
    recipe = recipe_of((DataSource(images=str(images), labels=str(labels)),))
    picture = canvas(preview(recipe, images=1)[0])
    is_ink = (picture == class_color(0)).all(axis=-1)
    # At four times their size the first is too small for a name above it, the second is not.
    assert not is_ink[60 : 20 * SCALE - 2, : 40 * SCALE].any()
    assert is_ink[60 : 30 * SCALE - 2, 40 * SCALE :].any()


def test_masks_are_drawn_inside_their_boxes(tmp_path):
    scenes = draw_scenes(tmp_path / "scenes", images=4, seed=2, size=(120, 90))
    source = DataSource(images=str(scenes.images), annotations=str(scenes.annotations))
    shapes = ("circle", "square", "triangle")
    recipe = make_recipe(shapes, training=(source,), input=network(360, 270), mask_size=28)
    masked, _ = preview(recipe, images=4)
    bare, _ = preview(replace(recipe, data=replace(recipe.data, mask_size=0)), images=4)
    changed = (masked != bare).any(axis=-1).mean()
    areas = [label["area"] for label in load_annotations(scenes)]
    share = sum(areas) * 9 / (masked.shape[0] * masked.shape[1])
    # Labels hide some of a mask, and masks of shapes that overlap count once.
    assert 0.6 * share < changed < 1.05 * share


def load_annotations(scenes):
    import json

    return json.loads(scenes.annotations.read_text())["annotations"]


def test_data_without_masks_are_refused_where_masks_are_learned(kitti):
    with pytest.raises(DatasetError, match="without masks"):
        preview(recipe_of(kitti, mask_size=7))


@pytest.mark.parametrize("name", ["Fußgänger", "猫", "красный"])
def test_name_outside_ascii_is_drawn_and_not_replaced(tmp_path, name):
    rows = {"a": [kitti_row(name, (10, 20, 40, 50))]}
    images, labels = write_kitti(tmp_path, rows, size=(80, 60))
    recipe = recipe_of((DataSource(images=str(images), labels=str(labels)),))
    drawn, replaced = (
        preview(
            replace(recipe, classes=Classes(names=(text,), mapping={name.lower(): text})), images=1
        )
        for text in (name, "?" * len(name))
    )
    assert (canvas(drawn[0]) != canvas(replaced[0])).any()


@pytest.mark.parametrize("order", ["rgb", "bgr", "grey"])
def test_network_input_is_turned_back_into_its_pixels(order):
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    if order == "grey":
        image = np.repeat(image[..., :1], 3, axis=-1)
    channels = 1 if order == "grey" else 3
    mean, scale = (103.5, 116.3, 123.7)[:channels], (0.017, 0.018, 0.5)[:channels]
    format = network(8, 6, color_order=order, mean=mean, scale=scale)
    np.testing.assert_array_equal(to_pixels(to_network_input(image, format), format), image)


@pytest.mark.parametrize(
    ("size", "count"), [((2000, 300), 3), ((12, 400), 7), ((640, 480), 1), ((64, 64), 40)]
)
def test_sheet_holds_all_images_of_any_shape(tmp_path, size, count):
    images, labels = write_kitti(tmp_path, {"a": [kitti_row("car", (1, 1, 9, 9))]}, size=size)
    training = (DataSource(images=str(images), labels=str(labels)),)
    picture, shown = preview(recipe_of(training, input=network(*size)), images=count)
    height, width = picture.shape[:2]
    assert len(shown) == count
    scale = min(max(320 // max(size), 1), 720 / max(size))
    assert height * width > count * size[0] * size[1] * scale**2
    assert max(height, width) < 12000


def test_picture_is_written_in_the_format_of_its_ending(tmp_path):
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[..., 0] = 255
    for name, start in (("a.png", b"\x89PNG"), ("b.jpg", b"\xff\xd8")):
        write_picture(picture, tmp_path / "new" / name)
        assert (tmp_path / "new" / name).read_bytes().startswith(start)
    read = cv2.imread(str(tmp_path / "new" / "a.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(read, picture)
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_picture(picture, tmp_path / "new" / "a.png" / "c.png")
