"""Box decoding as ONNX nodes."""

import numpy as np
import pytest
from onnx import TensorProto
from tests.core.export.glue import run_glue

from detforge.boxes import coding
from detforge.export.boxes import decode_boxes

VARIANCES = (0.1, 0.15, 0.2, 0.25)


def decode(deltas, anchors, variances=VARIANCES):
    def build(graph, deltas):
        decoded = decode_boxes(graph, deltas, anchors, variances)
        assert graph.shape(decoded) == (None, len(anchors), 4)
        graph.output("boxes", decoded, TensorProto.FLOAT, ("batch", len(anchors), 4))

    return run_glue(build, deltas)["boxes"]


def random_boxes(count, seed):
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 200, (count, 2))
    return np.concatenate([corners, corners + generator.uniform(4, 90, (count, 2))], axis=1)


def test_worked_example():
    # The anchor is 20 wide and 10 high with its centre at (20, 15). Half its width to the right,
    # a fifth of its height up, twice as wide, half as high.
    anchors = np.array([[10, 10, 30, 20]])
    deltas = np.array([[[0.5 / 0.1, -0.2 / 0.15, np.log(2) / 0.2, np.log(0.5) / 0.25]]])
    np.testing.assert_allclose(decode(deltas, anchors), [[[10, 10.5, 50, 15.5]]], rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 3])
def test_decoding_inverts_encoding(batch):
    anchors = random_boxes(40, seed=0)
    boxes = np.stack([random_boxes(40, seed=image + 1) for image in range(batch)])
    deltas = np.asarray(coding.encode_boxes(boxes.astype("f4"), anchors.astype("f4"), VARIANCES))
    np.testing.assert_allclose(decode(deltas, anchors), boxes, rtol=1e-4, atol=1e-3)


def test_zero_deltas_give_the_anchors():
    anchors = random_boxes(5, seed=3)
    np.testing.assert_allclose(decode(np.zeros((2, 5, 4)), anchors)[1], anchors, rtol=1e-5)


def test_exploding_deltas_give_the_boxes_of_the_checkpoint():
    anchors = random_boxes(200, seed=4).astype(np.float32)
    generator = np.random.default_rng(5)
    scale = 10.0 ** generator.uniform(-2, 38, (2, 200, 4))
    deltas = (generator.uniform(-3, 3, (2, 200, 4)) * scale).astype(np.float32)
    found, expected = decode(deltas, anchors), coding.decode_boxes(deltas, anchors, VARIANCES)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
