"""Event files, read back by TensorBoard itself."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.core.data.data_builders import (
    detector_stub,
    kitti_row,
    make_recipe,
    network,
    write_kitti,
)

from detforge.data.batches import TrainingBatches
from detforge.data.sources import open_training
from detforge.errors import CheckpointError
from detforge.inference.drawing import class_color
from detforge.recipe import DataSource, HorizontalFlip, Visualizer
from detforge.training.tensorboard import TensorBoard, make_tensorboard

BLANK = np.zeros((4, 6, 3), np.uint8)
LOGS = {"loss": 0.75, "mAP": 0.5, "AP_car": 0.25}


def start(folder, epochs_done=0, images=(), curves=None, weights=None):
    callback = TensorBoard(
        folder, epochs_done, lambda: images, lambda: curves, weights and (lambda: weights)
    )
    callback.on_train_begin()
    return callback


def read(folder):
    return EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()


def steps(events, tag):
    return [event.step for event in events.Scalars(tag)]


def decoded(events, tag):
    (event,) = events.Images(tag)
    image = cv2.imdecode(np.frombuffer(event.encoded_image_string, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image.shape == (event.height, event.width, 3)
    return image


def test_values_of_an_epoch_stand_in_groups(tmp_path):
    logs = {"loss": 3.5, "class_loss": 2.5, "learning_rate": 0.125, "validation_loss": 4.0}
    start(tmp_path).on_epoch_end(4, {**logs, "mAP": 0.5, "AP_ein Roß/1": 0.25})
    events = read(tmp_path)
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.scalars.Keys()}
    assert found == {
        "training/loss": [(5, 3.5)],
        "training/class_loss": [(5, 2.5)],
        "training/learning_rate": [(5, 0.125)],
        "validation/loss": [(5, 4.0)],
        "validation/mAP": [(5, 0.5)],
        "validation/AP/ein Roß/1": [(5, 0.25)],
    }


def test_value_that_is_no_number_is_left_out(tmp_path):
    start(tmp_path).on_epoch_end(0, {"loss": 1.0, "mAP": float("nan")})
    assert read(tmp_path).scalars.Keys() == ["training/loss"]


def test_images_and_curves_are_pictures_of_their_size(tmp_path):
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    png = cv2.imencode(".png", np.full((3, 5, 3), 9, np.uint8))[1].tobytes()
    start(tmp_path, images=[image, BLANK], curves=png).on_epoch_end(0, LOGS)
    events = read(tmp_path)
    np.testing.assert_array_equal(decoded(events, "first_batch/1"), image)
    np.testing.assert_array_equal(decoded(events, "first_batch/2"), BLANK)
    assert decoded(events, "validation/precision_recall").shape == (3, 5, 3)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(2, 3, (3, 3, 8, 16)).astype("float32"),
        np.zeros((7,), "float32"),
        np.array(3, "uint32"),
        np.array([1, np.inf, np.nan, 2], "float16"),
        np.zeros((0, 3), "float32"),
    ],
    ids=["kernel", "all the same", "counter", "not all numbers", "empty"],
)
def test_histogram_counts_every_weight(tmp_path, values):
    start(tmp_path, weights={"net/kernel": values}).on_epoch_end(0, LOGS)
    (event,) = read(tmp_path).Histograms("weights/net/kernel")
    shown = event.histogram_value
    numbers = values[np.isfinite(values)]
    assert shown.num == sum(shown.bucket) == numbers.size
    assert shown.sum == pytest.approx(numbers.sum(dtype="float64"))
    if numbers.size > 7:
        assert (shown.min, shown.bucket_limit[-1]) == (numbers.min(), numbers.max())
        middle = shown.bucket_limit[14]
        assert sum(shown.bucket[:15]) == (numbers < middle).sum()


def test_run_that_goes_on_shows_every_epoch_once(tmp_path):
    cut_off = start(tmp_path, images=[BLANK])
    for epoch, loss in enumerate([9.0, 8.0, 7.0]):
        cut_off.on_epoch_end(epoch, {"loss": loss})
    # The checkpoint is of epoch 2: the third is trained again.
    goes_on = start(tmp_path, epochs_done=2, images=[BLANK])
    for epoch, loss in enumerate([6.0, 5.0], start=2):
        goes_on.on_epoch_end(epoch, {"loss": loss})
    events = read(tmp_path)
    shown = [(e.step, e.value) for e in events.Scalars("training/loss")]
    assert shown == [(1, 9.0), (2, 8.0), (3, 6.0), (4, 5.0)]
    assert [event.step for event in events.Images("first_batch/1")] == [1, 3]


def test_new_run_in_an_old_folder_shows_nothing_of_the_old_one(tmp_path):
    old = start(tmp_path)
    for epoch in range(3):
        old.on_epoch_end(epoch, LOGS)
    start(tmp_path).on_epoch_end(0, {"loss": 2.0})
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("training/loss")] == [(1, 2.0)]
    assert steps(events, "validation/mAP") == []


def test_file_that_a_killed_process_left_half_written_ends_there(tmp_path):
    start(tmp_path).on_epoch_end(0, LOGS)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    start(tmp_path, epochs_done=1).on_epoch_end(1, {"loss": 2.0})
    assert steps(read(tmp_path), "training/loss") == [2]


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "events").write_text("")
    with pytest.raises(CheckpointError, match=r"events\.out\S+ cannot be written: .*enabled"):
        start(tmp_path / "events")


@pytest.mark.slow
def test_no_tensorflow_is_needed_to_write(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from detforge.training.tensorboard import TensorBoard\n"
        "callback = TensorBoard(\n"
        "    pathlib.Path(sys.argv[1]), 0, lambda: [], lambda: None, lambda: {})\n"
        "callback.on_train_begin()\n"
        "callback.on_epoch_end(0, {'loss': 0.5})\n"
        "print('tensorflow' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]
    assert steps(read(tmp_path), "training/loss") == [1]


# --- the images of a run ---------------------------------------------------------------------


@pytest.fixture
def shown(tmp_path):
    """Return a function that shows images of a car each, four times as large as they are."""
    cars = {name: [kitti_row("car", (10, 20, 40, 50))] for name in "abc"}
    images, labels = write_kitti(tmp_path, cars, size=(80, 60))
    training = (DataSource(images=str(images), labels=str(labels)),)

    def show(count, augmentation=(), **format):
        recipe = make_recipe(
            ["car"],
            training=training,
            input=replace(network(80, 60), **format),
            batch_size=2,
            augmentation=augmentation,
        )
        batches = TrainingBatches(open_training(recipe, detector_stub()), recipe, seed=1)
        settings = Visualizer(images=count)
        make_tensorboard(
            tmp_path, recipe, settings, batches, 0, lambda: None, dict
        ).on_train_begin()
        return read(tmp_path / "events")

    return show


@pytest.mark.parametrize(
    ("format", "augmentation", "x"),
    [
        ({}, (), (10, 40)),
        ({"mean": (104.0, 117.0, 123.0), "scale": (0.5, 0.25, 2.0)}, (), (10, 40)),
        ({"color_order": "bgr", "mean": (104.0, 117.0, 123.0)}, (), (10, 40)),
        ({"color_order": "grey", "mean": (117.0,), "scale": (0.01,)}, (), (10, 40)),
        ({}, (HorizontalFlip(probability=1.0),), (40, 70)),
    ],
    ids=["plain", "mean and scale", "bgr", "grey", "flipped"],
)
def test_image_has_its_pixels_and_the_box_in_the_colour_of_its_class(
    shown, format, augmentation, x
):
    image = decoded(shown(1, augmentation, **format), "first_batch/1")
    assert image.shape == (240, 320, 3)
    # Right of the name, below the line.
    is_line = (image[:, 4 * x[1] - 8] == class_color(0)).all(axis=-1)
    np.testing.assert_allclose(np.flatnonzero(is_line)[[0, -1]], [4 * 20, 4 * 50 - 1], atol=2)
    # The images are of one grey.
    np.testing.assert_array_equal(image[4 * 55, 4 * 5], [90, 90, 90])


@pytest.mark.parametrize(("wanted", "there"), [(0, 0), (1, 1), (2, 2), (5, 2)])
def test_no_more_images_are_shown_than_wanted_and_than_there_are(shown, wanted, there):
    tags = shown(wanted).images.Keys()
    assert tags == [f"first_batch/{k + 1}" for k in range(there)]
