"""Completion: what the shells are told when a word is half typed."""

import os
import subprocess
import sys

import pytest
from click.shell_completion import get_completion_class

from detforge.cli.commands import root
from detforge.cli.completion import VARIABLE
from detforge.testing import add_distribution


def completed(*words):
    """Return what is offered for the last word, each as its kind and value."""
    shell = get_completion_class("bash")(root(), {}, "detforge", VARIABLE)
    items = shell.get_completions(list(words[:-1]), words[-1])
    return [f"{item.type} {item.value}" for item in items]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_asks_detforge_itself(detforge, shell):
    script = detforge("completion", shell)
    assert (script.code, script.err) == (0, "")
    assert f"_DETFORGE_COMPLETE={shell}_complete" in script.out


def test_help_shows_a_line_for_each_shell(detforge):
    shown = detforge("completion", "--help").out
    assert "\n  bash:  detforge completion bash >> ~/.bashrc\n  zsh:  " in shown
    assert "\\b" not in shown


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ss"], ["plain ssd"]),
        (["mask-"], ["plain mask_rcnn"]),
        (["comp"], ["plain completion"]),
        (["--v"], ["plain --version"]),
        (["ssd", "ex"], ["plain export"]),
        (["ssd", "dataset-"], ["plain dataset_convert"]),
        (["tao", "model", "ssd", "ev"], ["plain evaluate"]),
        (["ssd", "train", "--init"], ["plain --initial_epoch"]),
        (["ssd", "train", "-e", "a", "--num"], ["plain --num_processes"]),
        (["ssd", "train", "-e", "sp"], ["file sp"]),
        (["ssd", "prune", "-eq", "u"], ["plain union"]),
        (["ssd", "export", "--data_type", ""], ["plain fp32", "plain fp16", "plain int8"]),
        (["ssd", "engine", "-i", "nh"], ["plain nhwc"]),
        (["ssd", "engine", "mod"], ["file mod"]),
        (["ssd", "spec", "--ex"], ["plain --explain"]),
        (["ssd", "su"], ["plain summary"]),
        (["ssd", "summary", "--va"], ["plain --variables"]),
        (["mask_rcnn", "inference", "--incl"], ["plain --include_mask", "plain --include_masks"]),
        (["ssd", "inference", "--incl"], []),
    ],
    ids=lambda value: " ".join(value),
)
def test_half_typed_word_is_completed(words, offered):
    assert completed(*words) == offered


def test_detectors_are_offered_without_importing_them(tmp_path, monkeypatch):
    points = {"detforge.detectors": {"asleep": "asleep_plugin"}}
    modules = {"asleep_plugin": "raise SystemExit('imported')"}
    add_distribution(tmp_path, "asleep", entry_points=points, modules=modules)
    monkeypatch.syspath_prepend(tmp_path)
    assert completed("asl") == ["plain asleep"]
    assert completed("asleep", "tra") == ["plain train"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [("detforge ssd tra", "plain,train\n"), ("detforge no_such tra", "")],
    ids=["a task", "of no detector"],
)
def test_shell_gets_words_and_never_a_message(words, offered):
    environment = {
        **os.environ,
        VARIABLE: "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": "2",
    }
    command = [sys.executable, "-m", "detforge"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == (offered, "")
