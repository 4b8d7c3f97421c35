"""Fields of a spec that steer the loss, against the whole loss written once more in plain NumPy."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from detforge.spec import parse_spec
from detforge_ssd import spec_pb2
from detforge_ssd.model import SSD
from detforge_ssd.settings import Settings
from tests.ssd.conftest import SPEC

CHANNELS = 4  # the background and three classes
VARIANCES = np.array([0.1, 0.1, 0.2, 0.2])
DEFAULTS = {"ratio": 3.0, "alpha": 1.0, "positive": 0.5, "negative": 0.5}


def settings(fields=""):
    text = SPEC.format(data="data", batch=2, epochs=1, rate=1e-2, interval=1)
    spec = parse_spec(text.replace("nlayers: 10", f"nlayers: 10 {fields}"), spec_pb2.Experiment)
    return Settings.from_spec(spec.message)


@pytest.fixture(scope="module")
def case():
    """Return anchors, a batch, and what a network would say of it."""
    rng = np.random.default_rng(11)
    centres = np.stack(np.meshgrid(np.arange(5, 100, 10), np.arange(5, 100, 10)), -1)
    half = np.array([[8, 8], [12, 6], [14, 14]])
    centres = centres.reshape(-1, 1, 2)
    anchors = np.concatenate([centres - half, centres + half], -1).reshape(-1, 4)
    low = rng.uniform(0, 60, (3, 5, 2))
    boxes = np.concatenate([low, low + rng.uniform(12, 36, low.shape)], -1)
    labels = np.array([[0, 2, 1, -1, -1], [1, 1, 0, 2, -1], [-1] * 5])
    ignore = np.array([[False, True, False, False, False], [False] * 5, [False] * 5])
    outputs = rng.normal(0, 2, (3, len(anchors), CHANNELS + 4))
    return (anchors, np.where(labels[..., None] < 0, 0, boxes), labels, ignore, outputs)


def loss(case, fields=""):
    """Return what the model says of the batch; its network repeats the outputs."""
    anchors, boxes, labels, ignore, outputs = case
    given = keras.Input(outputs.shape[1:])
    network = keras.Model(given, (given[..., :CHANNELS], given[..., CHANNELS:]))
    features = SimpleNamespace(blocks={}, backbone=None)
    model = SSD(network, anchors.astype("float32"), settings(fields), features)
    batch = {
        "images": outputs.astype("float32"),
        "boxes": boxes.astype("float32"),
        "labels": labels.astype("int32"),
        "ignore": ignore,
    }
    return {name: float(value) for name, value in model.losses(batch, training=True).items()}


def overlaps(box, anchors):
    low, high = np.maximum(box[:2], anchors[:, :2]), np.minimum(box[2:], anchors[:, 2:])
    shared = np.maximum(high - low, 0).prod(1)
    areas = (anchors[:, 2:] - anchors[:, :2]).prod(1)
    return shared / (areas + (box[2:] - box[:2]).prod() - shared)


def match(anchors, boxes, labels, ignore, positive, negative):
    """Return the class of each anchor, 0 background and -1 neutral, and its box."""
    iou = np.array([overlaps(box, anchors) for box in boxes])
    iou[labels < 0] = 0
    pool = np.where(ignore[:, None], 0, iou)
    box = np.where(pool.max(0) >= positive, pool.argmax(0), -1)
    left = pool.copy()
    while left.max() > 0:
        n, a = np.unravel_index(left.argmax(), left.shape)
        box[a] = n
        left[n], left[:, a] = 0, 0
    others = np.where(iou.max(0) >= negative, -1, 0)
    return np.where(box >= 0, labels[box] + 1, others), box


def expected(case, ratio, alpha, positive, negative):
    anchors, boxes, labels, ignore, outputs = case
    sizes, middles = anchors[:, 2:] - anchors[:, :2], (anchors[:, 2:] + anchors[:, :2]) / 2
    hits, misses, offsets = [], [], []
    for image, output in enumerate(outputs):
        classes, box = match(
            anchors, boxes[image], labels[image], ignore[image], positive, negative
        )
        scores = output[:, :CHANNELS]
        costs = np.log(np.exp(scores).sum(1)) - np.take_along_axis(
            scores, np.maximum(classes, 0)[:, None], 1
        ).squeeze(1)
        hits += costs[classes > 0].tolist()
        misses += costs[classes == 0].tolist()
        for a in np.flatnonzero(classes > 0):
            x1, y1, x2, y2 = boxes[image, box[a]]
            shift = (np.array([x1 + x2, y1 + y2]) / 2 - middles[a]) / sizes[a]
            growth = np.log(np.array([x2 - x1, y2 - y1]) / sizes[a])
            error = np.abs(output[a, CHANNELS:] - np.concatenate([shift, growth]) / VARIANCES)
            offsets.append(np.where(error < 1, error**2 / 2, error - 0.5).sum())
    hard = sorted(misses, reverse=True)[: int(ratio * len(hits))]
    classification = (sum(hits) + sum(hard)) / len(hits)
    return {"classification": classification, "localisation": alpha * sum(offsets) / len(hits)}


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        pytest.param("", {}, id="defaults"),
        pytest.param("neg_pos_ratio: 1.5", {"ratio": 1.5}, id="fewer-negatives"),
        pytest.param("neg_pos_ratio: 7", {"ratio": 7}, id="more-negatives"),
        pytest.param("alpha: 2.5", {"alpha": 2.5}, id="alpha"),
        pytest.param("pos_iou_thresh: 0.65", {"positive": 0.65}, id="fewer-positives"),
        pytest.param("pos_iou_thresh: 0.35", {"positive": 0.35}, id="more-positives"),
        pytest.param("neg_iou_thresh: 0.2", {"negative": 0.2}, id="neutral-band"),
        pytest.param(
            "pos_iou_thresh: 0.6 neg_iou_thresh: 0.4", {"positive": 0.6, "negative": 0.4}, id="both"
        ),
        pytest.param(
            "neg_pos_ratio: 0 alpha: 0 pos_iou_thresh: 0 neg_iou_thresh: 0", {}, id="zeros"
        ),
    ],
)
def test_loss_of_a_batch_follows_the_spec(case, fields, values):
    found = loss(case, fields)
    assert found == pytest.approx(expected(case, **(DEFAULTS | values)), rel=1e-4)
    if values:
        assert found != pytest.approx(loss(case), rel=1e-3)


def test_a_difficult_object_that_training_leaves_out_is_no_background(case):
    anchors, boxes, labels, ignore, outputs = case
    learnt = (anchors, boxes, labels, np.zeros_like(ignore), outputs)
    removed = (anchors, boxes, np.where(ignore, -1, labels), np.zeros_like(ignore), outputs)
    # All of the background counts, and little overlap makes an anchor neutral.
    every = "neg_pos_ratio: 1000 neg_iou_thresh: 0.2"
    for other in (learnt, removed):
        values = {**DEFAULTS, "ratio": 1000, "negative": 0.2}
        assert loss(other, every) == pytest.approx(expected(other, **values), rel=1e-4)
        assert loss(other, every) != pytest.approx(loss(case, every), rel=1e-4)
