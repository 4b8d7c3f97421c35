"""The task inference: folders and files in, drawings and labels out."""

import contextlib
import errno
import json
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
from tests.core.failing_files import Faults
from tests.tiny_detector import (
    FORM,
    NAMES,
    TinyModel,
    make_checkpoint,
    make_detector,
    make_recipe,
    make_spec,
    write_images,
)

from detforge.errors import CheckpointError, DatasetError, UsageError
from detforge.files import save_checkpoint
from detforge.inference import run as inference_run
from detforge.inference import source_images
from detforge.inference.source_images import find_images, label_stems
from detforge.model import Detections
from detforge.requests import InferRequest
from detforge.tasks.infer import infer


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    keras.utils.set_random_seed(5)
    path = tmp_path_factory.mktemp("model") / "tiny.detforge"
    save_checkpoint(path, make_checkpoint(TinyModel(make_recipe())))
    return path


@pytest.fixture
def request_of(tmp_path, checkpoint):
    def make(**changes):
        given = {
            "detector": make_detector(changes.pop("recipe", make_recipe(batch_size=2))),
            "spec": make_spec(),
            "model": checkpoint,
            "images": tmp_path / "images",
            "annotated_dir": tmp_path / "drawn",
            "labels_dir": tmp_path / "labels",
            "threshold": 0.5,
        }
        return InferRequest(**{**given, **changes})

    return make


def label_rows(path):
    return [line.split() for line in path.read_text().splitlines()]


def test_every_image_gets_a_drawing_and_a_label_file(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png", "b.JPG", "c c.jpeg", "ü.png", "e.png"))
    report = infer(request_of())
    assert report.images == 5
    assert {p.name for p in (tmp_path / "drawn").iterdir()} == {
        "a.png", "b.JPG", "c c.jpeg", "ü.png", "e.png",
    }  # fmt: skip
    names = {"a.txt", "b.txt", "c c.txt", "ü.txt", "e.txt"}
    assert {p.name for p in (tmp_path / "labels").iterdir()} == names
    rows = [row for name in names for row in label_rows(tmp_path / "labels" / name)]
    assert len(rows) == report.detections > 0
    assert {len(row) for row in rows} == {16}
    assert {row[0] for row in rows} <= {name.replace(" ", "_") for name in NAMES}


def test_boxes_are_in_the_pixels_of_the_image_and_inside_it(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    infer(request_of())
    boxes = np.array([row[4:8] for row in label_rows(tmp_path / "labels" / "a.txt")], float)
    assert boxes.min() >= 0
    assert boxes[:, 0::2].max() <= 96
    assert boxes[:, 1::2].max() <= 64
    assert boxes.max() > 48  # the network sees 48 x 32 pixels
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_drawing_shows_the_image_at_its_size_with_something_drawn(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",), block=80)
    infer(request_of())
    before = cv2.imread(str(tmp_path / "images" / "a.png"))
    after = cv2.imread(str(tmp_path / "drawn" / "a.png"))
    assert before.shape == after.shape
    same = (before == after).all(axis=-1).mean()
    assert 0 < same < 1


def test_batch_size_does_not_change_the_labels(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png", "b.png", "c.png"))
    texts = []
    for batch_size in (1, 2, 5):
        labels = tmp_path / f"labels_{batch_size}"
        infer(request_of(recipe=make_recipe(batch_size=batch_size), labels_dir=labels))
        rows = [row for path in sorted(labels.iterdir()) for row in label_rows(path)]
        texts.append([(row[0], *np.round(np.array(row[4:8], float), 1)) for row in rows])
    assert texts[0] == texts[1] == texts[2]


class LeftHalf:
    """A predictor that finds the left half of every network input."""

    def __init__(self):
        self.shapes = []

    def predict(self, images):
        count, height, width = images.shape[:3]
        self.shapes.append(images.shape[:3])
        boxes = np.broadcast_to(np.array([0, 0, width / 2, height], np.float32), (count, 1, 4))
        ones = np.ones((count, 1))
        return Detections(boxes, ones, ones.astype(int) * 0, np.ones(count, int))


@pytest.fixture
def left_half(monkeypatch):
    predictor = LeftHalf()
    monkeypatch.setattr(inference_run, "load_predictor", lambda *_: predictor)
    return predictor


def test_images_of_another_shape_begin_another_batch(tmp_path, request_of, left_half):
    (tmp_path / "images").mkdir()
    sizes = {"a": (60, 90), "b": (60, 90), "c": (60, 90), "d": (90, 60), "e": (60, 90)}
    for name, size in sizes.items():
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.full((*size, 3), 9, np.uint8))
    form = replace(FORM, width=0, height=0, shorter_side=30)
    report = infer(request_of(recipe=make_recipe(form=form, batch_size=2)))
    assert (report.images, report.detections) == (5, 5)
    assert left_half.shapes == [(2, 30, 45), (1, 30, 45), (1, 45, 30), (1, 30, 45)]
    for name, (height, width) in sizes.items():
        (row,) = label_rows(tmp_path / "labels" / f"{name}.txt")
        assert [float(value) for value in row[4:8]] == [0, 0, width / 2, height]


@pytest.mark.parametrize(
    ("threshold", "least"), [(0.9, 0.9), (None, 0.3)], ids=["given", "of the recipe"]
)
def test_nothing_below_the_threshold_is_written(tmp_path, request_of, threshold, least):
    write_images(tmp_path / "images", ("a.png", "b.png"))
    everything = infer(request_of(threshold=0.0)).detections
    report = infer(request_of(threshold=threshold))
    scores = [
        float(row[15]) for path in (tmp_path / "labels").iterdir() for row in label_rows(path)
    ]
    assert min(scores) >= least
    assert 0 < report.detections == len(scores) <= everything


def test_single_file_is_enough_and_labels_may_be_left_out(tmp_path, request_of):
    write_images(tmp_path, ("only.png",))
    report = infer(request_of(images=tmp_path / "only.png", labels_dir=None))
    assert (report.images, report.labels_dir) == (1, None)
    assert (tmp_path / "drawn" / "only.png").exists()
    assert not (tmp_path / "labels").exists()


def test_all_objects_are_written_as_coco_results(tmp_path, request_of, left_half):
    write_images(tmp_path / "images", ("7.png", "b.png"))
    changes = {"annotated_dir": None, "labels_dir": None}
    report = infer(request_of(detections_file=tmp_path / "json" / "found.json", **changes))
    found = json.loads(report.detections_file.read_text())
    assert [(entry["image_id"], entry["bbox"]) for entry in found] == [
        (7, [0, 0, 48, 64]),
        ("b", [0, 0, 48, 64]),
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"images", "json"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"labels_dir": None}, "nothing to write"), ({"include_mask": True}, "draws masks; name a")],
    ids=["nothing", "masks without drawings"],
)
def test_request_that_asks_for_no_output_is_refused(tmp_path, request_of, changes, message):
    write_images(tmp_path / "images", ("a.png",))
    with pytest.raises(UsageError, match=message):
        infer(request_of(annotated_dir=None, **changes))


