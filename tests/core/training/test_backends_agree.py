"""Optimisers, averages and half precision do on JAX what they do on TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.core.training.small_model import make_trainer
from tests.core.training.steps_on_backend import CASES, everything

from detforge.weights import collect_weights

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return what the steps come to here and on JAX."""
    file = tmp_path_factory.mktemp("backends") / "weights.npz"
    weights = collect_weights(make_trainer()[0])
    np.savez(file, **weights)
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.training.steps_on_backend", file],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return everything(weights), json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_steps_on_jax_are_those_on_tensorflow(both, case):
    here, there = (found["steps"][case] for found in both)
    tolerance = 0.02 if "float16" in case else 1e-4
    np.testing.assert_allclose(there["losses"], here["losses"], rtol=tolerance)
    np.testing.assert_allclose(there["shown"], here["shown"], rtol=tolerance, atol=tolerance)
    assert len(set(here["losses"])) == 4


def test_epochs_on_jax_are_those_on_tensorflow(both):
    here, there = (found["epochs"] for found in both)
    assert here[1] < here[0]
    np.testing.assert_allclose(there, here, rtol=1e-4)
