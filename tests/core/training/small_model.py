"""A detector of one convolution and one normalisation, to be trained in no time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops
from tests.tiny_detector import make_recipe

from detforge.backbones.layers import batch_norm, conv
from detforge.model import DetectionModel
from detforge.recipe import Sgd, Steps
from detforge.training.averaging import WeightAverage
from detforge.training.precision import (
    SINGLE,
    computing_in,
    return_single_precision,
)
from detforge.training.schedules import RunLength
from detforge.training.trainer import Trainer, compile_trainer

RECIPE = replace(
    make_recipe(),
    optimizer=Sgd(momentum=0.5),
    schedule=Steps(learning_rate=0.1, gamma=1.0, interval=1.0),
)


class SmallModel(DetectionModel):
    """Draws the mean of all channels."""

    def __init__(self, dropout: float = 0.0) -> None:
        images = keras.Input((8, 8, 3), name="images")
        drawn = keras.layers.ReLU(name="relu")(batch_norm(conv(images, 4, 3, "conv"), "bn"))
        if dropout:
            drawn = keras.layers.Dropout(dropout, name="dropout")(drawn)
        self.parts = {"network": keras.Model(images, drawn, name="network")}
        self.dtypes: set[str] = set()

    def losses(self, batch: Any, *, training: bool) -> dict[str, Any]:
        drawn = self.parts["network"](batch["images"], training=training)
        self.dtypes.add(keras.backend.standardize_dtype(drawn.dtype))
        wanted = ops.mean(batch["images"], axis=-1, keepdims=True)
        return {"drawing": ops.mean(ops.square(drawn - wanted))}

    def detect(self, images: Any) -> Any:
        raise NotImplementedError


def make_trainer(
    decay: float = 0.0, policy: str = SINGLE, seed: int = 0, dropout: float = 0.0, **changes: Any
):
    """Return a model and its compiled trainer; always the same."""
    keras.utils.set_random_seed(seed)
    with computing_in(policy):
        model = SmallModel(dropout)
    if policy != SINGLE:
        return_single_precision(model)
    trainer = Trainer(model, WeightAverage(model, decay) if decay else None)
    recipe = replace(RECIPE, **changes)
    compile_trainer(trainer, recipe, RunLength(100, 10), batches(1)[0], policy)
    trainer.optimizer.build(trainer.trainable_variables)
    return model, trainer


def batches(count: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Return batches of noise."""
    rng = np.random.default_rng(seed)
    return [{"images": rng.normal(1, 2, (4, 8, 8, 3)).astype("float32")} for _ in range(count)]
