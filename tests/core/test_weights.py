"""Weights by name: what is collected is restored, and what does not fit is told."""

import keras
import numpy as np
import pytest
from tests.tiny_detector import (
    TinyModel,
    make_checkpoint,
    make_detector,
    make_images,
    make_recipe,
    make_spec,
)

from detforge.errors import CheckpointError, PluginError
from detforge.weights import check_origin, collect_weights, load_model, restore_weights


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    return TinyModel(make_recipe())


def part(*names):
    inputs = keras.Input((4,))
    x = inputs
    for name in names:
        x = keras.layers.BatchNormalization(name=name)(x)
    return keras.Model(inputs, x)


class Parts:
    def __init__(self, **parts):
        self.parts = parts


def test_weights_are_named_by_part_layer_and_variable(model):
    assert list(collect_weights(model)) == [
        "network/deltas/bias",
        "network/deltas/kernel",
        "network/scores/bias",
        "network/scores/kernel",
        "network/stem/bias",
        "network/stem/kernel",
    ]


def test_names_are_the_same_for_a_second_model_of_the_process(model):
    assert collect_weights(model).keys() == collect_weights(TinyModel(make_recipe())).keys()


def test_running_statistics_are_weights_too():
    names = collect_weights(Parts(body=part("norm")))
    assert {"body/norm/moving_mean", "body/norm/moving_variance"} <= names.keys()


def test_equal_layer_names_in_two_parts_do_not_collide():
    weights = collect_weights(Parts(first=part("norm"), second=part("norm")))
    assert len(weights) == 8


def test_two_weights_of_one_name_are_refused(monkeypatch):
    body = part("a", "b")
    monkeypatch.setattr(type(body.weights[0]), "path", "same/name", raising=False)
    with pytest.raises(PluginError, match="two weights of the model are named 'body/same/name'"):
        collect_weights(Parts(body=body))


def test_restored_model_detects_the_same(model):
    other = TinyModel(make_recipe())
    images = make_images(2)
    before = np.asarray(other.detect(images).boxes)
    assert not any(restore_weights(other, collect_weights(model)))
    wanted = np.asarray(model.detect(images).boxes)
    np.testing.assert_array_equal(np.asarray(other.detect(images).boxes), wanted)
    assert np.abs(before - wanted).max() > 1


def mismatched(model):
    weights = collect_weights(model)
    weights.pop("network/scores/bias")
    weights["network/extra/kernel"] = np.zeros(3)
    weights["network/stem/kernel"] = np.zeros((1, 1, 3, 8), np.float32)
    return weights


def test_strict_restore_names_what_does_not_fit_and_changes_nothing(model):
    before = collect_weights(model)
    with pytest.raises(CheckpointError) as caught:
        restore_weights(model, mismatched(model), file="a.detforge")
    message = str(caught.value)
    assert "a.detforge does not fit" in message
    assert "missing: network/scores/bias" in message
    assert "unexpected: network/extra/kernel" in message
    assert "network/stem/kernel (4, 4, 3, 8) not (1, 1, 3, 8)" in message
    for name, array in collect_weights(model).items():
        np.testing.assert_array_equal(array, before[name])


def test_lenient_restore_sets_what_fits_and_returns_the_rest(model):
    weights = mismatched(model)
    weights["network/deltas/bias"] = np.full(4, 9, np.float32)
    unmatched = restore_weights(model, weights, strict=False)
    assert unmatched.missing == ("network/scores/bias",)
    assert unmatched.unexpected == ("network/extra/kernel",)
    assert unmatched.shapes == (("network/stem/kernel", (4, 4, 3, 8), (1, 1, 3, 8)),)
    np.testing.assert_array_equal(collect_weights(model)["network/deltas/bias"], [9, 9, 9, 9])


def test_long_lists_of_names_are_cut(model):
    with pytest.raises(CheckpointError, match="and 2 more"):
        restore_weights(model, {})


def test_model_from_a_checkpoint_has_its_weights(model):
    detector, recipe, spec = make_detector(), make_recipe(), make_spec()
    checkpoint = make_checkpoint(model)
    found = load_model(detector, spec, recipe, checkpoint, "infer", "a.detforge")
    for name, array in collect_weights(found).items():
        np.testing.assert_array_equal(array, checkpoint.weights[name])


@pytest.mark.parametrize(
    ("found_detector", "found_names", "message"),
    [
        ("dssd", ("car", "person"), "a model of dssd, not of ssd"),
        ("ssd", ("car",), r"classes \[car\], but .* gives \[car, person\]"),
        ("ssd", ("person", "car"), r"classes \[person, car\], but .* gives \[car, person\]"),
    ],
    ids=["another detector", "a class less", "another order"],
)
def test_model_of_another_origin_is_refused(found_detector, found_names, message):
    with pytest.raises(CheckpointError, match=message):
        check_origin("ssd", ("car", "person"), found_detector, found_names, "a.detforge")
