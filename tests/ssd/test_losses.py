from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from keras import ops

from detforge.boxes.losses import cross_entropy, smooth_l1
from detforge_ssd.losses import hard_negatives, multibox_loss


def loss(probabilities, class_targets, deltas=None, **options):
    """Return both losses of a batch given by the probabilities of its anchors."""
    probabilities = np.asarray(probabilities, np.float32)
    class_targets = np.asarray(class_targets, np.int32)
    deltas = np.zeros((*class_targets.shape, 4)) if deltas is None else np.asarray(deltas)
    result = multibox_loss(
        np.log(probabilities),
        deltas.astype(np.float32),
        class_targets,
        np.zeros_like(deltas, np.float32),
        **({"neg_pos_ratio": 3.0, "alpha": 1.0} | options),
    )
    return {name: float(value) for name, value in result.items()}


# One positive and three negatives that cost ln 2, ln 4 and ln 1.25.
IMAGE = [[0.1, 0.9], [0.5, 0.5], [0.25, 0.75], [0.8, 0.2]]
TARGETS = [1, 0, 0, 0]


def test_documented_example_has_the_documented_loss():
    probabilities = [[[0.2, 0.7, 0.1], [0.9, 0.05, 0.05], [0.6, 0.3, 0.1]]]
    deltas = [[[0.5, 0, 2, 0], [9, 9, 9, 9], [9, 9, 9, 9]]]
    result = loss(probabilities, [[1, 0, 0]], deltas)
    assert result["classification"] == pytest.approx(0.356675 + 0.105361 + 0.510826, abs=1e-5)
    assert result["localisation"] == pytest.approx(1.625)


def test_only_the_hardest_negatives_count():
    result = loss([IMAGE], [TARGETS], neg_pos_ratio=1.0)
    assert result["classification"] == pytest.approx(-math.log(0.9) + math.log(4), rel=1e-5)


def test_a_ratio_between_integers_rounds_down():
    positives = [[0.5, 0.5], [0.5, 0.5]]
    result = loss([positives + IMAGE[1:]], [[1, 1, 0, 0, 0]], neg_pos_ratio=0.75)
    assert result["classification"] == pytest.approx((2 * math.log(2) + math.log(4)) / 2, rel=1e-5)


def test_hard_negatives_come_from_the_whole_batch():
    without_objects = [[0.01, 0.99]] * 4
    result = loss([IMAGE, without_objects], [TARGETS, [0] * 4])
    assert result["classification"] == pytest.approx(-math.log(0.9) + 3 * math.log(100), rel=1e-4)


def test_neutral_anchors_cost_nothing():
    result = loss([[*IMAGE, [1e-6, 1]]], [[*TARGETS, -1]], [[[0] * 4] * 4 + [[5] * 4]])
    assert result == pytest.approx(loss([IMAGE], [TARGETS]))


def test_a_batch_without_positives_has_no_loss():
    assert loss([IMAGE], [[0] * 4]) == {"classification": 0.0, "localisation": 0.0}


def test_a_minimum_of_negatives_teaches_without_positives():
    result = loss([IMAGE], [[0, 0, 0, -1]], min_negatives=1)
    assert result["classification"] == pytest.approx(math.log(10), rel=1e-5)


def test_alpha_weighs_the_localisation_alone():
    deltas = np.ones((1, 4, 4))
    half, whole = (loss([IMAGE], [TARGETS], deltas, alpha=alpha) for alpha in (0.5, 1.0))
    assert half["classification"] == whole["classification"]
    assert half["localisation"] == pytest.approx(whole["localisation"] / 2)


def test_loss_is_per_positive_of_the_batch_whatever_the_image():
    # Three positives and one, against two and two.
    first = loss([[[0.5, 0.5]] * 3, [[0.5, 0.5]] * 3], [[1, 1, 1], [1, -1, -1]])
    second = loss([[[0.5, 0.5]] * 3, [[0.5, 0.5]] * 3], [[1, 1, -1], [1, 1, -1]])
    assert first == pytest.approx(second)


@pytest.mark.parametrize(
    ("count", "want"),
    [
        pytest.param(0, [[0, 0, 0], [0, 0, 0]], id="none"),
        pytest.param(1, [[0, 0, 0], [1, 0, 0]], id="the-largest"),
        pytest.param(2, [[1, 0, 0], [1, 0, 0]], id="first-of-equals"),
        pytest.param(3, [[1, 0, 0], [1, 1, 0]], id="both-equals"),
        pytest.param(5, [[1, 0, 1], [1, 1, 0]], id="never-without-loss"),
        pytest.param(99, [[1, 0, 1], [1, 1, 0]], id="more-than-there-are"),
    ],
)
def test_hard_negatives_are_those_with_the_largest_loss(count, want):
    negative_loss = np.array([[2.0, 0.0, 1.0], [3.0, 2.0, 0.0]], np.float32)
    chosen = hard_negatives(negative_loss, ops.convert_to_tensor(count, dtype="int32"))
    assert ops.convert_to_numpy(chosen).tolist() == want


def test_one_hopeless_anchor_cannot_cost_without_limit():
    logits = np.array([[[1000.0, 0.0]]], np.float32)
    cost = float(cross_entropy(logits, np.array([[1]]))[0, 0])
    assert cost == pytest.approx(-math.log(1e-15), rel=1e-5)


def test_smooth_l1_turns_from_square_to_line_at_1():
    deltas = np.array([[[0.5, 0, 0, 0], [1, 0, 0, 0], [0, -3, 0, 0], [1, 1, 1, 1]]], np.float32)
    cost = ops.convert_to_numpy(smooth_l1(deltas, np.zeros_like(deltas)))
    np.testing.assert_allclose(cost, [[0.125, 0.5, 2.5, 2.0]])


def test_half_precision_predictions_give_a_float32_loss():
    rng = np.random.default_rng(1)
    logits, deltas = rng.normal(size=(2, 50, 3)), rng.normal(size=(2, 50, 4))
    targets = rng.integers(-1, 3, (2, 50)).astype(np.int32)
    arguments = (targets, np.zeros((2, 50, 4), np.float32))
    options = {"neg_pos_ratio": 3.0, "alpha": 1.0}
    half = multibox_loss(
        logits.astype(np.float16), deltas.astype(np.float16), *arguments, **options
    )
    full = multibox_loss(
        logits.astype(np.float32), deltas.astype(np.float32), *arguments, **options
    )
    for name, value in half.items():
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        assert float(value) == pytest.approx(float(full[name]), rel=1e-2)


def test_an_anchor_beyond_the_cap_still_learns():
    anchors = keras.layers.Dense(8, bias_initializer=keras.initializers.Constant([60, -60] * 4))
    model = keras.Sequential([keras.Input((1,)), anchors, keras.layers.Reshape((4, 2))])

    def classification(class_targets, logits):
        deltas = ops.zeros((1, 4, 4))
        result = multibox_loss(logits, deltas, class_targets, deltas, neg_pos_ratio=3.0, alpha=1.0)
        return result["classification"]

    model.compile(keras.optimizers.SGD(1.0), loss=classification)
    # One anchor is wrong beyond the cap, and far beyond it: probability e^-120.
    model.fit(np.zeros((1, 1)), np.array([[1, 0, 0, 0]]), verbose=0)
    np.testing.assert_allclose(anchors.bias[:2], [59, -59], rtol=1e-5)
