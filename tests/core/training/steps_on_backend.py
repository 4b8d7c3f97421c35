"""Print what some training steps come to, from given weights, on the backend of this process.

Run as a script by `test_backends_agree.py`, with ``KERAS_BACKEND`` set.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import keras
import numpy as np
from tests.core.training.small_model import batches, make_trainer

from detforge.recipe import Adam, RmsProp, Sgd, SoftStartCosine
from detforge.training.nonfinite import StopOnNaN
from detforge.weights import collect_weights, restore_weights

COSINE = SoftStartCosine(min_learning_rate=1e-3, max_learning_rate=0.1, soft_start=0.02)
CASES = {
    "descent": {"optimizer": Sgd(momentum=0.9, nesterov=True, decay=0.1)},
    "averaged": {"decay": 0.5, "optimizer": Adam(amsgrad=True), "gradient_clip_norm": 0.1},
    "rmsprop": {"optimizer": RmsProp(centered=True, momentum=0.5), "schedule": COSINE},
    "float16": {"policy": "mixed_float16"},
    "bfloat16": {"policy": "mixed_bfloat16", "decay": 0.9},
}


def steps(weights: dict[str, np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """Return of each case four losses, and the mean of each weight that it shows."""
    found = {}
    for name, settings in CASES.items():
        model, trainer = make_trainer(**settings)
        restore_weights(model, weights)
        if trainer.average:
            trainer.average.restart()
        losses = [trainer.train_on_batch(b, return_dict=True)["loss"] for b in batches(4)]
        with trainer.averaged():
            shown = [float(value.mean()) for value in collect_weights(model).values()]
        found[name] = {"losses": [float(loss) for loss in losses], "shown": shown}
    return found


def epochs(weights: dict[str, np.ndarray]) -> list[float]:
    """Return the loss on an unseen batch behind each of two epochs of `fit`, as a run has it."""
    model, trainer = make_trainer(decay=0.5)
    restore_weights(model, weights)
    trainer.average.restart()
    unseen, losses = batches(1, seed=1)[0], []

    def validate(epoch: int, logs: dict[str, float]) -> None:
        with trainer.averaged():
            losses.append(float(trainer.test_on_batch(unseen, return_dict=True)["loss"]))

    look = StopOnNaN(trainer.first_bad, lambda step: [str(step)], 3, looks_often=True)
    trainer.fit(
        ((batch,) for batch in batches(6)),
        epochs=2,
        steps_per_epoch=3,
        callbacks=[look, keras.callbacks.LambdaCallback(on_epoch_end=validate)],
        shuffle=False,
        verbose=0,
    )
    return losses


def everything(weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what steps and epochs come to."""
    return {"steps": steps(weights), "epochs": epochs(weights)}


if __name__ == "__main__":
    with np.load(sys.argv[1]) as weights:
        print(json.dumps(everything(dict(weights))))
