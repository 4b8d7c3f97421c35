"""The task inference: folders and files in, drawings and labels out."""

from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
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
from detforge.inference.source_images import find_images
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


def test_images_of_another_shape_begin_another_batch(tmp_path, request_of, monkeypatch):
    batches = []

    class Predictor:
        """Finds the left half of every network input."""

        def predict(self, images):
            count, height, width = images.shape[:3]
            batches.append(images.shape)
            boxes = np.broadcast_to(np.array([0, 0, width / 2, height], np.float32), (count, 1, 4))
            ones = np.ones((count, 1))
            return Detections(boxes, ones, ones.astype(int) * 0, np.ones(count, int))

    monkeypatch.setattr(inference_run, "load_predictor", lambda *_: Predictor())
    (tmp_path / "images").mkdir()
    sizes = {"a": (60, 90), "b": (60, 90), "c": (60, 90), "d": (90, 60), "e": (60, 90)}
    for name, size in sizes.items():
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.full((*size, 3), 9, np.uint8))
    form = replace(FORM, width=0, height=0, shorter_side=30)
    report = infer(request_of(recipe=make_recipe(form=form, batch_size=2)))
    assert (report.images, report.detections) == (5, 5)
    assert [shape[:3] for shape in batches] == [(2, 30, 45), (1, 30, 45), (1, 45, 30), (1, 30, 45)]
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
