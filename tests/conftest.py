"""What many tests need: drawn scenes, a small SSD spec, and real data where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the folder of small real data sets (``DETFORGE_DATA``)."""
    root = Path(os.environ.get("DETFORGE_DATA", ROOT.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"{root} is absent; set DETFORGE_DATA to the folder of real data sets")
    return root


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 12 drawn scenes: images/, labels/, instances.json."""
    from detforge.data.scenes import draw_scenes

    folder = tmp_path_factory.mktemp("scenes")
    draw_scenes(folder, images=12, seed=3, size=(160, 160))
    return folder
