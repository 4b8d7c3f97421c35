"""The numeric code does not depend on a backend: the same losses on TensorFlow and JAX."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detforge.weights import collect_weights
from tests.ssd.test_model import build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Save random weights and ten batches of objects on coloured ground."""
    path = tmp_path_factory.mktemp("backends")
    np.savez(path / "weights.npz", **collect_weights(build(10, 128, 128)))
    rng = np.random.default_rng(4)
    low = rng.uniform(0, 80, (10, 4, 8, 2))
    boxes = np.concatenate([low, low + rng.uniform(8, 48, low.shape)], -1)
    labels = rng.integers(-1, 2, (10, 4, 8))
    np.savez(
        path / "batches.npz",
        images=rng.normal(0, 60, (10, 4, 128, 128, 3)).astype("float32"),
        boxes=np.where(labels[..., None] >= 0, boxes, 0).astype("float32"),
        labels=labels.astype("int32"),
        ignore=rng.random((10, 4, 8)) < 0.1,
        row=np.tile(np.arange(4, dtype="int32"), (10, 1)),
    )
    return path


def ten_losses(folder: Path, backend: str) -> list[float]:
    script = Path(__file__).with_name("ten_losses.py")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script, folder], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["backend"] == backend
    return report["losses"]


def test_first_ten_losses_on_jax_are_those_on_tensorflow(folder):
    tensorflow = ten_losses(folder, "tensorflow")
    jax = ten_losses(folder, "jax")
    assert len(tensorflow) == 10
    assert len({round(loss, 3) for loss in tensorflow}) == 10  # it does train
    np.testing.assert_allclose(jax, tensorflow, rtol=0, atol=1e-3)
