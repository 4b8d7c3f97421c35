"""The kit that authors of detectors run: it passes good ones and names what is wrong."""

import sys

import pytest

from detforge.cli.protos import compile_protos
from detforge.testing import ConformanceError, add_distribution, check_detector

GOOD = """
from detforge import hookimpl
from detforge.protos import experiment_pb2

@hookimpl
def spec_schema():
    return experiment_pb2.EvalConfig

@hookimpl
def recipe(spec):
    from detforge.recipe import Checkpoints, Classes, Data, InputFormat, Recipe, SoftStartAnnealing

    return Recipe(
        classes=Classes(names=("a",), mapping={"a": "a"}),
        input=InputFormat(height=32, width=32),
        data=Data(training=()),
        checkpoints=Checkpoints(name="x"),
        schedule=SoftStartAnnealing(
            min_learning_rate=0.1, max_learning_rate=0.2, soft_start=0.1, annealing=0.5
        ),
        epochs=1,
    )
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a detector with the given source."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(source):
        points = {"detforge.detectors": {"candidate": "candidate_plugin"}}
        modules = {"candidate_plugin": source}
        add_distribution(tmp_path, "candidate", entry_points=points, modules=modules)

    yield add
    sys.modules.pop("candidate_plugin", None)


@pytest.fixture
def spec(tmp_path):
    """Return the path of an example spec."""
    path = tmp_path / "example.txt"
    path.write_text("batch_size: 2\n")
    return path


def findings(spec=None):
    with pytest.raises(ConformanceError) as caught:
        check_detector("candidate", spec=spec)
    return " | ".join(caught.value.findings)


def test_good_detector_passes(install, spec):
    install(GOOD)
    check_detector("candidate")
    check_detector("candidate", spec=spec)


def test_ssd_passes():
    check_detector("ssd")


def test_absent_detector_is_a_finding():
    assert "no detector named 'candidate'" in findings()


def test_heavy_import_is_a_finding(install):
    install("import numpy\n" + GOOD)
    assert "imports numpy; import them inside the hooks" in findings()


def test_schema_that_is_none_is_a_finding(install):
    install("from detforge import hookimpl\n@hookimpl\ndef spec_schema(): return 3")
    assert "spec_schema returns 3, not a protobuf message class" in findings()


def test_missing_schema_is_a_finding(install):
    install("")
    assert "does not implement the hook 'spec_schema'" in findings()


def test_field_without_help_is_a_finding(install, tmp_path, monkeypatch):
    package = tmp_path / "src" / "detforge_mute"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "spec.proto").write_text(
        'syntax = "proto3"; package detforge_mute;\n'
        "message Inner { uint32 depth = 1; map<string, uint32> sizes = 2; }\n"
        "message Experiment { repeated Inner inner = 1; }"
    )
    compile_protos([package])
    monkeypatch.syspath_prepend(package.parent)
    install(
        "from detforge import hookimpl\nfrom detforge_mute import spec_pb2\n"
        "@hookimpl\ndef spec_schema(): return spec_pb2.Experiment"
    )
    assert findings().split(" | ") == [
        "detforge_mute.Experiment.inner has no help text (rules.help)",
        "detforge_mute.Inner.depth has no help text (rules.help)",
        "detforge_mute.Inner.sizes has no help text (rules.help)",
    ]
    for module in ("detforge_mute", "detforge_mute.spec_pb2"):
        sys.modules.pop(module)


def test_option_change_that_cannot_apply_is_a_finding(install):
    install(
        GOOD + "\nfrom detforge.cli.options import OptionChange\n"
        "@hookimpl\ndef cli_options(task): return [OptionChange.require('gpus')]\n"
    )
    assert "'gpus', which is not among the options of evaluate" in findings()


def test_wrong_kinds_of_answers_are_findings(install, spec):
    source = GOOD.split("@hookimpl\ndef recipe")[0]
    install(
        source + "@hookimpl\ndef recipe(spec): return 1\n"
        "@hookimpl\ndef tensorrt_plugins(spec): return [2]\n"
        "@hookimpl\ndef deployment(spec): return 3\n"
    )
    found = findings(spec)
    assert "recipe returns 1, not a Recipe" in found
    assert "tensorrt_plugins returns [2], not a tuple" in found
    assert "deployment returns 3, not a Deployment" in found


def test_example_spec_that_is_wrong_is_a_finding(install, spec):
    install(GOOD)
    spec.write_text("batch_sise: 2\n")
    assert "batch_sise" in findings(spec)
