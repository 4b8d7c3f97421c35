import sys
from types import SimpleNamespace

import pytest

from detforge.cli import main
from detforge.testing import add_distribution

FINDER = """
from pathlib import Path

from detforge import hookimpl
from detforge.protos import convert_pb2, experiment_pb2
from detforge.requests import (
    ConvertReport, EvaluateReport, ExportReport, InferReport, PruneReport, TrainReport
)

requests = []
failure = None
changes = []


def _seen(request, report):
    requests.append(request)
    if failure is not None:
        raise failure
    return report


@hookimpl
def spec_schema():
    return experiment_pb2.EvalConfig


@hookimpl
def cli_options(task):
    return changes


@hookimpl
def convert(request):
    counts = {"train": {"kitten": 7, "猫": 12}, "val": {"kitten": 3}}
    return _seen(request, ConvertReport(
        manifest=Path("records/train.manifest.json"),
        images={"train": 80, "val": 20},
        objects=counts,
        class_images={"train": {"kitten": 5, "猫": 9}, "val": {"kitten": 3}},
        dropped={"zero size": 2},
        dropped_file=Path("records/dropped.jsonl"),
        notes={"grey: becomes three equal channels": 5},
        warnings_file=Path("records/train_warnings.json"),
    ))


@hookimpl
def train(request):
    return _seen(request, TrainReport(
        checkpoint=request.results_dir / "last.detforge", epochs=3, metrics={"loss": 0.25}
    ))


@hookimpl
def evaluate(request):
    return _seen(request, EvaluateReport(
        mean_ap=0.875,
        ap={"kitten": 0.75, "dog": None, "猫": 1.0},
        images=20,
        mode="sample",
        matching_iou=0.5,
        without_objects=("dog",),
        counted_from=0.3,
        counts={
            "kitten": {"true_positives": 9, "false_positives": 2, "false_negatives": 1},
            "猫": {"true_positives": 5, "false_positives": 0, "false_negatives": 0},
        },
        confusion=((9, 0, 1), (0, 5, 0), (2, 0, 0)),
        files={"worst_images": Path("results/worst_images.png")},
    ))


@hookimpl
def prune(request):
    return _seen(request, PruneReport(
        checkpoint=request.output,
        parameters_before=1000,
        parameters_after=250,
        channels={"conv1": (64, 16)},
        pruning_ratio=0.25,
        threshold=0.5,
        layer_parameters={"conv1": (640, 160), "conv2": (360, 90)},
        layer_multiply_adds={"conv1": (64000, 16000)},
        multiply_adds_before=64000,
        multiply_adds_after=16000,
        file_bytes_before=3_000_000,
        file_bytes_after=300_000,
        optimizer_bytes=2_000_000,
        seconds=0.25,
        seconds_to_build=2.0,
        check={
            "images": 2,
            "before": 9,
            "after": 8,
            "matched": 7,
            "largest_score_change": 0.125,
            "least_iou": 0.75,
        },
    ))


@hookimpl
def infer(request):
    return _seen(request, InferReport(
        images=4,
        detections=9,
        annotated_dir=request.annotated_dir,
        labels_dir=request.labels_dir,
        unreadable={"notes.txt": "not an image"},
    ))


@hookimpl
def export(request):
    return _seen(request, ExportReport(
        model=Path("model.onnx"),
        target=request.target,
        max_box_difference=0.001,
        max_score_difference=2e-6,
        compared_images=8,
    ))
"""


@pytest.fixture
def detforge(capsys):
    """Return a function that runs one command line in this process."""

    def run(*words):
        code = main([str(word) for word in words])
        output = capsys.readouterr()
        return SimpleNamespace(code=code, out=output.out, err=output.err)

    return run


@pytest.fixture
def finder(tmp_path, monkeypatch):
    """Install a detector that notes its requests; return its module."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    add_distribution(
        tmp_path / "site",
        "detforge-finder",
        summary="Finds kittens.",
        entry_points={"detforge.detectors": {"kitten_finder": "finder_plugin"}},
        modules={"finder_plugin": FINDER},
    )
    for variable in ("DETFORGE_KEY", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        # Set first, so that what a command sets is undone too.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    import finder_plugin

    yield finder_plugin
    del sys.modules["finder_plugin"]


@pytest.fixture
def spec(tmp_path):
    """Return the path of a spec that the finder accepts."""
    path = tmp_path / "spec.txt"
    path.write_text("batch_size: 4\n")
    return path


@pytest.fixture
def model(tmp_path):
    """Return the path of a file that stands for a checkpoint."""
    path = tmp_path / "model.detforge"
    path.write_bytes(b"weights")
    return path
