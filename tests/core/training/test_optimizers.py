"""Optimisers against what PyTorch's do, see `torch_steps.py`."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.tiny_detector import make_recipe

from detforge import recipe as recipes
from detforge.recipe import Adam, RmsProp, Sgd, Steps
from detforge.training.optimizers import make_optimizer
from detforge.training.schedules import RunLength

TORCH = json.loads(Path(__file__).with_name("torch_steps.json").read_text())


def optimizer_of(settings, rate=TORCH["rate"], gamma=1.0, **limits):
    """Return an optimiser; the rate is multiplied by gamma after each of five steps."""
    schedule = Steps(learning_rate=rate, gamma=gamma, interval=0.2)
    recipe = replace(make_recipe(), optimizer=settings, schedule=schedule, **limits)
    return make_optimizer(recipe, RunLength(steps=5, steps_per_epoch=1))


@pytest.mark.parametrize("case", TORCH["cases"].values(), ids=TORCH["cases"])
def test_five_steps_are_those_of_pytorch(case):
    settings = getattr(recipes, case["kind"])(**case["settings"])
    optimizer = optimizer_of(settings, **case["limits"])
    weights = [keras.Variable(start) for start in TORCH["start"]]
    for gradients, wanted in zip(TORCH["gradients"], case["weights"], strict=True):
        optimizer.apply([keras.ops.array(g) for g in gradients], weights)
        for weight, values in zip(weights, wanted, strict=True):
            np.testing.assert_allclose(np.array(weight), values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [Adam, RmsProp])
def test_epsilon_holds_back_where_the_documents_say(kind):
    weight = keras.Variable([1.0])
    optimizer_of(kind(epsilon=0.01)).apply([keras.ops.array([0.5])], [weight])
    assert float(weight[0]) == pytest.approx(TORCH["epsilon"][kind.__name__], rel=1e-6)


def test_velocity_of_descent_holds_steps_and_outlives_a_rate_of_zero():
    weight = keras.Variable([0.0])
    optimizer = optimizer_of(Sgd(momentum=0.5), rate=1.0, gamma=0.0)
    for gradient in (1.0, 8.0, 8.0):
        optimizer.apply([keras.ops.array([gradient])], [weight])
    assert float(weight[0]) == pytest.approx(-(1 + 0.5 + 0.25))


def test_gradient_within_the_limit_is_left_alone():
    weight = keras.Variable([0.0, 0.0])
    optimizer = optimizer_of(Sgd(momentum=0.0), rate=1.0, gradient_clip_norm=5.0)
    optimizer.apply([keras.ops.array([3.0, 4.0])], [weight])
    np.testing.assert_allclose(np.array(weight), [-3, -4], rtol=1e-6)
