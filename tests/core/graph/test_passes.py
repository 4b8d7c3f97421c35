from types import SimpleNamespace

import keras
import numpy as np
import pytest

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone
from detforge.backbones.layers import BatchNormalization
from detforge.errors import SpecError
from detforge.graph.freeze import apply_freeze
from detforge.graph.regularize import apply_regularizer
from detforge.recipe import Freeze, Regularizer


class Model:
    """The little of a DetectionModel that passes look at."""

    def __init__(self):
        images = keras.Input((64, 64, 3))
        features = add_backbone(images, find_backbone("resnet", 10, field="ssd_config"))
        x = features.output
        x = keras.layers.DepthwiseConv2D(3, name="head_depthwise")(x)
        x = keras.layers.Conv2D(4, 1, name="head_conv")(x)
        x = keras.layers.Conv2DTranspose(4, 2, strides=2, name="head_deconvolution")(x)
        self.parts = {"part": keras.Model(images, x)}
        self.blocks = features.blocks

    def layers(self, kind):
        return {layer.name: layer for layer in self.parts["part"].layers if isinstance(layer, kind)}


@pytest.fixture
def model():
    return Model()


def test_nothing_of_a_frozen_block_is_left_to_train(model):
    apply_freeze(model, Freeze(blocks=(0, 2)))
    trains = {layer.name for layer in model.layers(keras.Layer).values() if layer.trainable_weights}
    frozen = {"conv1", "bn_conv1", "block_2a_conv_1", "block_2a_conv_shortcut", "block_2a_bn_1"}
    assert not frozen & trains
    assert {"block_1a_conv_1", "block_1a_bn_1", "block_3a_bn_shortcut", "head_conv"} <= trains


def test_freezing_is_said_in_the_log(model, caplog):
    caplog.set_level("INFO", logger="detforge")
    apply_freeze(model, Freeze(blocks=(2, 0), batch_norm=True))
    assert [record.getMessage() for record in caplog.records] == [
        "frozen: blocks 0, 2 of the backbone (8 layers)",
        "frozen: batch statistics of the backbone (13 layers); gamma and beta train",
    ]


def test_switch_without_anything_to_freeze_is_a_warning(caplog):
    images = keras.Input((32, 32, 3))
    features = add_backbone(images, find_backbone("squeezenet", 0, field="ssd_config"))
    part = keras.Model(images, features.output)
    model = SimpleNamespace(parts={"part": part}, blocks=features.blocks)
    apply_freeze(model, Freeze(batch_norm=True))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "no batch normalisation" in record.getMessage()


def test_unknown_block_is_refused_with_the_blocks_there_are(model):
    with pytest.raises(SpecError, match="no block 7; it has 0, 1, 2, 3, 4"):
        apply_freeze(model, Freeze(blocks=(7,)))


def test_frozen_statistics_stay_while_gamma_and_beta_train(model):
    apply_freeze(model, Freeze(batch_norm=True))
    part = model.parts["part"]
    part.compile("sgd", "mse")
    layer = model.layers(BatchNormalization)["block_3a_bn_1"]
    before = [np.array(w) for w in (layer.moving_mean, layer.moving_variance, layer.gamma)]
    rng = np.random.default_rng(0)
    x = rng.normal(0, 5, (4, 64, 64, 3)).astype("float32")
    part.fit(x, np.ones((4, *part.output_shape[1:]), "float32"), verbose=0)
    after = [np.array(w) for w in (layer.moving_mean, layer.moving_variance, layer.gamma)]
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert np.abs(before[2] - after[2]).max() > 0


@pytest.mark.parametrize(("kind", "power"), [("l1", 1), ("l2", 2)])
def test_penalty_covers_convolution_kernels_alone(model, kind, power):
    apply_regularizer(model, Regularizer(kind=kind, weight=0.25))
    kernels = [
        layer.kernel
        for which in (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
        for layer in model.layers(which).values()
        if not isinstance(layer, keras.layers.DepthwiseConv2D)
    ]
    assert len(kernels) == 15
    # Independent of Keras: sum of |k|^power in float64, times the weight.
    expected = 0.25 * sum((np.abs(np.asarray(k, np.float64)) ** power).sum() for k in kernels)
    assert float(sum(model.parts["part"].losses)) == pytest.approx(expected, rel=1e-5)


def test_no_regularizer_clears_an_earlier_one(model):
    apply_regularizer(model, Regularizer(kind="l1", weight=0.1))
    apply_regularizer(model, Regularizer())
    assert model.parts["part"].losses == []
