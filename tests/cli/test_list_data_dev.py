"""The commands that need no detector."""

import json
import re
import sys
from pathlib import Path

import pytest

from detforge.cli.protos import compile_protos
from detforge.errors import PluginError, UsageError
from detforge.testing import add_distribution

ROOT = Path(__file__).parents[2]
PROTO = """
syntax = "proto3";
package detforge_tiny;
import "detforge/protos/options.proto";
message Experiment {
  optional uint32 width = 1 [(detforge.rules) = {default: "8" help: "Channels."}];
}
"""


# --- detforge list ------------------------------------------------------------------------


@pytest.fixture
def broken(tmp_path, finder):
    """Install one detector that is visibly broken and one that does not import."""
    points = {"detforge.detectors": {"old": "old_plugin"}}
    add_distribution(tmp_path / "site", "old", entry_points=points, requires=["detforge<0.1"])
    points = {"detforge.detectors": {"lame": "lame_plugin"}}
    modules = {"lame_plugin": "import absent_module"}
    add_distribution(tmp_path / "site", "lame", entry_points=points, modules=modules)


def test_list_shows_package_summary_and_fault(detforge, broken):
    result = detforge("list")
    assert result.code == 0
    assert "kitten_finder (detforge-finder 1.0): Finds kittens." in result.out
    assert "old (old 1.0): broken: old 1.0 needs detforge<0.1" in result.out


def test_json_list_has_the_same_in_fields(detforge, broken):
    by_name = {entry["name"]: entry for entry in json.loads(detforge("list", "--json").out)}
    assert by_name["kitten_finder"] == {
        "name": "kitten_finder",
        "distribution": "detforge-finder",
        "version": "1.0",
        "summary": "Finds kittens.",
        "problem": "",
        "aliases": [],
    }
    assert by_name["old"]["problem"].startswith("old 1.0 needs")


def test_list_shows_the_other_names_of_a_detector(detforge):
    assert "\nefficientdet (also efficientdet_tf1) (detforge-efficientdet " in detforge("list").out
    found = {
        entry["name"]: entry["aliases"] for entry in json.loads(detforge("list", "--json").out)
    }
    assert found["efficientdet"] == ["efficientdet_tf1"]
    assert "efficientdet_tf1" not in found


def test_checked_list_loads_each_detector_and_fails_with_a_broken_one(detforge, broken):
    result = detforge("list", "--check", "--json")
    problems = {entry["name"]: entry["problem"] for entry in json.loads(result.out)}
    assert result.code == 2
    assert problems["kitten_finder"] == ""
    assert "absent_module" in problems["lame"]


def test_list_without_detectors_says_how_to_get_one(detforge, monkeypatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **kwargs: [])
    assert "No detector is installed" in detforge("list").out
    assert json.loads(detforge("list", "--json").out) == []
    assert "(none)" in detforge("--help").out


# --- detforge data ------------------------------------------------------------------------


def test_scenes_are_drawn_into_a_new_folder(detforge, tmp_path):
    folder = tmp_path / "new" / "scenes"
    result = detforge("data", "scenes", folder, "--images", "2", "--seed", "1", "--size", "96x64")
    assert (result.code, result.err) == (0, "")
    assert len(list((folder / "images").iterdir())) == 2
    assert str(folder) in result.out


def test_scenes_have_the_size_that_the_help_says(detforge, tmp_path):
    assert "(default 320x240)" in detforge("data", "scenes", "--help").out
    assert detforge("data", "scenes", tmp_path / "scenes", "--images", "1").code == 0
    content = json.loads((tmp_path / "scenes" / "instances.json").read_text())
    assert (content["images"][0]["width"], content["images"][0]["height"]) == (320, 240)


@pytest.mark.parametrize("size", ["96", "96x", "0x64", "axb", "-1x2"])
def test_size_that_is_none_is_one_message(detforge, tmp_path, size):
    result = detforge("data", "scenes", tmp_path, "--size", size)
    assert result.code == 2
    assert "write WIDTHxHEIGHT" in result.err


