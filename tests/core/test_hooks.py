"""The documentation of the hooks, and the two ways of extending a task."""

import inspect
import json
import re
import sys
from pathlib import Path

import pytest

from detforge import hookspecs
from detforge.plugins import TASKS, load_detector
from detforge.requests import TrainReport, TrainRequest
from detforge.testing import add_distribution

ROOT = Path(__file__).parents[2]
HEADINGS = re.findall(r"^### `(.*)`$", (ROOT / "docs/hooks.md").read_text(), re.MULTILINE)
HOOKS = {
    name: hook
    for name, hook in vars(hookspecs).items()
    if inspect.isfunction(hook) and hasattr(hook, "detforge_spec")
}

DETECTOR = """
from detforge import hookimpl
from detforge.requests import TrainReport

@hookimpl
def train(request):
    checkpoint = request.results_dir / "model.detforge"
    return TrainReport(checkpoint=checkpoint, epochs=12, metrics={"loss": 0.5})
"""


@pytest.mark.parametrize("name", HOOKS)
def test_hook_has_a_heading_with_its_signature(name):
    signature = str(inspect.signature(HOOKS[name])).replace("'", "")
    assert f"{name}{signature}" in HEADINGS


def test_docs_describe_no_hook_that_is_gone():
    assert [heading.partition("(")[0] for heading in HEADINGS] == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_hook_has_an_example(name):
    text = (ROOT / "docs/hooks.md").read_text()
    section = text.split(f"### `{name}(")[1].split("\n## ")[0].split("\n### ")[0]
    assert f"def {name}(" in section


@pytest.mark.parametrize("name", HOOKS)
def test_hook_says_what_it_returns_or_does(name):
    assert inspect.getdoc(HOOKS[name]).splitlines()[0].endswith(".")


@pytest.mark.parametrize("task", TASKS)
def test_task_hook_takes_one_request_and_gives_one_report(task):
    signature = inspect.signature(HOOKS[task])
    assert list(signature.parameters) == ["request"]
    assert HOOKS[task].detforge_spec["firstresult"]


def test_docs_use_only_option_names_that_exist():
    text = (ROOT / "docs/hooks.md").read_text()
    from detforge.cli.option_table import task_options

    known = {option.name for option in task_options("train")}
    named = set(re.findall(r'OptionChange\.(?:rename|require|drop)\("(\w+)"', text))
    assert named
    assert named <= known


def test_tracing_extension_wraps_training(tmp_path, monkeypatch):
    points = {"detforge.detectors": {"finder": "finder_plugin"}}
    add_distribution(tmp_path, "finder", entry_points=points, modules={"finder_plugin": DETECTOR})
    points = {"detforge.extensions": {"tracing": "detforge_tracing"}}
    add_distribution(tmp_path, "detforge-tracing", entry_points=points)
    monkeypatch.syspath_prepend(ROOT / "tests/distributions/detforge_tracing")
    monkeypatch.syspath_prepend(tmp_path)
    detector = load_detector("finder")
    request = TrainRequest(detector=detector, spec=None, results_dir=tmp_path / "results")
    report = detector.hook.train(request=request)
    for module in ("finder_plugin", "detforge_tracing"):
        monkeypatch.delitem(sys.modules, module)

    assert isinstance(report, TrainReport)
    trace = json.loads((tmp_path / "results/trace.json").read_text())
    assert (trace["detector"], trace["epochs"]) == ("finder", 12)
    assert trace["seconds"] >= 0
