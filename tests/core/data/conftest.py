from __future__ import annotations

import os
from pathlib import Path

import pytest

from detforge.data.scenes import draw_scenes

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """Twelve drawn images, read-only."""
    return draw_scenes(tmp_path_factory.mktemp("scenes"), images=12, seed=5, size=(96, 72))


def _real_data(name: str) -> Path:
    folder = Path(os.environ.get("DETFORGE_DATA", _ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; DETFORGE_DATA names its folder")
    return folder


@pytest.fixture(scope="session")
def bccd():
    return _real_data("bccd")


@pytest.fixture(scope="session")
def fruits():
    return _real_data("fruits_nuts")


@pytest.fixture(scope="session")
def kitti_sample():
    return _real_data("kitti_sample") / "training"