def test_folder_that_cannot_be_made_is_one_message(detforge, tmp_path):
    (tmp_path / "file").write_text("")
    result = detforge("data", "scenes", tmp_path / "file" / "below")
    assert result.code == 2
    assert result.err.startswith("Error: FOLDER")


# --- detforge dev protos ------------------------------------------------------------------


@pytest.fixture
def package(tmp_path):
    """Return the folder of a package with a schema."""
    folder = tmp_path / "src" / "detforge_tiny"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "spec.proto").write_text(PROTO)
    return folder


def test_committed_schemas_equal_a_fresh_compile():
    results = compile_protos([ROOT / "protos", ROOT / "plugins", ROOT / "tests"], check=True)
    assert all(is_fresh for _, is_fresh in results)
    assert ROOT / "core/detforge/protos/options_pb2.py" in [path for path, _ in results]


def test_compiled_schema_lies_beside_its_file_under_its_package(detforge, package, monkeypatch):
    result = detforge("dev", "protos", package / "spec.proto")
    assert (result.code, result.err) == (0, "")
    assert {path.name for path in package.iterdir()} >= {"spec_pb2.py", "spec_pb2.pyi"}
    monkeypatch.syspath_prepend(package.parent)
    from detforge_tiny import spec_pb2

    assert spec_pb2.DESCRIPTOR.name == "detforge_tiny/spec.proto"
    for module in ("detforge_tiny.spec_pb2", "detforge_tiny"):
        monkeypatch.delitem(sys.modules, module)


def test_check_finds_an_absent_and_a_stale_module(detforge, package):
    assert "spec_pb2.py is absent" in detforge("dev", "protos", "--check", package).err
    detforge("dev", "protos", package)
    assert detforge("dev", "protos", "--check", package).code == 0
    (package / "spec.proto").write_text(PROTO.replace("width", "depth"))
    before = (package / "spec_pb2.py").read_bytes()
    result = detforge("dev", "protos", "--check", package)
    assert result.code == 2
    assert "differs from a fresh compile" in result.err
    assert (package / "spec_pb2.py").read_bytes() == before


def test_check_tells_another_protoc_from_another_schema(detforge, package):
    detforge("dev", "protos", package)
    module = package / "spec_pb2.py"
    text = re.sub(r"(Python Version: ).*", r"\g<1>5.1.2", module.read_text())
    module.write_text(text)
    assert "was written for protobuf 5.1.2" in detforge("dev", "protos", "--check", package).err


def test_current_folder_is_searched_and_hidden_ones_are_not(package, monkeypatch):
    hidden = package.parent / ".venv"
    hidden.mkdir()
    (hidden / "broken.proto").write_text("not a schema")
    monkeypatch.chdir(package.parent)
    assert len(compile_protos([Path()])) == 2


def test_schema_outside_a_package_is_refused(tmp_path):
    (tmp_path / "spec.proto").write_text(PROTO)
    with pytest.raises(UsageError, match=r"lies in no Python package; add __init__\.py"):
        compile_protos([tmp_path / "spec.proto"])


def test_schema_with_a_mistake_names_the_file(package):
    (package / "spec.proto").write_text(PROTO.replace("uint32", "unit32"))
    with pytest.raises(PluginError, match=r"spec\.proto does not compile: .*spec\.proto:\d"):
        compile_protos([package])


def test_search_without_a_find_is_refused(tmp_path):
    (tmp_path / "spec.proto").write_text(PROTO)
    with pytest.raises(UsageError, match=r"there is no \.proto file beside an __init__\.py in /"):
        compile_protos([tmp_path])


def test_missing_compiler_says_what_to_install(package, monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc_tools", None)
    with pytest.raises(UsageError, match="pip install 'grpcio-tools"):
        compile_protos([package])
