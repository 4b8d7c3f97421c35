"""Print the first ten losses of a small SSD, from given weights and batches, on one backend.

Run as a script by `test_backends.py`, once per ``KERAS_BACKEND``.
"""

from __future__ import annotations

import json
import sys

import numpy as np


def main(folder: str) -> None:
    import keras

    from detforge.graph.regularize import apply_regularizer
    from detforge.recipe import Regularizer
    from detforge.spec import parse_spec
    from detforge.training.schedules import RunLength
    from detforge.training.trainer import Trainer, compile_trainer
    from detforge.weights import restore_weights
    from detforge_ssd import plugin, spec_pb2
    from tests.ssd.test_model import SAMPLE

    text = SAMPLE.replace("DEPTH", "10").replace("WIDTH", "128").replace("HEIGHT", "128")
    # A gentle rate: a step that overshoots turns the last digit into a different run.
    text = text.replace("2e-2", "2e-4")
    spec = parse_spec(text, spec_pb2.Experiment)
    recipe = plugin.recipe(spec.message)
    model = plugin.build_model(spec.message, recipe)
    apply_regularizer(model, Regularizer(kind="l2", weight=1e-4))
    with np.load(f"{folder}/weights.npz") as weights:
        restore_weights(model, dict(weights))
    with np.load(f"{folder}/batches.npz") as stacked:
        batches = [{name: stacked[name][i] for name in stacked.files} for i in range(10)]
    trainer = Trainer(model)
    compile_trainer(trainer, recipe, RunLength(10, 10), batches[0])
    losses = [trainer.train_on_batch(batch, return_dict=True) for batch in batches]
    steps = [float(loss["loss"]) for loss in losses]
    print(json.dumps({"backend": keras.backend.backend(), "losses": steps}))


if __name__ == "__main__":
    main(sys.argv[1])
