"""When a run ends early, against Keras' own callback."""

import json
from types import SimpleNamespace

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.recipe import EarlyStopping
from detforge.training.early_stopping import StopEarly


def stopper(monitor="loss", patience=2, min_delta=0.0, values=()):
    """Return a callback; the validation losses that it computes itself come from `values`."""
    settings = EarlyStopping(patience=patience, min_delta=min_delta, monitor=monitor)
    known = iter(values)
    stop = StopEarly(settings, (lambda: next(known)) if monitor != "loss" else None)
    stop.set_model(SimpleNamespace(stop_training=False))
    return stop


def last_epoch(callback, losses, first=0, name="loss"):
    """Return the 0-based epoch behind which a callback ends a run; None if it does not."""
    callback.on_train_begin()
    for epoch, loss in enumerate(losses, start=first):
        callback.on_epoch_end(epoch, {name: loss})
        if callback.model.stop_training:
            return epoch
    return None


LOSSES = st.lists(st.integers(0, 8).map(float), max_size=12)


@given(LOSSES, st.integers(1, 4), st.integers(0, 3))
def test_run_ends_where_keras_would_end_it(losses, patience, min_delta):
    # Keras never stops behind the first epoch; neither can a patience of 1 or more.
    reference = keras.callbacks.EarlyStopping(
        "loss", patience=patience, min_delta=min_delta, mode="min"
    )
    reference.set_model(keras.Model())
    reference.model.stop_training = False
    ours = stopper(patience=patience, min_delta=min_delta)
    assert last_epoch(ours, losses) == last_epoch(reference, losses)


@given(LOSSES, st.integers(1, 4), st.data())
def test_run_that_goes_on_ends_where_the_uninterrupted_one_does(losses, patience, data):
    straight = last_epoch(stopper(patience=patience), losses)
    cut = data.draw(st.integers(0, len(losses) if straight is None else straight))
    first = stopper(patience=patience)
    last_epoch(first, losses[:cut])
    second = stopper(patience=patience)
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)), cut)
    assert last_epoch(second, losses[cut:], first=cut) == straight


@given(LOSSES, st.integers(1, 4), st.data())
def test_validation_loss_of_the_checkpoint_is_computed_when_a_run_goes_on(losses, patience, data):
    name = {"name": "validation_loss"}
    straight = last_epoch(stopper("validation_loss", patience), losses, **name)
    cut = data.draw(st.integers(0, len(losses) if straight is None else straight))
    first = stopper("validation_loss", patience)
    # The checkpoint of an epoch is written before its validation.
    last_epoch(first, losses[: max(0, cut - 1)], **name)
    second = stopper("validation_loss", patience, values=losses[cut - 1 : cut])
    second.restore(first.state(), cut)
    assert last_epoch(second, losses[cut:], first=cut, **name) == straight


def test_value_that_is_known_is_not_computed_again():
    first = stopper("validation_loss")
    last_epoch(first, [3.0, 2.0], name="validation_loss")
    second = stopper("validation_loss", values=())
    second.restore(first.state(), 2)
    assert last_epoch(second, [2.0, 2.0], first=2, name="validation_loss") == 3


def test_epoch_counts_once_however_often_it_is_told():
    stop = stopper(patience=2)
    stop.on_epoch_end(0, {"loss": 1.0})
    for _ in range(3):
        stop.on_epoch_end(1, {"loss": 1.0})
    assert not stop.model.stop_training


def test_loss_that_is_no_number_is_no_decrease():
    assert last_epoch(stopper(patience=2), [1.0, float("nan"), float("nan")]) == 2


def test_run_that_goes_on_behind_its_end_has_all_its_patience_again():
    first = stopper(patience=2)
    assert last_epoch(first, [1.0, 1.0, 1.0]) == 2
    second = stopper(patience=2)
    second.restore(first.state(), 3)
    assert last_epoch(second, [2.0, 2.0], first=3) == 4


@pytest.mark.parametrize("state", [{}, {"monitor": "validation_loss", "best": 0.1, "waited": 1}])
def test_state_of_another_monitor_is_left_alone(state):
    stop = stopper(patience=2)
    stop.restore(state, 3)
    assert stop.state()["best"] is None
    assert last_epoch(stop, [5.0, 4.0, 3.0], first=3) is None
