"""Parts as ONNX: the same numbers, NCHW, standard operators, no wasted nodes."""

import collections
import logging

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from detforge.errors import ExportError
from detforge.export.parts import convert_part
from detforge.export.simplify import slimmed


def run(proto, *inputs):
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [f"output_{index}" for index in range(len(proto.graph.output))]
    return session.run(names, {f"input_{index}": x for index, x in enumerate(inputs)})


def to_nchw(array):
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))


def residual_block(x, filters, stride, name):
    y = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    y = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_1")(y)
    y = layers.ReLU(name=f"{name}_relu_1")(layers.BatchNormalization(name=f"{name}_bn_1")(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_2")(y)
    y = layers.BatchNormalization(name=f"{name}_bn_2")(y)
    if stride > 1:
        x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_shortcut")(x)
    return layers.ReLU(name=f"{name}_relu_2")(layers.Add(name=f"{name}_add")([x, y]))


def resnet():
    """Return a small ResNet with one reshaped head and a feature map."""
    keras.utils.set_random_seed(2)
    images = keras.Input((48, 64, 3), name="images")
    x = layers.ZeroPadding2D(3, name="pad")(images)
    x = layers.Conv2D(8, 7, strides=2, name="stem")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool")(x)
    first = residual_block(x, 8, 1, "block_1")
    second = residual_block(first, 16, 2, "block_2")
    rows = []
    for index, level in enumerate((first, second)):
        head = layers.Conv2D(6, 3, padding="same", name=f"head_{index}")(level)
        rows.append(layers.Reshape((-1, 3), name=f"rows_{index}")(head))
    logits = layers.Concatenate(axis=1, name="logits")(rows)
    model = keras.Model(images, [logits, second], name="resnet")
    generator = np.random.default_rng(0)
    for weight in model.weights:  # batch norm that does something
        if "moving" in weight.path or "gamma" in weight.path:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def converted():
    model = resnet()
    return model, convert_part(model, "resnet")


@pytest.mark.parametrize("batch", [1, 3])
def test_part_gives_the_numbers_of_keras_for_any_batch_size(converted, batch):
    model, proto = converted
    images = np.random.default_rng(batch).normal(size=(batch, 48, 64, 3)).astype(np.float32)
    logits, features = (np.asarray(x) for x in model(images, training=False))
    found = run(proto, to_nchw(images))
    np.testing.assert_allclose(found[0], logits, atol=1e-4)
    np.testing.assert_allclose(found[1], to_nchw(features), atol=1e-4)


def test_images_and_feature_maps_are_nchw_and_rows_stay_rows(converted):
    _, proto = converted
    shapes = {
        value.name: [length.dim_value for length in value.type.tensor_type.shape.dim][1:]
        for value in (*proto.graph.input, *proto.graph.output)
    }
    assert shapes["input_0"] == [3, 48, 64]
    assert shapes["output_0"] == [2 * (12 * 16 + 6 * 8), 3]
    assert shapes["output_1"] == [16, 6, 8]


def test_only_the_heads_are_transposed_and_batch_norm_is_folded(converted):
    _, proto = converted
    counts = collections.Counter(node.op_type for node in proto.graph.node)
    assert counts["Transpose"] == 2  # cells before rows, once for each head
    assert counts["BatchNormalization"] == 0
    assert counts["Conv"] == 8


@pytest.fixture(scope="module")
def slim(converted):
    return slimmed(converted[1])


def test_slimming_leaves_reshapes_of_constant_shapes(slim):
    counts = collections.Counter(node.op_type for node in slim.graph.node)
    assert counts["Reshape"] == 2
    assert not counts.keys() & {"Shape", "Gather", "Slice", "Cast", "Identity"}


def test_slimming_leaves_the_numbers_the_names_and_the_model_it_was_given(converted, slim):
    _, proto = converted
    before = proto.SerializeToString()
    images = np.random.default_rng(0).normal(size=(2, 3, 48, 64)).astype(np.float32)
    for found, wanted in zip(run(slim, images), run(proto, images), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert slim.graph.input == proto.graph.input
    assert {node.name for node in slim.graph.node} <= {node.name for node in proto.graph.node}
    assert slimmed(proto) == slim
    assert proto.SerializeToString() == before


def test_nodes_and_weights_are_named_after_layers(converted):
    _, proto = converted
    names = [node.name for node in proto.graph.node]
    assert len(set(names)) == len(names)
    assert {"stem/Conv", "pool/MaxPool", "block_2_shortcut/Conv", "head_1/Conv"} <= set(names)
    assert "stem/Conv/input_1" in {constant.name for constant in proto.graph.initializer}


def test_layers_whose_names_end_in_numbers_are_told_apart():
    x = inputs = keras.Input((8, 8, 2), name="x")
    for name in ("conv", "conv_1", "conv_2"):
        x = layers.Conv2D(2, 3, activation="relu", name=name)(x)
    proto = convert_part(keras.Model(inputs, x, name="conv_net"), "numbers")
    convolutions = [node.name for node in proto.graph.node if node.op_type == "Conv"]
    assert convolutions == ["conv/Conv", "conv_1/Conv", "conv_2/Conv"]


def test_part_with_two_inputs_keeps_their_order():
    first, second = keras.Input((6, 4, 2), name="z"), keras.Input((3,), name="a")
    y = layers.Flatten(name="flat")(first)
    y = layers.Concatenate(name="join")([y, second])
    part = keras.Model([first, second], layers.Dense(5, name="dense")(y))
    proto = convert_part(part, "two")
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(2, 6, 4, 2)).astype(np.float32)
    rows = generator.normal(size=(2, 3)).astype(np.float32)
    wanted = np.asarray(part([maps, rows]))
    np.testing.assert_allclose(run(proto, to_nchw(maps), rows)[0], wanted, atol=1e-5)


def test_part_for_maps_of_any_size_works_on_any_size():
    maps = keras.Input((None, None, 4), name="maps")
    part = keras.Model(maps, layers.Conv2D(3, 3, padding="same", name="conv")(maps))
    proto = convert_part(part, "head")
    for height, width in ((5, 7), (2, 3)):
        x = np.random.default_rng(height).normal(size=(2, height, width, 4)).astype(np.float32)
        np.testing.assert_allclose(
            run(proto, to_nchw(x))[0], to_nchw(np.asarray(part(x))), atol=1e-5
        )


def test_one_tensor_given_out_twice_is_two_outputs():
    inputs = keras.Input((4,), name="rows")
    y = layers.Dense(2, name="dense")(inputs)
    proto = convert_part(keras.Model(inputs, [y, y]), "twice")
    found = run(proto, np.ones((1, 4), np.float32))
    np.testing.assert_array_equal(found[0], found[1])


def test_layer_without_equivalent_is_refused_by_name(caplog):
    class Digamma(layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.math.digamma(x)

    inputs = keras.Input((4,), name="rows")
    part = keras.Model(inputs, Digamma(name="digamma")(inputs))
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(ExportError, match=r"the part 'odd' cannot become ONNX.*Digamma"),
    ):
        convert_part(part, "odd")
    assert not caplog.records  # said once, as the error


def test_other_backend_than_tensorflow_is_explained(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    inputs = keras.Input((4,), name="rows")
    with pytest.raises(ExportError, match="KERAS_BACKEND=tensorflow"):
        convert_part(keras.Model(inputs, inputs), "any")
