"""The graph under construction: shapes, parts placed once or twice, declared outputs."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers
from onnx import TensorProto

from detforge.errors import ExportError
from detforge.export.graph import GlueGraph
from detforge.export.parts import check_model, convert_part
from detforge.recipe import InputFormat

FORM = InputFormat(height=8, width=12)


@pytest.fixture(scope="module")
def parts():
    keras.utils.set_random_seed(3)
    images = keras.Input((8, 12, 3), name="images")
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(images)
    y = layers.Conv2D(4, 3, strides=2, padding="same", name="conv_2")(x)
    backbone = keras.Model(images, [x, y], name="backbone")
    maps = keras.Input((None, None, 4), name="maps")
    head = keras.Model(maps, layers.Conv2D(2, 3, padding="same", name="conv")(maps), name="head")
    converted = {"backbone": convert_part(backbone, "b"), "head": convert_part(head, "h")}
    return backbone, head, converted


def run(model, images):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"images": np.ascontiguousarray(np.moveaxis(images, -1, 1))})


def test_part_placed_twice_shares_its_weights(parts):
    backbone, head, converted = parts
    graph = GlueGraph(converted, FORM)
    fine, coarse = graph.part("backbone", graph.images)
    (first,), (second,) = graph.part("head", fine), graph.part("head", coarse)
    graph.output("first", first, TensorProto.FLOAT, ("batch", 2, 4, 6))
    graph.output("second", second, TensorProto.FLOAT, ("batch", 2, 2, 3))
    model = graph.to_model({})
    check_model(model, "the model")
    kernels = [c for c in model.graph.initializer if list(c.dims) == [2, 4, 3, 3]]
    assert len(kernels) == 1
    images = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)
    wanted = [np.moveaxis(np.asarray(head(x)), -1, 1) for x in backbone(images)]
    for found, expected in zip(run(model, images), wanted, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_shapes_are_known_as_the_graph_grows(parts):
    graph = GlueGraph(parts[2], FORM)
    fine, _ = graph.part("backbone", graph.images)
    assert graph.shape(graph.images) == (None, 3, 8, 12)
    assert graph.shape(fine) == (None, 4, 4, 6)
    rows = graph.node("Reshape", [fine, graph.constant(np.array([-1, 4, 24], np.int64))])
    left, right = graph.node(
        "Split", [rows, graph.constant(np.array([1, 3], np.int64))], outputs=2, axis=1
    )
    assert (graph.shape(left), graph.shape(right)) == ((None, 1, 24), (None, 3, 24))
    assert graph.shape(graph.node("Transpose", [right], perm=[2, 1, 0])) == (24, 3, None)


def test_constant_keeps_dtype_and_shape():
    graph = GlueGraph({}, FORM)
    assert graph.shape(graph.constant(np.float32(3))) == ()
    assert graph.shape(graph.constant(np.zeros((2, 0, 5), np.int32))) == (2, 0, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda graph: graph.part("neck", graph.images), "no part 'neck' .there are: backbone"),
        (lambda graph: graph.part("head"), "takes 1 inputs, 0 were given"),
        (lambda graph: graph.shape("nowhere"), "the shape of 'nowhere' is not known"),
        (lambda graph: graph.to_model({}), "declared no outputs"),
        (
            lambda graph: graph.node(
                "Concat", [graph.images, graph.constant(np.zeros(2, np.float32))], axis=1
            ),
            "Concat does not fit its inputs .images",
        ),
    ],
    ids=["no such part", "missing input", "unknown tensor", "no outputs", "shapes disagree"],
)
def test_mistake_in_the_glue_is_told_at_once(parts, call, message):
    with pytest.raises(ExportError, match=message):
        call(GlueGraph(parts[2], FORM))


def test_operators_of_other_domains_are_allowed_when_named():
    graph = GlueGraph({}, FORM)
    special = graph.node("Special_TRT", [graph.images], domain="TRT", plugin_version="1")
    follower = graph.node("Relu", [special])
    graph.output("out", follower, TensorProto.FLOAT, ("batch", 7))
    model = graph.to_model({})
    check_model(model, "the model", domains=("TRT",))
    with pytest.raises(ExportError, match=r"the model uses TRT\.Special_TRT"):
        check_model(model, "the model")


def test_detections_have_the_documented_names_types_and_shapes():
    graph = GlueGraph({}, FORM)

    def tensor(dtype, *shape):
        lengths = graph.constant(np.array([1, *shape], np.int64))
        value = onnx.helper.make_tensor("value", dtype, [1], [0])
        return graph.node("ConstantOfShape", [lengths], value=value)

    number = TensorProto.FLOAT
    graph.detections(
        tensor(number, 5, 4),
        tensor(number, 5),
        tensor(TensorProto.INT64, 5),
        tensor(TensorProto.INT64, 1),
        tensor(number, 5, 14, 14),
    )
    model = graph.to_model({"detector": "tiny"})
    check_model(model, "the model")
    found = {
        output.name: (
            output.type.tensor_type.elem_type,
            [d.dim_param or d.dim_value for d in output.type.tensor_type.shape.dim],
        )
        for output in model.graph.output
    }
    assert found == {
        "num_detections": (TensorProto.INT32, ["batch", 1]),
        "detection_boxes": (number, ["batch", 5, 4]),
        "detection_scores": (number, ["batch", 5]),
        "detection_classes": (TensorProto.INT32, ["batch", 5]),
        "detection_masks": (number, ["batch", 5, 14, 14]),
    }
    assert [(prop.key, prop.value) for prop in model.metadata_props] == [("detector", "tiny")]


def test_detections_whose_number_depends_on_the_image_are_refused():
    graph = GlueGraph({}, FORM)
    boxes = graph.node("Reshape", [graph.images, graph.constant(np.array([1, -1, 4], np.int64))])
    with pytest.raises(ExportError, match=r"shape of 'Reshape' is \(1, None, 4\)"):
        graph.detections(boxes, boxes, boxes, boxes)


def test_image_input_is_nchw_with_a_free_batch():
    graph = GlueGraph({}, InputFormat(height=8, width=12, mean=(0.0,), scale=(1.0,)))
    graph.output("out", graph.images, TensorProto.FLOAT, ("batch", 1, 8, 12))
    (images,) = graph.to_model({}).graph.input
    assert images.name == "images"
    shape = [d.dim_param or d.dim_value for d in images.type.tensor_type.shape.dim]
    assert shape == ["batch", 1, 8, 12]