def test_very_large_image_is_drawn_like_any_other(tmp_path, request_of, left_half, monkeypatch):
    write_images(tmp_path / "images", ("a.png",))
    infer(request_of())
    before = (tmp_path / "drawn" / "a.png").read_bytes()
    monkeypatch.setattr(source_images, "_KEPT_BYTES", 0)
    infer(request_of())
    assert (tmp_path / "drawn" / "a.png").read_bytes() == before


def test_recipe_may_leave_out_the_names_in_drawings(tmp_path, request_of, left_half):
    write_images(tmp_path / "images", ("a.png",), block=40)
    recipe = make_recipe()
    drawn = []
    for captions in (True, False):
        inference = replace(recipe.inference, captions=captions)
        infer(request_of(recipe=replace(recipe, inference=inference)))
        drawn.append(cv2.imread(str(tmp_path / "drawn" / "a.png")))
    differing = (drawn[0] != drawn[1]).any(axis=-1)
    assert 0 < differing.mean() < 0.1


@pytest.mark.parametrize("failing", range(1, 30, 4))
def test_failure_at_any_moment_leaves_whole_files_only(
    tmp_path, request_of, left_half, monkeypatch, failing
):
    write_images(tmp_path / "images", ("a.png", "b.png"))
    request = request_of(detections_file=tmp_path / "found.json")
    infer(request)
    names = ("drawn/a.png", "drawn/b.png", "labels/a.txt", "labels/b.txt", "found.json")
    before = {name: (tmp_path / name).read_bytes() for name in names}

    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        faults = Faults(failing, fail, patch.setattr)
        # A folder that cannot be made is no failure where it is already there.
        with contextlib.suppress(CheckpointError):
            infer(request)
    assert faults.calls >= failing
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    assert len(list((tmp_path / "drawn").iterdir())) == 2


def test_image_without_objects_gets_an_empty_label_file(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    assert infer(request_of(threshold=1.0)).detections == 0
    assert (tmp_path / "labels" / "a.txt").read_text() == ""


def test_folders_are_added_to_and_never_emptied(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    for folder in ("drawn", "labels"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "precious.txt").write_text("mine")
    infer(request_of())
    for folder in ("drawn", "labels"):
        assert (tmp_path / folder / "precious.txt").read_text() == "mine"


def test_unreadable_images_are_reported_and_the_rest_goes_on(tmp_path, request_of):
    images = tmp_path / "images"
    write_images(images, ("a.png", "b.png", "d.png"))
    (images / "c.png").write_text("not an image")
    (images / "d.png").write_bytes((images / "d.png").read_bytes()[:60])
    report = infer(request_of())
    assert report.images == 2
    assert sorted(report.unreadable) == [str(images / "c.png"), str(images / "d.png")]
    assert "not an image" in report.unreadable[str(images / "c.png")]
    assert {path.name for path in (tmp_path / "labels").iterdir()} == {"a.txt", "b.txt"}


def test_no_readable_image_at_all_is_an_error_with_the_reason(tmp_path, request_of):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "c.png").write_text("not an image")
    with pytest.raises(DatasetError, match=r"no readable image.*c\.png is not an image"):
        infer(request_of())


@pytest.mark.parametrize("make", [True, False], ids=["empty", "absent"])
def test_folder_without_images_is_an_error(tmp_path, request_of, make):
    if make:
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "notes.txt").write_text("text")
    with pytest.raises(DatasetError, match="holds no image" if make else "there is no"):
        infer(request_of())


