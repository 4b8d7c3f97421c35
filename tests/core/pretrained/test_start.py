"""What a run starts from is named by an option or by the spec, and is one thing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.core.checkpoint_builders import make_checkpoint
from tests.tiny_detector import TinyModel, make_detector, make_recipe, make_spec

from detforge.errors import CheckpointError, UsageError
from detforge.files import save_checkpoint
from detforge.pretrained.start import IMAGENET, find_start, load_start, prepare_start
from detforge.recipe import Start, Variant
from detforge.requests import TrainRequest

RECIPE = make_recipe()


@pytest.fixture
def request_of(tmp_path):
    def make(**options):
        return TrainRequest(
            detector=make_detector(RECIPE), spec=make_spec(), results_dir=tmp_path, **options
        )

    return make


def starting(**fields):
    return replace(RECIPE, start=Start(**fields))


@pytest.fixture
def arrays(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"stem/kernel": np.ones((4, 4, 3, 8), np.float32),
               "stem/bias": np.ones(8, np.float32)}, path)  # fmt: skip
    return path


def test_nothing_named_means_random_weights(request_of):
    assert find_start(request_of(), RECIPE) is None


def test_weights_of_the_spec_are_read(request_of, arrays):
    found = find_start(request_of(), starting(weights=str(arrays)))
    assert found.file.layers.keys() == {"stem"}
    assert found.facts["initial_epoch"] == 1


def test_a_spec_can_name_imagenet_as_the_option_can(request_of):
    named = find_start(request_of(), starting(weights="imagenet"))
    given = find_start(request_of(resume_model_weights=Path(IMAGENET)), RECIPE)
    assert (named.file, named.facts) == (given.file, given.facts)
    assert named.file is None


def test_an_option_beats_the_spec_and_says_so(request_of, arrays, caplog):
    caplog.set_level("INFO")
    request = request_of(resume_model_weights=arrays)
    assert find_start(request, starting(weights="other.h5")).source == str(arrays)
    assert "which -m names, and not from other.h5 of the spec" in caplog.text


def test_the_same_file_is_the_same_start_whoever_names_it(request_of, arrays):
    by_option = find_start(request_of(resume_model_weights=arrays), RECIPE)
    assert find_start(request_of(), starting(weights=str(arrays))).facts == by_option.facts


def test_a_file_that_the_spec_names_and_that_is_absent_names_the_spec(request_of, tmp_path):
    path = tmp_path / "absent.h5"
    with pytest.raises(CheckpointError, match=r"there is no file .*absent.h5.*names it\)"):
        find_start(request_of(), starting(weights=str(path)))


def test_a_pruned_model_is_a_checkpoint(request_of, arrays, tmp_path):
    with pytest.raises(CheckpointError, match="names it as the pruned model"):
        find_start(request_of(), starting(pruned=str(arrays)))
    variant = Variant(widths={"net": {"conv": 4}})
    save_checkpoint(tmp_path / "pruned.detforge", make_checkpoint(detector="tiny", variant=variant))
    request, recipe = request_of(), starting(pruned=str(tmp_path / "pruned.detforge"))
    assert prepare_start(find_start(request, recipe), request, recipe).variant == variant


def test_widths_of_another_detector_are_not_those_of_this_one(request_of, tmp_path):
    variant = Variant(widths={"net": {"conv": 4}})
    path = tmp_path / "pruned.detforge"
    save_checkpoint(path, make_checkpoint(detector="other", variant=variant))
    request = request_of(resume_model_weights=path)
    assert prepare_start(find_start(request, RECIPE), request, RECIPE).variant == Variant()


def test_going_on_from_a_file_is_no_start_and_imagenet_is_no_checkpoint(request_of, arrays):
    request = request_of(resume_model_weights=arrays, initial_epoch=3)
    assert find_start(request, RECIPE) is None
    with pytest.raises(UsageError, match="goes on from a checkpoint"):
        find_start(replace(request, resume_model_weights=Path(IMAGENET)), RECIPE)


def test_published_weights_for_a_detector_without_a_backbone_are_refused(request_of):
    request = request_of(resume_model_weights=Path(IMAGENET))
    start = find_start(request, RECIPE)
    assert start.facts == {"weights": "imagenet", "initial_epoch": 1}
    with pytest.raises(CheckpointError, match="has none of detforge's backbones"):
        prepare_start(start, request, RECIPE)


def test_names_that_nobody_knows_are_shown(request_of, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"encoder.0.weight": np.ones(3, np.float32)}, path)
    request = request_of(resume_model_weights=path)
    with pytest.raises(CheckpointError, match=r"names its weights encoder\.0\.weight: neither"):
        prepare_start(find_start(request, RECIPE), request, RECIPE)


@pytest.fixture
def load(request_of, caplog):
    """Return a function that loads a file into a model, and gives the model and the log."""
    caplog.set_level("INFO")

    def run(path, recipe=RECIPE):
        request, model = request_of(resume_model_weights=path), TinyModel(recipe)
        start = find_start(request, recipe)
        load_start(model, prepare_start(start, request, recipe), start, request, recipe)
        return model, caplog.text

    return run


def test_log_has_a_table_and_a_summary(load, arrays):
    model, text = load(arrays)
    assert (np.asarray(model.parts["network"].get_layer("stem").kernel) == 1).all()
    assert "stem(Conv2D)" in text
    assert f"1 of 3 layers loaded from {arrays}; 2 left at random: scores, deltas" in text


def test_an_expression_that_is_found_nowhere_is_a_warning(load, arrays):
    _, text = load(arrays, replace(RECIPE, start=Start(skip_weights="class-predict")))
    assert "none was left out" in text


def test_other_classes_are_a_warning_and_other_detectors_a_remark(load, tmp_path):
    path = tmp_path / "other.detforge"
    weights = {"net/stem/kernel": np.ones((4, 4, 3, 8), np.float32),
               "net/stem/bias": np.ones(8, np.float32)}  # fmt: skip
    save_checkpoint(path, make_checkpoint(detector="other", weights=weights))
    _, text = load(path)
    assert "a model of other" in text
    assert "the heads learn them anew" in text
