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
pytestmark = pytest.mark.slow


def run(*command: object, **options) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build both distributions, each wheel from its sdist."""
    folder = tmp_path_factory.mktemp("dist")
    for project in (ROOT, ROOT / "plugins" / "ssd"):
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the Python of a new environment with nothing in it."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, folder)
    return folder / "bin" / "python"


def test_core_alone_lists_no_detector_and_with_ssd_it_lists_ssd(dist, environment):
    def install(pattern: str) -> None:
        (wheel,) = dist.glob(pattern)
        run(sys.executable, "-m", "uv", "pip", "install", "--python", environment, wheel)

    def listed() -> list[dict]:
        return json.loads(run(environment, "-m", "detforge", "list", "--json", cwd=dist))

    install("detforge-*.whl")
    assert listed() == []
    install("detforge_ssd-*.whl")
    assert [(found["name"], found["distribution"]) for found in listed()] == [
        ("dssd", "detforge-ssd"),
        ("ssd", "detforge-ssd"),
    ]
    help_text = run(environment, "-m", "detforge", "ssd", "train", "--help", cwd=dist)
    assert "--experiment_spec_file" in help_text


def test_wheel_brings_proto_text_and_licence(dist):
    (wheel,) = dist.glob("detforge-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "detforge/protos/experiment.proto" in names
    assert "detforge/protos/experiment_pb2.py" in names
    assert "detforge/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "plugins", "benchmarks"))]


def test_plugin_wheel_brings_its_example_specs(dist):
    (wheel,) = dist.glob("detforge_ssd-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "detforge_ssd/specs/bccd_resnet18.txt" in names
    assert "detforge_ssd/spec.proto" in names


def test_sdist_of_the_core_holds_no_detector(dist):
    (sdist,) = dist.glob("detforge-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.split("/", 1)[-1] for name in archive.getnames()]
    assert "core/detforge/hookspecs.py" in names
    assert not [name for name in names if name.startswith("plugins")]
