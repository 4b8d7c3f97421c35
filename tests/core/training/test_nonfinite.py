"""A loss that is no number ends the run, with step, parts and images."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from detforge.errors import DetforgeError
from detforge.training.nonfinite import FirstBadStep, StopOnNaN, check_finite

NAN, INF = float("nan"), float("inf")


def noted(*totals):
    watch = FirstBadStep(("loss", "boxes"))
    for total in totals:
        watch.update_state({"loss": keras.ops.convert_to_tensor(total), "boxes": 1.0})
    return watch


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("step", [1, 3])
def test_first_bad_step_is_noted_with_its_losses(bad, step):
    watch = noted(*[2.0] * (step - 1), bad, 3.0, NAN)
    found, losses = watch.found()
    assert found == step
    np.testing.assert_equal(losses, {"loss": bad, "boxes": 1.0})


def test_good_steps_and_a_new_epoch_leave_nothing():
    assert noted(1.0, 2.0).found() is None
    watch = noted(1.0, NAN)
    watch.reset_state()
    assert watch.found() is None
    watch.update_state({"loss": NAN, "boxes": 1.0})
    assert watch.found()[0] == 1


class Poison(keras.Model):
    """Its loss is the mean of its input."""

    def __init__(self):
        super().__init__()
        self.first_bad = FirstBadStep(("loss", "all"))
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        return x * self.scale

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = keras.ops.mean(y_pred)
        self.first_bad.update_state({"loss": loss, "all": loss})
        return loss

    @property
    def metrics(self):
        return [self._loss_tracker, self.first_bad]


@pytest.mark.parametrize("looks_often", [True, False])
def test_run_ends_with_the_step_and_the_images_of_it_and_the_one_before(looks_often):
    model = Poison()
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    stop = StopOnNaN(
        model.first_bad, lambda step: [f"image_{step}.jpg"], 4, looks_often=looks_often
    )

    def batches():
        for step in range(12):
            yield (np.full((2, 3), NAN if step in (6, 7) else 1.0, np.float32),)

    with pytest.raises(DetforgeError) as caught:
        model.fit(
            batches(), epochs=3, steps_per_epoch=4, shuffle=False, verbose=0, callbacks=[stop]
        )
    message = str(caught.value)
    assert "the loss became nan at step 7 (step 3 of epoch 2): all nan" in message
    assert "Images of that step: image_6.jpg" in message
    assert "Images of the step before, which made these weights: image_5.jpg" in message


def test_weights_that_are_no_numbers_are_not_saved():
    check_finite({"a": np.ones(3), "count": np.arange(3)})
    with pytest.raises(DetforgeError, match="the weights part/kernel"):
        check_finite({"a": np.ones(3), "part/kernel": np.array([1, NAN])})
