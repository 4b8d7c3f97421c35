"""The same numbers from a checkpoint and from ONNX, whatever the batch size: every image counts."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.core.data.data_builders import ListSource, make_sample
from tests.tiny_detector import (
    NAMES,
    TinyModel,
    make_detector,
    make_recipe,
    make_spec,
)

from detforge.data.framing import still_placement
from detforge.data.images import to_network_input
from detforge.evaluation.run import measure
from detforge.export.build import build_onnx
from detforge.inference.predictors import KerasPredictor, OnnxPredictor
from detforge.recipe import Evaluation

IMAGES = 7


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    model = TinyModel(make_recipe())
    # Scores near 1 would tie, and be in another order in another runtime.
    kernel = model.parts["network"].get_layer("scores").kernel
    kernel.assign(kernel * 0.1)
    return model


@pytest.fixture(scope="module")
def predictors(model):
    recipe = make_recipe()
    proto = build_onnx(make_detector(), make_spec(), recipe, model)
    return {
        "checkpoint": KerasPredictor(model, NAMES),
        "onnx": OnnxPredictor(proto.SerializeToString()),
    }


@pytest.fixture(scope="module")
def source(predictors):
    """Images of noise; every other thing that the model finds there is an object, nearly there."""
    recipe, rng, samples = make_recipe(), np.random.default_rng(0), []
    for _ in range(IMAGES):
        blocks = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
        image = blocks.repeat(8, axis=0).repeat(8, axis=1)
        found = predictors["checkpoint"].predict(to_network_input(image, recipe.input)[None])
        some = slice(0, int(found.count[0]), 2)
        placement = still_placement(recipe.input, 96, 64)
        boxes = np.clip(placement.to_source(found.boxes[0][some]), 0, (96, 64, 96, 64)) + 1
        names = [NAMES[label] for label in found.labels[0][some]]
        samples.append(make_sample(boxes, names, image=image))
    return ListSource(samples)


@pytest.mark.parametrize("mode", ["sample", "integrate", "coco"])
def test_scores_do_not_depend_on_runtime_or_batch_size(predictors, source, mode):
    def scored(runtime, size):
        evaluation = Evaluation(mode=mode, batch_size=size)
        recipe = replace(make_recipe(), evaluation=evaluation)
        return measure(predictors[runtime].predict, source, recipe).report

    first = scored("checkpoint", 1)
    assert first.images == IMAGES
    assert 0.2 < first.mean_ap < 0.99
    for runtime, tolerance in (("checkpoint", 1e-9), ("onnx", 1e-3)):
        for size in (3, IMAGES, 50):
            other = scored(runtime, size)
            assert other.images == IMAGES
            assert other.counts == first.counts
            assert other.ap == pytest.approx(first.ap, abs=tolerance)
            numbers = list(first.coco.values())
            assert list(other.coco.values()) == pytest.approx(numbers, abs=tolerance, nan_ok=True)


def test_static_batch_scores_as_any_other(predictors, source, model):
    recipe = replace(make_recipe(), evaluation=Evaluation(batch_size=3))
    proto = build_onnx(make_detector(), make_spec(), recipe, model, batch_size=4)
    static = OnnxPredictor(proto.SerializeToString())
    want = measure(predictors["onnx"].predict, source, recipe).report
    assert measure(static.predict, source, recipe).report.ap == pytest.approx(want.ap, abs=1e-6)
