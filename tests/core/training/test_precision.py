"""Half precision: what computes in it, what does not, and what comes of it."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.core.training.small_model import RECIPE, batches, make_trainer

from detforge.training import precision
from detforge.training.precision import computing_in, precision_of
from detforge.weights import collect_weights

HALVES = ["mixed_float16", "mixed_bfloat16"]


@pytest.mark.parametrize(("gpu", "policy"), zip([True, False], HALVES, strict=True))
def test_gpu_computes_in_float16_and_cpu_in_bfloat16(monkeypatch, gpu, policy):
    monkeypatch.setattr(precision, "has_accelerator", lambda: gpu)
    assert precision_of(replace(RECIPE, mixed_precision=True)) == policy
    assert precision_of(RECIPE) == "float32"


@pytest.mark.parametrize("policy", HALVES)
def test_layers_compute_in_half_and_all_else_in_single_precision(policy):
    model, trainer = make_trainer(policy=policy)
    trainer.train_on_batch(batches(1)[0])
    layers = {layer.name: layer for layer in model.parts["network"].layers}
    assert layers["conv"].compute_dtype == layers["bn"].compute_dtype == policy[6:]
    assert model.dtypes == {"float32"}  # of what the losses are made from
    assert {value.dtype for value in collect_weights(model).values()} == {np.dtype("float32")}
    assert {str(v.dtype) for v in trainer.optimizer.variables if v.shape != ()} == {"float32"}


@pytest.mark.parametrize("policy", HALVES)
def test_weights_have_the_names_of_single_precision(policy):
    single, _ = make_trainer()
    half, _ = make_trainer(policy=policy)
    assert collect_weights(half).keys() == collect_weights(single).keys()


@pytest.mark.parametrize("policy", HALVES)
def test_losses_are_near_those_of_single_precision(policy):
    (_, single), (_, half) = make_trainer(), make_trainer(policy=policy)
    for batch in batches(10):
        found, wanted = (one.train_on_batch(batch, return_dict=True) for one in (half, single))
        assert found["loss"] == pytest.approx(wanted["loss"], rel=0.02)
        assert found["loss"] != wanted["loss"]


def test_layer_that_asks_for_single_precision_keeps_it():
    with computing_in("mixed_float16"):
        assert keras.layers.Dense(2).compute_dtype == "float16"
        assert keras.layers.Dense(2, dtype="float32").compute_dtype == "float32"
    assert keras.layers.Dense(2).compute_dtype == "float32"


def test_policy_is_as_before_behind_an_error():
    with pytest.raises(RuntimeError), computing_in("mixed_float16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == "float32"


def scale_of(trainer):
    return float(trainer.optimizer.dynamic_scale)


def test_overflow_halves_the_scale_and_leaves_the_step_out():
    model, trainer = make_trainer(policy="mixed_float16")
    before = collect_weights(model)
    trainer.optimizer.dynamic_scale.assign(2.0**40)
    trainer.train_on_batch(batches(1)[0])
    assert scale_of(trainer) == 2.0**39
    assert int(trainer.optimizer.iterations) == 0
    kernel = "network/conv/kernel"
    np.testing.assert_array_equal(collect_weights(model)[kernel], before[kernel])


def test_clipping_acts_on_the_gradient_without_its_scale():
    moved = {}
    for policy in ("float32", "mixed_float16"):
        model, trainer = make_trainer(policy=policy, gradient_clip_norm=0.01)
        before = collect_weights(model)
        trainer.train_on_batch(batches(1)[0])
        after, names = collect_weights(model), ("conv/kernel", "bn/gamma", "bn/beta")
        steps = [after[f"network/{name}"] - before[f"network/{name}"] for name in names]
        moved[policy] = np.sqrt(sum((step**2).sum() for step in steps))
    assert moved["float32"] == pytest.approx(0.1 * 0.01, rel=1e-4)  # rate times norm
    assert moved["mixed_float16"] == pytest.approx(moved["float32"], rel=0.01)
