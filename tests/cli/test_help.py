"""Help: what it shows, and that showing it loads nothing heavy."""

import json
import re
import subprocess
import sys

import pytest

from detforge.cli.words import TASK_WORDS
from detforge.testing import add_distribution

HEAVY = {
    "absl",
    "albumentations",
    "cryptography",
    "cv2",
    "jax",
    "keras",
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


def test_version_is_the_version_of_the_package(detforge):
    from detforge import __version__

    assert detforge("--version").out == f"detforge, version {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help", "\u2014help", "\u2013h"])
@pytest.mark.parametrize("words", [[], ["kitten-finder"], ["kitten-finder", "train"]], ids=len)
def test_both_help_flags_work_at_every_level(detforge, finder, words, flag):
    shown = detforge(*words, flag)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Usage: detforge")


def test_help_of_a_detector_lists_the_six_tasks(detforge, finder):
    shown = detforge("kitten_finder", "--help")
    assert all(f"  {task} " in shown.out for task in TASK_WORDS)
    assert "Finds kittens." in shown.out


def test_help_of_a_task_shows_spellings_defaults_and_what_comes_later(detforge, finder):
    shown = detforge("kitten_finder", "train", "--help").out
    assert "-r, --results_dir, -d, --model_dir FOLDER" in shown
    assert "(default 1)" in " ".join(shown.split())
    assert "--use_amp" in shown.split("Refused until a later release")[1]


def test_help_shows_options_a_plugin_added(detforge, finder):
    from detforge.cli.options import Option, OptionChange

    option = Option(name="purr", spellings=("--purr",), help="Loudness", type=float, default=0.5)
    finder.changes.append(OptionChange.add(option))
    shown = " ".join(detforge("kitten_finder", "inference", "-h").out.split())
    assert "--purr NUMBER Loudness (default 0.5)." in shown
