from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from detforge.backbones.layers import BatchNormalization, batch_norm
from detforge.errors import CheckpointError
from detforge.graph.narrow import narrow_parts
from detforge.graph.regularize import apply_regularizer
from detforge.recipe import Regularizer
from detforge.weights import collect_weights


@pytest.fixture
def model():
    images = keras.Input((8, 8, 3), name="images")
    x = layers.Conv2D(6, 3, padding="same", kernel_initializer="he_normal", name="conv")(images)
    x = batch_norm(x, "norm")
    x = layers.Dropout(0.5, name="drop")(layers.ReLU(name="relu")(x))
    y = layers.Conv2D(4, 1, name="head")(x)
    return SimpleNamespace(
        parts={"network": keras.Model(images, {"a": y, "b": x}, name="network")}, joins=()
    )


def test_layers_keep_all_but_their_channels(model):
    apply_regularizer(model, Regularizer(kind="l1", weight=0.25))
    before = model.parts["network"]
    before.get_layer("conv").trainable = False
    before.get_layer("norm").frozen_statistics = True
    # The output b is pinned for pruning; widths are nevertheless free to say otherwise.
    narrow_parts(model, {"network": {"conv": 2}})
    after = model.parts["network"]
    assert after is not before
    assert (after.name, list(after.output)) == ("network", ["a", "b"])
    assert after.get_layer("conv").kernel.shape == (3, 3, 3, 2)
    assert [layer.name for layer in after.layers] == [layer.name for layer in before.layers]
    assert not after.get_layer("conv").trainable
    assert after.get_layer("head").kernel.regularizer.l1 == 0.25
    norm = after.get_layer("norm")
    assert isinstance(norm, BatchNormalization)
    assert (norm.frozen_statistics, norm.epsilon, norm.gamma.shape) == (True, 1e-3, (2,))
    assert type(after.get_layer("conv").kernel_initializer).__name__ == "HeNormal"


def test_weights_keep_their_names(model):
    before = list(collect_weights(model))
    narrow_parts(model, {"network": {"conv": 2}})
    assert list(collect_weights(model)) == before


def test_half_precision_stays(model):
    images = keras.Input((8, 8, 3), name="images")
    half = keras.DTypePolicy("mixed_float16")
    x = layers.Conv2D(6, 3, dtype=half, name="conv")(images)
    y = layers.Conv2D(2, 1, dtype="float32", name="head")(x)
    model.parts = {"network": keras.Model(images, y)}
    narrow_parts(model, {"network": {"conv": 3}})
    part = model.parts["network"]
    assert part.get_layer("conv").compute_dtype == "float16"
    assert part.get_layer("conv").kernel.dtype == "float32"
    assert part.get_layer("head").compute_dtype == "float32"


def test_images_of_free_size_stay_free():
    images = keras.Input((None, None, 3), name="images")
    x = layers.Conv2D(6, 3, name="conv")(images)
    y = layers.Conv2D(2, 1, name="head")(x)
    model = SimpleNamespace(parts={"network": keras.Model(images, y)}, joins=())
    narrow_parts(model, {"network": {"conv": 3}})
    assert model.parts["network"](np.zeros((1, 5, 7, 3))).shape == (1, 3, 5, 2)


def test_nothing_narrower_is_nothing_rebuilt(model):
    before = dict(model.parts)
    narrow_parts(model, {"network": {}})
    assert model.parts == before


@pytest.mark.parametrize(
    ("widths", "found"),
    [
        ({"head": {"conv": 2}}, "'conv' of the part 'head', which has no channels of its own"),
        ({"network": {"conv2": 2}}, "'conv2' of the part 'network', which has no channels"),
        ({"network": {"relu": 2}}, "'relu' of the part 'network', which has no channels"),
        ({"network": {"conv": 7}}, "7 channels of the layer 'conv' .* which has 6 there"),
        ({"network": {"conv": 0}}, "0 channels of the layer 'conv' .* which has 6 there"),
    ],
    ids=["part", "layer", "kind", "wider", "none"],
)
def test_widths_of_another_model_are_refused(model, widths, found):
    with pytest.raises(CheckpointError, match=f"{found}.* use the spec it was trained with"):
        narrow_parts(model, widths)


def test_widths_that_do_not_go_together_are_refused(model):
    images = keras.Input((8, 8, 3), name="images")
    added = layers.Add()([layers.Conv2D(4, 1, name=name)(images) for name in "ab"])
    model.parts = {"network": keras.Model(images, added, name="network")}
    with pytest.raises(CheckpointError, match="do not fit the part 'network'"):
        narrow_parts(model, {"network": {"a": 2}})
