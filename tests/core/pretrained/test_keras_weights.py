"""Files of Keras Applications: the same features as the network that saved them."""

import sys

import keras
import numpy as np
import pytest
from tests.core.pretrained.drawn_weights import image, keras_weight
from tests.core.pretrained.loading import (
    AS_PUBLISHED,
    largest_error,
    network,
    prepared,
    translated,
)

from detforge.pretrained.imagenet import fetch
from detforge.pretrained.reading import read_weights
from detforge.recipe import InputFormat

CAFFE = (103.939, 116.779, 123.68)
HALVES = (127.5,) * 3


def published(name, size):
    """Return the network of Keras Applications with drawn weights."""
    build = getattr(keras.applications, name)
    model = build(weights=None, include_top=False, input_shape=(*size, 3))
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([keras_weight(layer.name, w.name, w.shape) for w in layer.weights])
    return model


def saved(model, path):
    """Return what our reader finds in the model's file."""
    model.save(path)
    file = read_weights(path)
    path.unlink()
    return file


def bgr(size, mean):
    return InputFormat(height=size[0], width=size[1], color_order="bgr", mean=mean)


FAST = [
    ("ResNet50", "resnet", 50, (51, 38)),
    ("VGG16", "vgg", 16, (51, 38)),
    ("MobileNetV2", "mobilenet_v2", 0, (51, 38)),
]
SLOW = [
    ("MobileNet", "mobilenet_v1", 0, (64, 96)),
    ("ResNet101", "resnet", 101, (51, 38)),
    ("VGG19", "vgg", 19, (51, 38)),
]
# Version 0 is compared in any run, by what `fetch` returns.
MORE_VERSIONS = [0, 1, 2, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("name", "arch", "depth", "size"),
    [*FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)],
    ids=[case[0] for case in FAST + SLOW],
)
@pytest.mark.filterwarnings("ignore:.*HDF5 file", "ignore:.*default weights.*")
def test_features_are_those_of_keras_applications(name, arch, depth, size, tmp_path):
    theirs = published(name, size)
    file = saved(theirs, tmp_path / "weights.h5")
    mobile = arch.startswith("mobilenet")
    given = bgr(size, HALVES if mobile else CAFFE)
    options = AS_PUBLISHED.get(arch, {})
    weights = translated(file, arch, depth, given, **options)
    assert weights.notes[-1] == "features are those of the published network"
    seen = image(*size)
    ours = network(arch, depth, weights, given, **options)(prepared(seen, given))
    # As their `preprocess_input` does.
    wanted = seen / 127.5 - 1 if mobile else seen[..., ::-1] - np.array(CAFFE, "float32")
    end = "block5_conv4" if name == "VGG19" else "block5_conv3"
    layer = theirs.get_layer(end) if arch == "vgg" else theirs.layers[-1]
    assert largest_error(ours, keras.Model(theirs.input, layer.output)(wanted)) < 1e-4


@pytest.mark.parametrize(
    "version", [3, *(pytest.param(version, marks=pytest.mark.slow) for version in MORE_VERSIONS)]
)
@pytest.mark.filterwarnings("ignore:.*HDF5 file")
def test_efficientnet_normalises_in_front_what_keras_normalises_inside(version, tmp_path):
    size = (51, 38)
    theirs = published(f"EfficientNetB{version}", size)
    inside = next(x for x in theirs.layers if isinstance(x, keras.layers.Normalization))
    mean, variance = [0.48, 0.45, 0.4], [0.05, 0.06, 0.07]
    inside.set_weights([np.array(mean), np.array(variance), np.array(0)])
    inside.finalize_state()
    given = bgr(size, tuple(255 * m for m in reversed(mean)))
    arch = f"efficientnet_b{version}"
    weights = translated(saved(theirs, tmp_path / "weights.h5"), arch, 0, given)
    ours = network(arch, 0, weights, given)(prepared(image(*size), given))
    assert largest_error(ours, theirs(image(*size))) < 1e-4


@pytest.mark.filterwarnings("ignore:.*HDF5 file")
def test_published_efficientnet_is_normalised_by_a_layer_more(monkeypatch, tmp_path):
    """Its files hold deviations where variances belong, which Keras makes up for."""
    size, mean, deviation = (51, 38), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    unfinished = published("EfficientNetB0", size)
    inside = next(x for x in unfinished.layers if isinstance(x, keras.layers.Normalization))
    inside.set_weights([np.array(mean), np.array(deviation), np.array(0)])
    file = tmp_path / "published.h5"
    unfinished.save(file)
    keras_efficientnet = sys.modules[keras.applications.EfficientNetB0.__module__]
    monkeypatch.setattr(
        keras_efficientnet.file_utils,
        "get_file",
        lambda *args, **options: tmp_path / "published.h5",
    )
    theirs = keras.applications.EfficientNetB0(include_top=False, input_shape=(*size, 3))
    given = bgr(size, tuple(255 * m for m in reversed(mean)))
    weights = translated(fetch("efficientnet_b0", 0), "efficientnet_b0", 0, given)
    ours = network("efficientnet_b0", 0, weights, given)(prepared(image(*size), given))
    assert largest_error(ours, theirs(image(*size))) < 1e-4
