"""Wheels and sdists, installed into environments of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detforge.cli import main
from detforge.files import Checkpoint, save_checkpoint
from detforge.plugins import load_detector
from detforge.spec import parse_spec
from detforge.weights import collect_weights
from tests.ssd.conftest import SPEC

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


def new_environment(folder: Path) -> Path:
    """Return the Python of a new environment with nothing in it."""
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, folder)
    return folder / "bin" / "python"


def install(environment: Path, *wheels: object) -> None:
    run(sys.executable, "-m", "uv", "pip", "install", "--python", environment, *wheels)


def test_core_alone_lists_no_detector_and_with_the_plugins_all_of_them(dist, tmp_path):
    environment = new_environment(tmp_path / "environment")

    def detforge(*words: str) -> str:
        return run(environment, "-m", "detforge", *words, cwd=dist)

    install(environment, *dist.glob("detforge-*.whl"))
    assert json.loads(detforge("list", "--json")) == []
    install(environment, *dist.glob("detforge_*.whl"))
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


# --- an environment without Keras and TensorFlow ------------------------------------------


@pytest.fixture(scope="module")
def without_keras(dist, tmp_path_factory):
    """Return the Python of an environment with the core, ONNX Runtime and SSD."""
    environment = new_environment(tmp_path_factory.mktemp("without_keras"))
    (core,), (ssd,) = dist.glob("detforge-*.whl"), dist.glob("detforge_ssd-*.whl")
    install(environment, f"{core}[onnx]", ssd)
    return environment


@pytest.fixture(scope="module")
def models(scenes, tmp_path_factory):
    """Return a folder with spec.txt and a random SSD: model.detforge, .onnx, .etlt (``a key``)."""
    import keras

    folder = tmp_path_factory.mktemp("models")
    text = SPEC.format(data=scenes, batch=5, epochs=1, rate=1e-2, interval=1)
    (folder / "spec.txt").write_text(text)
    detector = load_detector("ssd")
    spec = parse_spec(text, detector.spec_schema())
    keras.utils.set_random_seed(6)
    model = detector.build_model(spec, "infer", detector.recipe(spec))
    # Random layers in a row make huge numbers; without this every score would be 0 or 1.
    for layer in model.parts["detector"].layers:
        if layer.name.startswith(("ssd_conf", "ssd_loc")):
            layer.set_weights([1e-3 * weight for weight in layer.get_weights()])
    checkpoint = Checkpoint(
        detector="ssd",
        plugin_version=detector.version,
        class_names=("circle", "square", "triangle"),
        spec_text=text,
        epoch=1,
        step=1,
        weights=collect_weights(model),
    )
    save_checkpoint(folder / "model.detforge", checkpoint)
    words = ["ssd", "export", "-e", f"{folder}/spec.txt", "-m", f"{folder}/model.detforge", "-o"]
    assert main([*words, f"{folder}/model.onnx"]) == 0
    assert main([*words, f"{folder}/model.etlt", "-k", "a key"]) == 0
    return folder


def test_environment_of_onnx_runtime_alone_has_no_keras_and_no_tensorflow(without_keras):
    program = "from importlib.util import find_spec; print([m for m in {} if find_spec(m)])"
    heavy = ["keras", "tensorflow", "jax", "torch", "onnx", "tf2onnx", "matplotlib"]
    assert run(without_keras, "-c", program.format(heavy)).strip() == "[]"


def test_exported_model_finds_the_same_without_keras(without_keras, models, scenes, tmp_path):
    words = ["ssd", "inference", "-e", models / "spec.txt", "-i", scenes / "images", "-t", 0.05]
    here, there = tmp_path / "here", tmp_path / "there"
    assert main([*map(str, words), "-m", f"{models}/model.detforge", "-r", str(here)]) == 0
    encrypted = ("-m", models / "model.etlt", "-k", "a key", "-r", there)
    run(without_keras, "-m", "detforge", *words, *encrypted, cwd=tmp_path)
    labels = sorted((there / "labels").iterdir())
    assert len(labels) == len(list((there / "images_annotated").iterdir())) == 12
    objects = 0
    for path in labels:
        found, wanted = (_rows(file) for file in (path, here / "labels" / path.name))
        objects += len(found)
        np.testing.assert_allclose(found, wanted, atol=0.05)
    assert objects > 100


def _rows(labels: Path) -> np.ndarray:
    """Return the numbers of a label file, in an order that no rounding decides."""
    rows = [line.split()[1:] for line in labels.read_text().splitlines()]
    numbers = np.array(rows, float).reshape(-1, 15)
    return numbers[np.lexsort(np.round(numbers[:, 3:7]).T)]


def test_exported_model_scores_the_same_without_keras(without_keras, models, tmp_path):
    words = ["ssd", "evaluate", "-e", models / "spec.txt"]
    assert main([*map(str, words), "-m", f"{models}/model.detforge", "-r", f"{tmp_path}/a"]) == 0
    onnx = ("-m", models / "model.onnx", "-r", tmp_path / "b")
    run(without_keras, "-m", "detforge", *words, *onnx, cwd=tmp_path)
    wanted, found = (
        json.loads((tmp_path / name / "evaluate.json").read_text()) for name in ("a", "b")
    )
    assert (found["model_kind"], found["images"]) == ("onnx", wanted["images"])
    assert found["ap"] == pytest.approx(wanted["ap"], abs=1e-3)


@pytest.mark.parametrize(
    "words",
    [
        ("inference", "-m", "model.detforge", "-i", "IMAGES", "-o", "drawn"),
        ("evaluate", "-m", "model.detforge"),
        ("export", "-m", "model.detforge", "-o", "again.onnx"),
        ("train", "-r", "results"),
    ],
    ids=lambda words: words[0],
)
def test_task_that_needs_keras_says_how_to_install_it(without_keras, models, scenes, words):
    words = [str(scenes / "images") if word == "IMAGES" else word for word in words]
    command = [without_keras, "-m", "detforge", "ssd", *words, "-e", "spec.txt"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=models)
    assert done.returncode == 2, done.stderr
    assert "which is not installed; install it with 'pip install detforge[train]'" in done.stderr
    assert "Traceback" not in done.stderr
