"""The numeric code does not depend on a backend: the same losses on TensorFlow and JAX."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from detforge.weights import collect_weights
from tests.faster_rcnn.small import build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def five_losses(weights: Path, backend: str) -> list[dict[str, float]]:
    script = Path(__file__).with_name("five_losses.py")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script, weights], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["backend"] == backend
    return report["losses"]


def test_losses_compiled_by_jax_are_those_compiled_by_tensorflow(tmp_path):
    keras.utils.set_random_seed(1)
    weights = tmp_path / "weights.npz"
    np.savez(weights, **collect_weights(build()))
    tensorflow, jax = (five_losses(weights, backend) for backend in ("tensorflow", "jax"))
    assert len(tensorflow) == 5
    assert all(loss > 0 for losses in tensorflow for loss in losses.values())
    for ours, theirs in zip(tensorflow, jax, strict=True):
        assert theirs == pytest.approx(ours, rel=1e-3, abs=1e-4)
