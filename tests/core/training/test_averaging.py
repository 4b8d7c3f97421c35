"""The moving average of the weights, against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf
from tests.core.training.small_model import batches, make_trainer

from detforge.weights import collect_weights


def assert_equal(first, second, rtol=0.0):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol, atol=rtol, err_msg=name)


def test_average_is_that_of_tensorflow_with_statistics_among_the_weights():
    decay = 0.28  # of the decays of a young average, 2/11, 3/12, 4/13 ..., two are below it
    model, trainer = make_trainer(decay)
    steps = tf.Variable(0)
    reference = tf.train.ExponentialMovingAverage(decay, num_updates=steps)
    copies = {name: tf.Variable(value) for name, value in collect_weights(model).items()}
    assert "network/bn/moving_variance" in copies
    reference.apply(copies.values())
    for batch in batches(5):
        trainer.train_on_batch(batch)
        steps.assign_add(1)
        for name, value in collect_weights(model).items():
            copies[name].assign(value)
        reference.apply(copies.values())
    averages = {name: reference.average(copy).numpy() for name, copy in copies.items()}
    assert_equal(trainer.shown_weights(), averages, rtol=1e-5)


def test_averages_leave_training_alone():
    (plain, without), (model, trainer) = make_trainer(), make_trainer(0.9)
    for batch in batches(3):
        without.train_on_batch(batch)
        trainer.train_on_batch(batch)
        trainer.shown_weights()
    assert_equal(collect_weights(model), collect_weights(plain), rtol=1e-6)
    kernel = "network/conv/kernel"
    assert np.abs(trainer.shown_weights()[kernel] - collect_weights(model)[kernel]).max() > 1e-4


def test_looking_at_the_averages_does_not_change_them():
    (_, trainer), (_, unseen) = make_trainer(0.9), make_trainer(0.9)
    for batch in batches(4):
        for one in (trainer, unseen):
            one.train_on_batch(batch)
        trainer.shown_weights()
        first = trainer.shown_weights()
    assert_equal(first, unseen.shown_weights(), rtol=1e-6)


def test_run_without_a_decay_shows_its_weights():
    model, trainer = make_trainer()
    trainer.train_on_batch(batches(1)[0])
    assert_equal(trainer.shown_weights(), collect_weights(model))


def test_averages_are_kept_in_single_precision_and_do_not_train():
    model, trainer = make_trainer(0.9, policy="mixed_bfloat16")
    names = {variable.path for variable in trainer.trainable_variables}
    assert names == {variable.path for variable in model.parts["network"].trainable_variables}
    assert {str(variable.dtype) for variable in trainer.average.variables} == {"float32"}
    for batch in batches(2):
        trainer.train_on_batch(batch)
    assert {value.dtype for value in trainer.shown_weights().values()} == {np.dtype("float32")}


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_average_that_restarts_forgets(seen):
    model, trainer = make_trainer(0.9)
    for batch in batches(seen):
        trainer.train_on_batch(batch)
    trainer.average.restart()
    assert_equal(trainer.shown_weights(), collect_weights(model))
