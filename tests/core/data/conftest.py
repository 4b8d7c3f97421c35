from __future__ import annotations

import pytest

from detforge.data.scenes import draw_scenes


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Twelve drawn images, as KITTI and as COCO; not to be changed."""
    return draw_scenes(tmp_path_factory.mktemp("drawn"), images=12, seed=5, size=(96, 72))


@pytest.fixture(scope="session")
def bccd(data_root):
    return data_root / "bccd"


@pytest.fixture(scope="session")
def fruits(data_root):
    return data_root / "fruits_nuts"


@pytest.fixture(scope="session")
def kitti_sample(data_root):
    return data_root / "kitti_sample" / "training"
