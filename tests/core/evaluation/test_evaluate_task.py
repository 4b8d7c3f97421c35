"""The task evaluate: what is checked before a model is loaded, and what is built."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace

import cv2
import keras
import pytest
from tests.core.data.data_builders import kitti_row, write_kitti
from tests.tiny_detector import (
    NAMES,
    TinyModel,
    TinyPlugin,
    make_checkpoint,
    make_detector,
    make_recipe,
    make_spec,
)

from detforge import hookimpl
from detforge.errors import DatasetError
from detforge.files import save_checkpoint
from detforge.recipe import DataSource, Evaluation
from detforge.requests import EvaluateRequest
from detforge.tasks.evaluate import evaluate


@pytest.fixture
def request_of(tmp_path):
    """Return a function that makes a request to score on some KITTI lines."""

    def make(*rows, model="absent.detforge", plugin=TinyPlugin, **evaluation):
        images, labels = tmp_path / "data/images", tmp_path / "data/labels"
        if not images.exists():
            write_kitti(tmp_path / "data", {"a": rows})
        source = DataSource(images=str(images), labels=str(labels))
        recipe = replace(make_recipe(validation=(source,)), evaluation=Evaluation(**evaluation))
        detector = make_detector(recipe, plugin=plugin)
        return EvaluateRequest(detector=detector, spec=make_spec(), model=tmp_path / model)

    return make


def test_checkpoint_is_scored_in_the_graph_for_evaluation(tmp_path, request_of):
    modes = []

    class Watched(TinyPlugin):
        @hookimpl
        def build_model(self, spec, mode):
            modes.append(mode)
            return super().build_model(spec, mode)

    keras.utils.set_random_seed(5)
    save_checkpoint(tmp_path / "a.detforge", make_checkpoint(TinyModel(make_recipe())))
    report = evaluate(request_of(kitti_row("Car"), model="a.detforge", plugin=Watched))
    assert modes == ["evaluate"]
    assert report.images == 1
    assert set(report.ap) == set(NAMES)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([kitti_row("carr")], r"does not name: 'carr' \(1 object, did you mean 'car'\?\)"),
        ([], "no labelled object; there is nothing to score"),
    ],
    ids=["not mapped", "no object"],
)
def test_data_that_cannot_be_scored_is_an_error_before_the_model_is_opened(
    request_of, rows, message
):
    with pytest.raises(DatasetError, match=message):
        evaluate(request_of(*rows))


def test_spec_without_validation_data_says_which_field_to_set(tmp_path):
    request = EvaluateRequest(
        detector=make_detector(), spec=make_spec(), model=tmp_path / "absent.detforge"
    )
    with pytest.raises(DatasetError, match=r"tiny\.txt: there is nothing to evaluate on"):
        evaluate(request)


PICTURES = {
    "precision_recall_curves": "PR_curve.png",
    "confusion_matrix": "confusion_matrix.png",
    "worst_images": "worst_images.png",
}


@pytest.fixture
def model_file(tmp_path):
    """Return the path of a checkpoint of the tiny detector, in a folder of its own."""
    keras.utils.set_random_seed(5)
    path = tmp_path / "models" / "a.detforge"
    save_checkpoint(path, make_checkpoint(TinyModel(make_recipe())))
    return path


def test_pictures_lie_in_the_results_folder_and_are_told(tmp_path, request_of, model_file):
    request = replace(request_of(kitti_row("Car"), model=model_file), results_dir=tmp_path / "new")
    report = evaluate(request)
    assert report.files == {what: tmp_path / "new" / name for what, name in PICTURES.items()}
    for path in report.files.values():
        assert min(cv2.imread(path).shape[:2]) > 200
    assert list(model_file.parent.iterdir()) == [model_file]
    assert (report.model, report.model_kind) == (model_file, "checkpoint")
    assert report.spec_sha256 == hashlib.sha256(b"batch_size: 4\n").hexdigest()


def test_curves_that_the_spec_asks_for_lie_beside_the_model(request_of, model_file):
    assert evaluate(request_of(kitti_row("Car"), model=model_file)).files == {}
    request = request_of(kitti_row("Car"), model=model_file, precision_recall_plot=True)
    assert evaluate(request).files == {
        "precision_recall_curves": model_file.parent / "PR_curve.png"
    }
    assert (model_file.parent / "PR_curve.png").is_file()


def test_without_matplotlib_the_images_are_drawn_and_a_warning_says_what_is_not(
    tmp_path, request_of, model_file, monkeypatch, caplog
):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    request = replace(request_of(kitti_row("Car"), model=model_file), results_dir=tmp_path / "new")
    assert list(evaluate(request).files) == ["worst_images"]
    assert "they need matplotlib; install it with 'pip install detforge[train]'" in caplog.text


def test_metric_of_the_request_wins_over_the_spec(request_of, model_file, caplog):
    caplog.set_level("INFO")
    request = request_of(kitti_row("Car"), model=model_file)
    assert evaluate(request).mode == "sample"
    report = evaluate(replace(request, metric="coco"))
    assert (report.mode, len(report.coco)) == ("coco", 12)
    assert "no object to find of traffic light, Fußgänger: left out of the means" in caplog.text
