"""Wheels and sdists, installed into environments of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
DETECTORS = {
    "dssd": "detforge-ssd",
    "efficientdet": "detforge-efficientdet",
    "faster_rcnn": "detforge-faster-rcnn",
    "mask_rcnn": "detforge-mask-rcnn",
    "ssd": "detforge-ssd",
}
pytestmark = pytest.mark.slow


def run(*command: object, **options) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build the core and each plugin, the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    for project in (ROOT, *PLUGINS):
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the Python of a new environment with nothing in it."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, folder)
    return folder / "bin" / "python"


def test_core_alone_lists_no_detector_and_with_the_plugins_all_of_them(dist, environment):
    def install(*wheels: Path) -> None:
        run(sys.executable, "-m", "uv", "pip", "install", "--python", environment, *wheels)

    def detforge(*words: str) -> str:
        return run(environment, "-m", "detforge", *words, cwd=dist)

    install(*dist.glob("detforge-*.whl"))
    assert json.loads(detforge("list", "--json")) == []
    install(*dist.glob("detforge_*.whl"))
    listed = json.loads(detforge("list", "--check", "--json"))
    assert {found["name"]: found["distribution"] for found in listed} == DETECTORS
    for name in DETECTORS:
        assert "--experiment_spec_file" in detforge(name, "train", "--help")
        assert f"Experiment spec of {name}" in detforge(name, "spec")


def test_wheel_brings_proto_text_and_licence(dist):
    (wheel,) = dist.glob("detforge-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "detforge/protos/experiment.proto" in names
    assert "detforge/protos/experiment_pb2.py" in names
    assert "detforge/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "plugins", "benchmarks"))]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugin_wheel_brings_its_schema_and_all_example_specs(dist, plugin):
    package = f"detforge_{plugin.name}"
    (wheel,) = dist.glob(f"{package}-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    specs = [f"{package}/specs/{path.name}" for path in (plugin / package / "specs").glob("*.txt")]
    assert specs
    assert {f"{package}/spec.proto", *specs} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {package}


def test_sdist_of_the_core_holds_no_detector(dist):
    (sdist,) = dist.glob("detforge-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.split("/", 1)[-1] for name in archive.getnames()]
    assert "core/detforge/hookspecs.py" in names
    assert not [name for name in names if name.startswith("plugins")]