def test_images_that_differ_in_their_extension_alone_keep_their_labels_apart(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png", "a.jpg", "b.png"))
    infer(request_of())
    names = {path.name for path in (tmp_path / "labels").iterdir()}
    assert names == {"a.png.txt", "a.jpg.txt", "b.txt"}


def test_no_two_images_share_a_label_file(tmp_path):
    names = ("a.png", "a.jpg", "a.png.jpg", "a.JPG", "b.png", "c.d.png", "c.png")
    stems = label_stems([tmp_path / name for name in names])
    assert len(set(stems.values())) == len(names)
    assert (stems[tmp_path / "b.png"], stems[tmp_path / "c.d.png"]) == ("b", "c.d")


def test_drawing_over_the_images_is_refused(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    before = (tmp_path / "images" / "a.png").read_bytes()
    with pytest.raises(UsageError, match="would replace the images"):
        infer(request_of(annotated_dir=tmp_path / "drawn" / ".." / "images"))
    assert (tmp_path / "images" / "a.png").read_bytes() == before


def test_output_folder_that_cannot_be_made_is_one_error(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    (tmp_path / "drawn").write_text("a file")
    with pytest.raises(CheckpointError, match=r"drawn.a\.png cannot be written"):
        infer(request_of())


def test_model_that_cannot_be_used_leaves_no_results(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    with pytest.raises(CheckpointError, match="there is no file"):
        infer(request_of(model=tmp_path / "absent.detforge"))
    assert not (tmp_path / "drawn").exists()
    assert not (tmp_path / "labels").exists()


def test_images_that_cannot_be_read_leave_no_folders(tmp_path, request_of):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "c.png").write_text("not an image")
    with pytest.raises(DatasetError, match="no readable image"):
        infer(request_of())
    assert not (tmp_path / "drawn").exists()
    assert not (tmp_path / "labels").exists()


@pytest.mark.parametrize(
    "label",
    [
        "car 0.00 0 0.00 1 1 9 9 0 0 0 0 0 0 0\n",
        "\ncar 0.00 0 0.00 1 1 9 9 0 0 0 0 0 0 0 0.9\ncar 0.00 0 0.00 1 1 9 9 0 0 0 0 0 0 0\n",
        "0 0.5 0.5 0.1 0.1\n",
    ],
    ids=["kitti", "partly scored", "another format"],
)
def test_labels_that_inference_did_not_write_are_never_replaced(tmp_path, request_of, label):
    write_images(tmp_path / "images", ("a.png", "b.png"))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "b.txt").write_text(label)
    with pytest.raises(UsageError, match=r"b\.txt holds labels without scores"):
        infer(request_of())
    assert (tmp_path / "labels" / "b.txt").read_text() == label
    assert not (tmp_path / "labels" / "a.txt").exists()
    assert not (tmp_path / "drawn").exists()


def test_labels_of_somebody_else_are_replaced_when_forced(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    infer(request_of(threshold=0.0, force=True))
    assert {len(row) for row in label_rows(tmp_path / "labels" / "a.txt")} == {16}


def test_class_names_of_a_file_replace_those_of_the_recipe(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png", "b.png"))
    (tmp_path / "names.txt").write_text("auto\nampel\nmensch\n")
    infer(request_of(threshold=0.0, label_map=tmp_path / "names.txt"))
    found = {row[0] for row in label_rows(tmp_path / "labels" / "a.txt")}
    assert found
    assert found <= {"auto", "ampel", "mensch"}


def test_class_names_of_another_number_of_classes_are_refused(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png",))
    (tmp_path / "names.txt").write_text("auto\nampel\n")
    with pytest.raises(DatasetError, match=r"names\.txt names 2 classes, and the model has 3"):
        infer(request_of(label_map=tmp_path / "names.txt"))
    assert not (tmp_path / "drawn").exists()


def test_masks_of_a_model_without_masks_are_refused(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png", "b.png"))
    with pytest.raises(UsageError, match="--include_mask: this model finds boxes, not masks"):
        infer(request_of(threshold=0.0, include_mask=True))


def test_labels_of_an_earlier_inference_are_replaced(tmp_path, request_of):
    write_images(tmp_path / "images", ("a.png", "b.png"))
    assert infer(request_of(threshold=0.0)).detections > 0
    assert infer(request_of(threshold=1.0)).detections == 0
    assert infer(request_of(threshold=0.0)).detections > 0
    assert label_rows(tmp_path / "labels" / "a.txt")


def test_images_come_sorted_with_extensions_in_any_case(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.Jpeg", "d.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.d").mkdir()
    assert [path.name for path in find_images(tmp_path)] == ["a.jpg", "b.PNG", "c.Jpeg"]
