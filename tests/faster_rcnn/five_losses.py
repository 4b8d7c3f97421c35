"""Print the losses of five batches, compiled, from given weights, on one backend.

Run as a script by `test_backends.py`, once per ``KERAS_BACKEND``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np


def main(weights_file: str) -> None:
    import keras

    from detforge.weights import restore_weights
    from tests.faster_rcnn.small import batch, build

    model = build()
    with np.load(weights_file) as weights:
        restore_weights(model, dict(weights))
    step = compiled(lambda arrays: model.losses(arrays, training=False))
    found = [step(batch(images=3, objects=6, seed=seed)) for seed in range(5)]
    losses = [{name: float(loss) for name, loss in each.items()} for each in found]
    print(json.dumps({"backend": keras.backend.backend(), "losses": losses}))


def compiled(function: Any) -> Any:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow

    return tensorflow.function(function, jit_compile=True)


if __name__ == "__main__":
    main(sys.argv[1])
