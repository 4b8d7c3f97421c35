from types import SimpleNamespace

import keras
import pytest

from detforge.errors import PluginError
from detforge.graph.cost import layer_costs

layers = keras.layers


def costs_of(part, *shapes):
    declared = {"part": shapes} if shapes else {}
    model = SimpleNamespace(parts={"part": part}, input_shapes=declared)
    return {cost.layer: cost for cost in layer_costs(model)}


def chain(shape, *following):
    images = x = keras.Input(shape)
    for layer in following:
        x = layer(x)
    return keras.Model(images, x)


# What torch.utils.flop_counter counts of the same layers in PyTorch: two flops a multiply-add.
TORCH_FLOPS = [
    (layers.Conv2D(10, 3, strides=2, padding="same"), (33, 21, 6), 201960),
    (layers.Conv2D(10, 3, dilation_rate=2, padding="same"), (33, 21, 6), 748440),
    (layers.Conv2D(10, (5, 3), groups=2), (33, 21, 6), 495900),
    (layers.DepthwiseConv2D(3, depth_multiplier=2), (33, 21, 6), 127224),
    (layers.DepthwiseConv2D(5, strides=2, padding="same"), (33, 21, 6), 56100),
    (layers.SeparableConv2D(10, 3, padding="same"), (33, 21, 6), 158004),
    (layers.Conv2DTranspose(10, 2, strides=2), (9, 7, 6), 30240),
    (layers.Conv2DTranspose(10, 3, strides=2, padding="same"), (9, 7, 6), 68040),
    (layers.Dense(7), (20,), 280),
    (layers.Dense(7), (5, 20), 1400),
]


@pytest.mark.parametrize(("layer", "shape", "flops"), TORCH_FLOPS)
def test_layer_costs_what_pytorch_counts(layer, shape, flops):
    assert costs_of(chain(shape, layer))[layer.name].multiply_adds == flops / 2


# Billions of multiply-adds at 224 x 224 as printed: arXiv:1704.04861 table 4,
# arXiv:1512.03385 table 1.
@pytest.mark.parametrize(
    ("name", "parameters", "billions"),
    [("MobileNet", 4253864, 0.569), ("ResNet50", 25636712, 3.8)],
)
def test_classifiers_cost_what_their_papers_say(name, parameters, billions):
    part = getattr(keras.applications, name)(weights=None)
    costs = costs_of(part).values()
    assert sum(cost.parameters for cost in costs) == parameters
    assert sum(cost.multiply_adds for cost in costs) / 1e9 == pytest.approx(billions, rel=0.02)


def test_other_layers_multiply_nothing_and_have_their_weights():
    part = chain((8, 8, 4), layers.BatchNormalization(name="norm"), layers.ReLU(name="relu"))
    costs = costs_of(part)
    assert (costs["norm"].parameters, costs["norm"].trainable_parameters) == (16, 8)
    assert {cost.multiply_adds for cost in costs.values()} == {0}


def test_shared_layer_has_its_weights_once_and_computes_at_every_call():
    shared = layers.Conv2D(4, 1, use_bias=False, name="shared")
    small, large = keras.Input((2, 2, 4)), keras.Input((4, 4, 4))
    cost = costs_of(keras.Model([small, large], [shared(small), shared(large)]))["shared"]
    assert cost.parameters == 16
    assert cost.multiply_adds == 16 * (4 + 16)
    assert sorted(cost.output_shapes) == [(1, 2, 2, 4), (1, 4, 4, 4)]


def test_layer_in_two_parts_has_its_weights_in_the_first():
    shared = layers.Dense(3, name="shared")
    parts = {name: chain((2,), shared) for name in ("first", "second")}
    costs = layer_costs(SimpleNamespace(parts=parts, input_shapes={}))
    found = [(c.part, c.parameters, c.multiply_adds) for c in costs if c.layer == "shared"]
    assert found == [("first", 9, 6), ("second", 0, 6)]


def test_frozen_layer_has_nothing_to_train():
    layer = layers.Dense(3, name="frozen", trainable=False)
    cost = costs_of(chain((2,), layer))["frozen"]
    assert (cost.parameters, cost.trainable_parameters) == (9, 0)


def test_operations_between_layers_pass_shapes_on():
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 1, use_bias=False, name="first")(images)
    x = keras.ops.concatenate([x, x * 2.0], axis=-1)
    part = keras.Model(images, layers.Conv2D(2, 1, use_bias=False, name="last")(x))
    cost = costs_of(part, (1, 5, 6, 3))["last"]
    assert cost.multiply_adds == 5 * 6 * 8 * 2


def test_rows_that_an_image_makes_each_cost():
    part = chain((7, 7, 2), layers.Flatten(), layers.Dense(3, name="head"))
    cost = costs_of(part, (300, 7, 7, 2))["head"]
    assert cost.multiply_adds == 300 * 98 * 3
    assert cost.output_shapes == ((300, 3),)


def test_free_size_that_nobody_declares_is_refused():
    with pytest.raises(PluginError, match=r"'part' takes inputs of free size.*input_shapes"):
        costs_of(chain((None, None, 3), layers.Conv2D(1, 1)))
