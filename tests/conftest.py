"""What many tests need: drawn scenes, a small SSD spec, and real data where it is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# No clock decides a test. The gate draws the same examples every time, everybody else new ones.
settings.register_profile("detforge", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("detforge")

_golden_passed: list[str] = []


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed and "tests/golden/" in report.nodeid:
        _golden_passed.append(report.nodeid)


def pytest_sessionfinish(session):
    """Fail a run that must compare with golden numbers and did not."""
    if os.environ.get("DETFORGE_REQUIRE_GOLDEN") and not _golden_passed:
        session.exitstatus = 1
        print("\nno golden case ran, and DETFORGE_REQUIRE_GOLDEN is set")


@pytest.fixture(scope="session", autouse=True)
def _no_network():
    """Fail whatever connects to another machine, or is encrypted by a key from outside."""
    connect = socket.socket.connect

    def local_only(self, address):
        is_local = self.family == socket.AF_UNIX or str(address[0]) in ("127.0.0.1", "::1")
        assert is_local, f"a test connects to {address}"
        return connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", local_only)
    patch.delenv("DETFORGE_KEY", raising=False)
    yield
    patch.undo()


def _outside(variable: str, name: str, what: str) -> Path:
    """Return a folder of files that are no part of the repository."""
    root = Path(os.environ.get(variable, ROOT.parent / "shared" / name))
    if not root.is_dir():
        reason = f"{root} is absent; set {variable} to the folder of {what}"
        assert not os.environ.get("DETFORGE_REQUIRE_GOLDEN"), reason
        pytest.skip(reason)
    return root


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the folder of small real data sets (``DETFORGE_DATA``)."""
    return _outside("DETFORGE_DATA", "data", "real data sets")


@pytest.fixture(scope="session")
def sample_specs() -> Path:
    """Return the folder of the users' sample specs (``DETFORGE_SPECS``)."""
    return _outside("DETFORGE_SPECS", "specs", "sample specs")


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 12 drawn scenes: images/, labels/, instances.json."""
    from detforge.data.scenes import draw_scenes

    folder = tmp_path_factory.mktemp("scenes")
    draw_scenes(folder, images=12, seed=3, size=(160, 160))
    return folder
