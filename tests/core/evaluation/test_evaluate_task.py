"""The task evaluate: what is checked before a model is loaded, and what is built."""

from __future__ import annotations

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
from detforge.recipe import DataSource
from detforge.requests import EvaluateRequest
from detforge.tasks.evaluate import evaluate


@pytest.fixture
def request_of(tmp_path):
    """Return a function that makes a request to score on some KITTI lines."""

    def make(*rows, model="absent.detforge", plugin=TinyPlugin):
        images, labels = write_kitti(tmp_path / "data", {"a": rows})
        source = DataSource(images=str(images), labels=str(labels))
        detector = make_detector(make_recipe(validation=(source,)), plugin=plugin)
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
