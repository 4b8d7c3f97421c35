"""A detector unlike SSD gets all its tasks from the core: anchor-free, masks, two graphs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tests" / "distributions" / "detforge_blobs"

CONVERT = """
coco_config {{
  root_directory_path: "{data}"
  image_dir_names: ["images"]
  annotation_files: ["instances.json"]
  num_partitions: 1
  num_shards: 1
}}
"""

SPEC = """
random_seed: 3
training_config {
  batch_size_per_gpu: 4
  num_epochs: 40
  checkpoint_interval: 40
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 1e-4 max_learning_rate: 1e-2 soft_start: 0.1 annealing: 0.6 } }
}
eval_config { average_precision_mode: INTEGRATE validation_period_during_training: 40 }
augmentation_config {
  output_width: 96 output_height: 96
  brightness: 0 contrast: 0 saturation: 0 hue: 0 random_flip: 0
  zoom_out_max_scale: 1 random_crop_min_scale: 1
}
dataset_config {
  SOURCES
  validation_data_sources { tfrecords_path: "records/scenes*" }
  target_class_mapping { key: "circle" value: "circle" }
  target_class_mapping { key: "square" value: "square" }
  target_class_mapping { key: "triangle" value: "triangle" }
}
"""
# The same images eight times over: 8 steps an epoch.
SPEC = SPEC.replace("SOURCES", 8 * 'data_sources { tfrecords_path: "records/scenes*" } ')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Install the distribution into a folder of its own, as pip would."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(folder), str(PACKAGE)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def blobs(site, tmp_path_factory):
    """Return a function that runs `detforge blobs ...` in a work folder."""
    work = tmp_path_factory.mktemp("blobs")
    from detforge.data.scenes import draw_scenes

    draw_scenes(work / "scenes", images=4, seed=7, size=(120, 120))
    (work / "convert.txt").write_text(CONVERT.format(data=work / "scenes"))
    (work / "spec.txt").write_text(SPEC)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "detforge", "blobs", *arguments],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    call.work = work
    return call


@pytest.fixture(scope="module")
def trained(blobs):
    blobs("dataset_convert", "-d", "convert.txt", "-o", "records/scenes")
    blobs("train", "-e", "spec.txt", "-r", "results")
    (checkpoint,) = (blobs.work / "results" / "weights").iterdir()
    blobs("export", "-e", "spec.txt", "-m", str(checkpoint), "-o", "model.onnx")
    return checkpoint


def test_it_is_small():
    """The contract keeps its promise of about 150 lines (schema and generated code apart)."""
    package = PACKAGE / "detforge_blobs"
    lines = [
        line
        for name in ("plugin.py", "model.py", "export.py")
        for line in (package / name).read_text().splitlines()
        if line.strip()
    ]
    assert len(lines) < 210


def test_all_tasks_come_from_the_core():
    text = (PACKAGE / "detforge_blobs" / "plugin.py").read_text()
    for task in ("convert", "train", "evaluate", "prune", "infer", "export"):
        assert f"def {task}(" not in text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["checkpoint", "onnx"])
def test_four_scenes_are_learnt_by_heart(blobs, trained, kind):
    model = str(trained) if kind == "checkpoint" else "model.onnx"
    blobs("evaluate", "-e", "spec.txt", "-m", model, "-r", kind)
    report = json.loads((blobs.work / kind / "evaluate.json").read_text())
    assert report["mean_ap"] >= 0.9


def tinted_inside(work: Path, path: Path) -> int:
    """Count objects whose middle, far from outline and name tag, has changed its colour."""
    before = cv2.imread(str(work / "scenes/images" / path.name)).astype(int)
    after = cv2.imread(str(path)).astype(int)
    boxes = [
        [float(word) for word in line.split()[4:8]]
        for line in (work / "labels" / f"{path.stem}.txt").read_text().splitlines()
    ]
    middles = [(int((x1 + x2) / 2), int(y1 + 0.7 * (y2 - y1))) for x1, y1, x2, y2 in boxes]
    return sum(np.abs(before[y, x] - after[y, x]).max() > 25 for x, y in middles)


@pytest.mark.slow
def test_inference_draws_masks(blobs, trained):
    blobs("inference", "-e", "spec.txt", "-m", "model.onnx", "-i", "scenes/images",
          "-o", "annotated", "-l", "labels", "-t", "0.3", "--include_mask")  # fmt: skip
    drawn = sorted((blobs.work / "annotated").iterdir())
    assert len(drawn) == 4
    assert sum(tinted_inside(blobs.work, path) for path in drawn) >= 4
    assert sum(len(p.read_text().splitlines()) for p in (blobs.work / "labels").iterdir()) >= 4


def test_summary_counts_the_masks_of_all_peaks(blobs):
    network = json.loads(blobs("summary", "-e", "spec.txt", "--json", "--variables"))
    layers = {row["layer"]: row for row in network["layers"]}
    assert layers["conv_0"]["output_shapes"][0][1:3] == [48, 48]
    peaks, features = layers["features"]["output_shapes"][0][1:]
    assert layers["mask_0"]["multiply_adds"] == peaks * features * 64
    assert network["levels"] == []
    assert "masks/mask_1/kernel" in [row["name"] for row in network["variables"]]


@pytest.mark.slow
def test_it_is_pruned_through_both_graphs(blobs, trained):
    words = ("-m", str(trained), "-o", "pruned.detforge", "-pth", "0.7", "-pg", "4", "-nf", "4")
    blobs("prune", *words, "-r", "pruned", "--check_images", "scenes/images")
    report = json.loads((blobs.work / "pruned/prune.json").read_text())
    assert report["pruning_ratio"] < 0.9
    assert report["check"]["images"] == 4
    (_, features), (_, hidden) = (report["channels"][name] for name in ("conv_3", "mask_0"))
    before, after = report["layer_parameters"]["mask_0"]
    assert after == features * hidden + hidden < before
    exported = blobs("export", "-e", "spec.txt", "-m", "pruned.detforge", "-o", "pruned.onnx")
    assert "Compared with the checkpoint on 4 validation images" in exported


@pytest.mark.slow
def test_it_keeps_the_contract(site, blobs):
    code = "from detforge.testing import check_detector; check_detector('blobs', spec='spec.txt')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=blobs.work, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_train_and_infer_graphs_share_their_weights(site):
    code = """
import numpy as np
from detforge.plugins import load_detector
from detforge.spec import parse_spec
from detforge.weights import collect_weights, restore_weights
import sys
detector = load_detector("blobs")
spec = parse_spec(sys.stdin.read(), detector.spec_schema())
train, infer = (detector.build_model(spec, mode) for mode in ("train", "infer"))
assert (train.peaks, infer.peaks) == (0, 20)
restore_weights(infer, collect_weights(train))
print("same weights")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=SPEC, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "same weights" in done.stdout, done.stderr
