from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.core.graph.pruned_on_backend import pruned_outputs

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_pruned_model_is_the_same_on_jax(tmp_path):
    file = tmp_path / "outputs.npz"
    command = [sys.executable, "-m", "tests.core.graph.pruned_on_backend", file]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    with np.load(file) as found:
        for here, there in zip(pruned_outputs(), found.values(), strict=True):
            np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)
