"""Layers are loaded by name, whole or not at all, and it is told which and why."""

import keras
import numpy as np
import pytest

from detforge.errors import CheckpointError
from detforge.pretrained.matching import load_layers


class Model:
    """The little of a DetectionModel that loading looks at."""

    def __init__(self, channels=3):
        keras.utils.set_random_seed(1)
        images = keras.Input((16, 16, channels), name="images")
        x = keras.layers.Conv2D(4, 3, name="conv1", use_bias=False)(images)
        x = keras.layers.BatchNormalization(name="bn_conv1")(x)
        features = keras.layers.ReLU(name="relu")(x)
        head = keras.Input((7, 7, 4), name="features")
        self.parts = {
            "body": keras.Model(images, features),
            "head": keras.Model(head, keras.layers.Dense(2, name="fc")(head)),
        }
        self.blocks = {0: ("conv1", "bn_conv1")}

    def values(self):
        return {
            f"{name}/{weight.path}": np.array(weight)
            for name, part in self.parts.items()
            for weight in part.weights
        }


def layers_of(model, value=5.0):
    """Return weights for every layer of a model, all of them one number."""
    return {
        layer.name: {weight.name: np.full(weight.shape, value) for weight in layer.weights}
        for part in model.parts.values()
        for layer in part.layers
    }


def statuses(report):
    return {layer.name: layer.status for layer in report.layers}


def reason(report, name):
    return next(layer.reason for layer in report.layers if layer.name == name)


def test_layers_of_the_same_name_are_loaded_over_all_parts():
    model = Model()
    report = load_layers(model, layers_of(model))
    assert all((value == 5).all() for value in model.values().values())
    assert statuses(report) == {
        "images": "None", "conv1": "Yes", "bn_conv1": "Yes", "relu": "None", "features": "None",
        "fc": "Yes",
    }  # fmt: skip
    assert report.summary("a.h5") == "3 of 3 layers loaded from a.h5"


def test_a_layer_that_already_has_the_values_of_the_file_counts_as_loaded():
    model = Model()
    own = {"fc": {w.name: np.array(w) for w in model.parts["head"].get_layer("fc").weights}}
    both = {**layers_of(model), **own}
    assert statuses(load_layers(model, both))["fc"] == "Yes"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fc": None}, "no such layer in the file"),
        ({"fc": {"kernel": np.ones((4, 3)), "bias": np.ones(2)}},
         "kernel has the shape (4, 2); in the file (4, 3)"),
        ({"fc": {"kernel": np.ones((4, 2)), "bias": np.ones(3)}},
         "bias has the shape (2,); in the file (3,)"),
        ({"fc": {"kernel": np.ones((4, 2))}}, "has kernel, bias; in the file kernel"),
        ({"fc": {"kernel": np.full((4, 2), np.nan), "bias": np.ones(2)}},
         "kernel in the file holds values that are no numbers"),
    ],
    ids=["no such layer", "other kernel", "other bias", "no bias", "not a number"],
)  # fmt: skip
def test_a_layer_of_which_not_all_fits_keeps_its_weights_and_says_why(change, why):
    model = Model()
    before = model.values()
    layers = {k: v for k, v in {**layers_of(model), **change}.items() if v is not None}
    report = load_layers(model, layers)
    assert statuses(report)["fc"] == "No"
    assert reason(report, "fc") == why
    for name in ("head/fc/kernel", "head/fc/bias"):
        np.testing.assert_array_equal(model.values()[name], before[name])
    assert report.summary("a.h5") == "2 of 3 layers loaded from a.h5; 1 left at random: fc"


def test_layers_of_the_file_that_nobody_wants_are_told():
    model = Model()
    extra = {f"old_{i}": {"kernel": np.ones(3)} for i in range(6)} | {"old_relu": {}}
    report = load_layers(model, layers_of(model) | extra)
    assert len(report.unused) == 6
    assert "not used of the file: old_0, old_1, old_2, old_3 and 2 more" in report.summary("a.h5")


