"""Help: what it shows, and that showing it loads nothing heavy."""

import json
import platform
import re
import subprocess
import sys

import pytest

from detforge.cli.words import TASK_WORDS
from detforge.roadmap import arrival
from detforge.testing import add_distribution

DETECTORS = ("ssd", "dssd", "faster_rcnn", "efficientdet", "mask_rcnn")
HEAVY = {
    "absl",
    "albumentations",
    "cryptography",
    "cv2",
    "jax",
    "keras",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "packaging",
    "rich",
    "safetensors",
    "tensorflow",
}
PROGRAM = """
import json, sys
from detforge.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        [],
        ["--version"],
        ["list"],
        ["ssd", "--help"],
        *(["ssd", task, "--help"] for task in TASK_WORDS),
        *([detector, "train", "--help"] for detector in DETECTORS[1:]),
        ["ssd", "summary", "--help"],
        ["completion", "bash"],
        ["data", "--help"],
        ["data", "stats", "--help"],
        ["data", "preview", "--help"],
        ["data", "scenes", "--help"],
        ["dev", "protos", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(words):
    command = [sys.executable, "-c", PROGRAM, *words]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    code, modules = json.loads(result.stderr)
    assert code == 0
    assert result.stdout
    assert set(modules) & HEAVY == set()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["list"], ["ssd", "--help"]])
def test_list_of_detectors_needs_neither_plugins_nor_specs(words):
    command = [sys.executable, "-c", PROGRAM, *words]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    _, modules = json.loads(result.stderr)
    assert set(modules) & {"pluggy", "google.protobuf", "detforge.recipe", "detforge_ssd"} == set()


def test_help_lists_detectors_by_their_summary_and_imports_none(detforge, tmp_path, monkeypatch):
    points = {"detforge.detectors": {"asleep": "asleep_plugin"}}
    modules = {"asleep_plugin": "raise SystemExit('imported')"}
    add_distribution(tmp_path, "asleep", summary="Sleeps.", entry_points=points, modules=modules)
    monkeypatch.syspath_prepend(tmp_path)
    shown = detforge("--help")
    assert shown.code == 0
    assert re.search("asleep +Sleeps", shown.out)
    assert detforge("asleep", "--help").code == 0


def test_broken_detector_is_shown_as_broken(detforge, finder, tmp_path):
    points = {"detforge.detectors": {"old": "old_plugin"}}
    add_distribution(tmp_path / "site", "old", entry_points=points, requires=["detforge<0.1"])
    shown = detforge("--help")
    assert "broken: old 1.0 needs" in shown.out
    assert "Finds kittens." in shown.out


def test_versions_are_those_of_detforge_python_and_the_detectors(detforge, finder):
    from detforge import __version__

    shown = detforge("--version").out.splitlines()
    assert shown[0] == f"detforge {__version__} (Python {platform.python_version()})"
    assert "detforge-finder 1.0 (kitten_finder)" in shown
    assert any(re.fullmatch(r"detforge-ssd \S+ \(dssd, ssd\)", line) for line in shown)


@pytest.mark.parametrize("flag", ["-h", "--help", "\u2014help", "\u2013h"])
@pytest.mark.parametrize("words", [[], ["kitten-finder"], ["kitten-finder", "train"]], ids=len)
def test_both_help_flags_work_at_every_level(detforge, finder, words, flag):
    shown = detforge(*words, flag)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Usage: detforge")


def test_help_names_a_detector_once_with_its_other_names(detforge):
    shown = detforge("--help").out
    assert "  efficientdet (also efficientdet_tf1)\n" in shown
    assert len(re.findall("^  efficientdet", shown, re.MULTILINE)) == 1


def test_help_of_a_detector_lists_the_tasks(detforge, finder):
    shown = detforge("kitten_finder", "--help")
    assert all(f"  {task} " in shown.out for task in TASK_WORDS)
    assert "Finds kittens." in shown.out


def test_help_of_a_task_shows_spellings_defaults_and_what_comes_later(detforge, finder):
    shown = detforge("kitten_finder", "train", "--help").out
    assert "-r, --results_dir, -d, --model_dir FOLDER" in shown
    assert "(default 1)" in " ".join(shown.split())
    assert "--gpus" in shown.split(arrival("multi_gpu")[1:])[1]
    titles = re.findall(r"^(\w.*):$", shown, re.MULTILINE)
    assert titles[:5] == ["Example", "Required", "What it reads", "What it writes", "Options"]


@pytest.mark.parametrize("task", TASK_WORDS)
def test_example_of_the_help_runs_as_it_is(detforge, tmp_path, monkeypatch, task):
    monkeypatch.chdir(tmp_path)
    for name in ("spec.txt", "convert.txt", "instances.json", "model.detforge", "model.onnx"):
        (tmp_path / name).write_text("")
    (tmp_path / "images").mkdir()
    seen = []
    monkeypatch.setattr("detforge.cli.run.run_task", lambda *arguments: seen.append(arguments))
    for detector in DETECTORS:
        shown = detforge(detector, task, "--help").out
        example = shown.split("\nExample:\n  detforge ")[1].partition("\n")[0]
        assert example.startswith(f"{detector} {task} ")
        assert (detforge(*example.split()).err, len(seen)) == ("", 1)
        *_, options, values, waiting = seen.pop()
        assert waiting == {}
        assert not any(option.required and values[option.name] is None for option in options)


@pytest.mark.parametrize("task", TASK_WORDS)
def test_help_fits_a_hundred_columns(detforge, monkeypatch, task):
    monkeypatch.setenv("COLUMNS", "200")
    for detector in DETECTORS:
        lines = detforge(detector, task, "--help").out.splitlines()
        assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("words", "feature"),
    [
        (("faster_rcnn", "train"), "faster_rcnn"),
        (("efficientdet", "dataset_convert"), ""),
        (("faster_rcnn", "prune"), "faster_rcnn"),
        (("ssd", "prune"), ""),
        (("ssd", "engine"), "tensorrt"),
        (("mask_rcnn", "calibration_tensorfile"), "quantization"),
        (("faster_rcnn", "dataset_convert"), ""),
        (("ssd", "train"), ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value or "today",
)
def test_help_of_a_task_that_comes_later_says_when(detforge, words, feature):
    before_options = detforge(*words, "-h").out.partition("Example:")[0]
    coming = f"C{arrival(feature)[1:]}. Until then" if feature else ""
    assert coming in " ".join(before_options.split())
    assert ("Comes with" in before_options) is bool(feature)


def test_help_shows_options_a_plugin_added(detforge, finder):
    from detforge.cli.options import Option, OptionChange

    option = Option(name="purr", spellings=("--purr",), help="Loudness", type=float, default=0.5)
    finder.changes.append(OptionChange.add(option))
    shown = " ".join(detforge("kitten_finder", "inference", "-h").out.split())
    assert "--purr NUMBER Loudness (default 0.5)." in shown