def test_table_has_a_line_for_each_layer():
    model = Model()
    layers = layers_of(model)
    del layers["fc"]
    lines = load_layers(model, layers).table().splitlines()
    assert lines[0].split() == ["layer(type)", "status", "reason"]
    assert [line.split() for line in lines[1:]] == [
        ["images(InputLayer)", "None"],
        ["conv1(Conv2D)", "Yes"],
        ["bn_conv1(BatchNormalization)", "Yes"],
        ["relu(ReLU)", "None"],
        ["features(InputLayer)", "None"],
        ["fc(Dense)", "No", "no", "such", "layer", "in", "the", "file"],
    ]
    assert len({line.find("Yes") for line in lines if "Yes" in line}) == 1


def test_equal_names_in_two_parts_are_told_apart_by_the_part():
    model = Model()
    model.parts["second"] = keras.models.clone_model(model.parts["head"])
    layers = layers_of(model)
    for part, value in (("head", 1.0), ("second", 2.0)):
        layers[f"{part}/fc"] = {"kernel": np.full((4, 2), value), "bias": np.full(2, value)}
    del layers["fc"]
    load_layers(model, layers)
    assert model.values()["head/fc/kernel"][0, 0] == 1
    assert model.values()["second/fc/kernel"][0, 0] == 2


def test_a_wrapper_takes_the_weights_of_the_layer_that_it_wraps():
    model = Model()
    rois = keras.Input((None, 4))
    dense = keras.layers.Dense(2, name="fc")
    wrapped = keras.layers.TimeDistributed(dense, name="wrapper")
    model.parts["head"] = keras.Model(rois, wrapped(rois))
    layers = layers_of(Model())
    assert statuses(load_layers(model, layers))["wrapper"] == "Yes"
    np.testing.assert_array_equal(dense.kernel, layers["fc"]["kernel"])


def test_weights_that_are_not_wanted_stay_at_random(caplog):
    model = Model()
    before = model.values()
    report = load_layers(model, layers_of(model), skip="^head/|gamma$")
    assert statuses(report)["fc"] == statuses(report)["bn_conv1"] == "No"
    assert reason(report, "fc") == "left out: ^head/|gamma$"
    np.testing.assert_array_equal(model.values()["head/fc/kernel"], before["head/fc/kernel"])
    assert (model.values()["body/conv1/kernel"] == 5).all()


@pytest.mark.parametrize(
    ("skip", "message"),
    [("(", "is none: missing"), (".", "found in every weight")],
    ids=["not an expression", "everything"],
)
def test_an_expression_that_cannot_be_meant_is_refused(skip, message):
    model = Model()
    with pytest.raises(CheckpointError, match=message):
        load_layers(model, layers_of(model), skip=skip)


def test_nothing_that_fits_is_an_error_that_names_layers_of_both():
    model = Model()
    before = model.values()
    layers = {f"b{i}_conv": {"kernel": np.ones((3, 3, 3, 4))} for i in range(9)}
    with pytest.raises(CheckpointError) as caught:
        load_layers(model, layers, file="dark.h5")
    text = str(caught.value)
    assert text.startswith("dark.h5: none of its weights fits the model.")
    assert "The file has b0_conv, b1_conv, b2_conv, b3_conv and 5 more" in text
    assert "the model has conv1, bn_conv1, fc" in text
    assert all((model.values()[name] == value).all() for name, value in before.items())


def test_heads_alone_are_not_worth_a_start():
    model = Model()
    layers = layers_of(model)
    layers["conv1"] = {"kernel": np.ones((7, 7, 3, 4))}
    del layers["bn_conv1"]
    before = model.values()
    with pytest.raises(CheckpointError, match=r"fits the backbone.*\(conv1: kernel has the shape"):
        load_layers(model, layers)
    np.testing.assert_array_equal(model.values()["head/fc/kernel"], before["head/fc/kernel"])
    report = load_layers(model, layers, skip="^body/")  # unless that is what was asked for
    assert report.loaded == ("fc",)


def test_kernel_of_three_colours_is_summed_for_a_grey_image():
    model = Model(channels=1)
    layers = layers_of(Model())
    layers["conv1"]["kernel"] = np.arange(108.0).reshape(3, 3, 3, 4)
    report = load_layers(model, layers)
    assert reason(report, "conv1") == "3 input channels summed into 1"
    kernel = model.values()["body/conv1/kernel"]
    grey = np.random.default_rng(0).normal(size=(3, 3))
    seen = np.einsum("hw,hwco->o", grey, layers["conv1"]["kernel"])
    np.testing.assert_allclose(np.einsum("hw,hwo->o", grey, kernel[:, :, 0]), seen, rtol=1e-4)
