"""Discovery and loading of plugins; each fault with a package that really has it."""

import logging
import re
import sys

import pytest

from detforge import __version__
from detforge.errors import PluginError, SpecError
from detforge.installed import OFFERED, find_detector, installed_detectors
from detforge.plugins import load_detector
from detforge.protos import convert_pb2
from detforge.spec import Spec
from detforge.spec.lexer import Position
from detforge.testing import add_distribution

DETECTOR = """
from detforge import hookimpl
from detforge.protos import convert_pb2

@hookimpl
def spec_schema():
    return convert_pb2.Convert

@hookimpl
def train(request):
    return "trained by the detector"
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Return a function that installs a package into a folder of this test's own."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(name, group="detectors", point="finder", source=DETECTOR, **metadata):
        module = name.replace("-", "_")
        points = {f"detforge.{group}": {point: module}}
        add_distribution(tmp_path, name, entry_points=points, modules={module: source}, **metadata)

    yield install
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


def listed(name):
    return next(listing for listing in installed_detectors() if listing.name == name)


def test_installed_detector_is_listed_from_its_metadata_without_import(plugins):
    plugins("detforge-finder", version="3.2", summary="Finds.", source="raise SystemExit")
    found = listed("finder")
    assert (found.distribution, found.version, found.summary, found.problem) == (
        "detforge-finder",
        "3.2",
        "Finds.",
        "",
    )


def test_hyphen_and_underscore_name_the_same_detector(plugins):
    plugins("detforge-finder", point="quick-finder")
    assert load_detector("quick_finder").name == "quick_finder"
    assert load_detector("quick-finder").name == "quick_finder"


def test_one_package_may_spell_its_detector_both_ways(tmp_path, plugins):
    points = {"detforge.detectors": {"quick-finder": "quick", "quick_finder": "quick"}}
    add_distribution(tmp_path, "quick", entry_points=points, modules={"quick": DETECTOR})
    assert load_detector("quick_finder").distribution == "quick"


def test_two_packages_with_one_name_are_both_named(plugins):
    plugins("detforge-finder-a")
    plugins("detforge-finder-b")
    with pytest.raises(PluginError, match="detforge-finder-a and detforge-finder-b both bring"):
        load_detector("finder")
    assert "uninstall one" in listed("finder").problem


def test_absent_detector_is_answered_with_the_installed_ones_and_the_nearest(plugins):
    plugins("detforge-finder")
    with pytest.raises(PluginError, match=r"'findr'.*: .*finder.*\. Did you mean 'finder'"):
        load_detector("findr")


@pytest.mark.parametrize(
    "name",
    [
        *("yolo_v3", "yolo_v4", "yolo_v4_tiny", "retinanet", "detectnet_v2", "unet"),
        *("classification", "multitask_classification", "lprnet", "./spec.txt"),
    ],
)
def test_detector_that_nobody_offers_is_one_honest_sentence(plugins, name):
    plugins("detforge-finder")
    with pytest.raises(PluginError) as caught:
        load_detector(name)
    start = re.escape(f"there is no detector {name!r} (installed: ")
    assert re.fullmatch(rf"{start}[a-z_, ]*finder[a-z_, ]*\)\.", str(caught.value))


@pytest.mark.parametrize("name", ["faster_rcnn", "faster-rcnn"])
def test_detector_of_ours_that_is_absent_is_answered_with_its_package(monkeypatch, name):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **kwargs: [])
    with pytest.raises(PluginError, match=r"installed\): pip install detforge-faster-rcnn$"):
        load_detector(name)


def test_without_any_detector_the_nearest_of_ours_is_offered(monkeypatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **kwargs: [])
    with pytest.raises(
        PluginError,
        match=r"\(none is installed; offered: ssd, dssd, .*\)\. Did you mean 'mask_rcnn'\?$",
    ):
        load_detector("maskrcnn")


def test_packages_of_our_detectors_are_those_that_exist():
    found = {listing.name: listing.distribution for listing in installed_detectors()}
    names = {name: package for name, package in OFFERED.items() if name in found}
    assert len(names) >= 5
    assert names == {name: found[name] for name in names}


# --- several names, several detectors -----------------------------------------------------


def test_two_names_of_one_module_are_one_detector_with_the_name_of_its_package(tmp_path, plugins):
    points = {"detforge.detectors": {"afinder": "found", "quick_finder": "found"}}
    modules = {"found": DETECTOR}
    add_distribution(tmp_path, "detforge-quick-finder", entry_points=points, modules=modules)
    found = listed("quick_finder")
    assert (found.aliases, found.title) == (("afinder",), "quick_finder (also afinder)")
    assert load_detector("afinder").name == load_detector("quick-finder").name == "quick_finder"
    assert not [listing for listing in installed_detectors() if listing.name == "afinder"]


def test_without_the_name_of_the_package_the_first_name_counts(tmp_path, plugins):
    points = {"detforge.detectors": {"second": "found", "first": "found"}}
    add_distribution(tmp_path, "cameras", entry_points=points, modules={"found": DETECTOR})
    assert listed("first").aliases == ("second",)
    assert load_detector("second").name == "first"


def test_other_name_that_two_packages_claim_stops_only_itself(tmp_path, plugins):
    points = {"detforge.detectors": {"finder": "found", "shared": "found"}}
    add_distribution(tmp_path, "detforge-finder", entry_points=points, modules={"found": DETECTOR})
    plugins("detforge-other", point="shared")
    assert load_detector("finder").name == "finder"
    with pytest.raises(PluginError, match="both bring a plugin named 'shared'"):
        load_detector("shared")


@pytest.mark.parametrize(
    ("summary", "finder", "seeker"),
    [
        ("Finder: finds; Deep Seeker: seeks", "Finder: finds", "Deep Seeker: seeks"),
        ("Finds things; and seeks", "Finds things; and seeks", "Finds things; and seeks"),
        ("FINDER: finds", "FINDER: finds", "FINDER: finds"),
        ("", "", ""),
    ],
)
def test_package_of_two_detectors_describes_each_after_its_name(
    tmp_path, plugins, summary, finder, seeker
):
    points = {"detforge.detectors": {"finder": "one", "deep_seeker": "two"}}
    add_distribution(tmp_path, "detforge-finder", summary=summary, entry_points=points)
    assert (listed("finder").summary, listed("deep_seeker").summary) == (finder, seeker)


# --- built for another release ------------------------------------------------------------


@pytest.mark.parametrize(
    "requirement",
    [
        "detforge>=99",
        f"detforge<{__version__}",
        f"detforge<{__version__}.0",
        f"detforge >= 0.1, < {__version__.removesuffix('.0')}",
        "detforge[train]>=99,<100",
        "Detforge (>=99)",
        "detforge==0.0.1",
        "detforge~=99.1",
        "detforge>=99; python_version > '3'",
    ],
)
def test_detector_for_another_core_version_says_which(plugins, requirement):
    plugins("detforge-finder", requires=["numpy", requirement])
    with pytest.raises(PluginError, match=r"(?i)detforge-finder 1\.0 needs detforge.*is installed"):
        load_detector("finder")
    assert "upgrade one of the two" in listed("finder").problem


@pytest.mark.parametrize(
    "requirement",
    [
        f"detforge>={__version__}",
        f"detforge>={__version__.removesuffix('.0')},<{__version__}.1",
        "detforge>=0,<99",
        "detforge[train] >=0.0.9",
        "detforge",
        "detforge~=0.1",
        "detforge>=99; python_version < '3'",
        "detforge-ssd>=99",
        "detforge_blobs>=99",
        "detforge>=99; extra == 'x'",
        "detforge is not a requirement",
    ],
)
def test_requirement_that_holds_or_does_not_apply_is_no_problem(plugins, requirement):
    plugins("detforge-finder", requires=[requirement])
    assert listed("finder").problem == ""
    assert load_detector("finder").name == "finder"


@pytest.mark.parametrize("source", ["import absent_module", "raise SystemExit(3)", "def x(:"])
def test_detector_that_does_not_import_is_named_and_stops_no_other(plugins, source):
    plugins("detforge-broken", point="broken", source=source)
    plugins("detforge-finder")
    with pytest.raises(PluginError, match=r"'broken' of detforge-broken 1\.0 cannot be imported"):
        load_detector("broken")
    assert load_detector("finder").name == "finder"
    assert listed("broken").problem == ""


def test_detector_cannot_take_a_word_of_the_command_line(plugins):
    plugins("detforge-list", point="list")
    with pytest.raises(PluginError, match="a word that detforge itself uses"):
        find_detector("list")


def test_misspelt_hook_is_an_error_with_the_nearest_name(plugins):
    source = "from detforge import hookimpl\n@hookimpl\ndef spec_shema(): pass\n"
    plugins("detforge-finder", source=source)
    with pytest.raises(PluginError, match=r"implements 'spec_shema'.*mean 'spec_schema'"):
        load_detector("finder")


def test_unknown_argument_of_a_hook_is_an_error(plugins):
    source = "from detforge import hookimpl\n@hookimpl\ndef train(requst): pass\n"
    plugins("detforge-finder", source=source)
    with pytest.raises(PluginError, match=r"detforge-finder 1\.0 misdeclares a hook.*requst"):
        load_detector("finder")


def test_only_the_detector_asked_for_is_imported(plugins):
    plugins("detforge-finder")
    plugins("detforge-other", point="other", source="raise SystemExit")
    load_detector("finder")
    assert "detforge_other" not in sys.modules


def test_detector_without_a_schema_is_told_apart_when_it_is_used(plugins):
    plugins("detforge-finder", source="")
    with pytest.raises(PluginError, match="does not implement the hook 'spec_schema'"):
        load_detector("finder").spec_schema()


def test_task_of_the_detector_goes_before_the_default_of_the_core(plugins):
    plugins("detforge-finder")
    detector = load_detector("finder")
    assert detector.hook.train(request=None) == "trained by the detector"
    assert len(detector.hook.train.get_hookimpls()) == 2


def test_spec_error_of_a_hook_is_located_in_the_file(plugins):
    source = """
from detforge import Problem, SpecError, hookimpl

@hookimpl
def recipe(spec):
    raise SpecError(Problem("a.b", "is odd"))

@hookimpl
def build_model(spec, mode):
    raise SpecError(Problem("a.b", "is odd"))
"""
    plugins("detforge-finder", source=source)

    positions = {"a.b": Position(7, 3)}
    spec = Spec(message=convert_pb2.Convert(), text="", file="spec.txt", positions=positions)
    detector = load_detector("finder")
    with pytest.raises(SpecError, match=r"^spec\.txt:7:3: a\.b: is odd$"):
        detector.recipe(spec)
    with pytest.raises(SpecError, match=r"^spec\.txt:7:3: a\.b: is odd$"):
        detector.build_model(spec, "train")


def test_warning_of_a_recipe_is_located_in_the_file_and_said_once(plugins, caplog):
    source = """
from types import SimpleNamespace

from detforge import Problem, hookimpl

@hookimpl
def recipe(spec):
    return SimpleNamespace(warnings=(Problem("a.b", "is unusual"),))
"""
    plugins("detforge-finder", source=source)
    positions = {"a.b": Position(7, 3)}
    spec = Spec(message=convert_pb2.Convert(), text="", file="spec.txt", positions=positions)
    detector = load_detector("finder")
    first = detector.recipe(spec)
    assert caplog.messages == ["spec.txt:7:3: a.b: is unusual"]
    assert detector.recipe(spec) is first
    assert len(caplog.messages) == 1  # the user has read it
    other = Spec(message=convert_pb2.Convert(), text="", file="other.txt", positions=positions)
    assert detector.recipe(other) is not first
    assert "other.txt:7:3: a.b: is unusual" in caplog.messages


# --- extensions ---------------------------------------------------------------------------

WRAPPER = """
from detforge import hookimpl

@hookimpl(wrapper=True)
def train(request):
    answer = yield
    return f"wrapped: {answer}"
"""
REPLACES_TASK = "from detforge import hookimpl\n@hookimpl\ndef train(request): return 1\n"
REPLACES_SCHEMA = "from detforge import hookimpl\n@hookimpl\ndef spec_schema(): return int\n"
ADDS_OPTION = "from detforge import hookimpl\n@hookimpl\ndef cli_options(task): return []\n"


def test_detector_knows_which_extensions_are_around_it(plugins):
    plugins("detforge-finder")
    plugins("detforge-tape", "extensions", "tape", WRAPPER)
    plugins("detforge-broken", "extensions", "broken", "import absent_module")
    assert "tape of detforge-tape 1.0" in load_detector("finder").extensions
    assert not any("broken" in label for label in load_detector("finder").extensions)


def test_extension_wraps_the_task_of_the_detector(plugins):
    plugins("detforge-finder")
    plugins("detforge-tape", "extensions", "tape", WRAPPER)
    answer = load_detector("finder").hook.train(request=None)
    assert answer == "wrapped: trained by the detector"


@pytest.mark.parametrize(
    ("source", "hook"), [(REPLACES_TASK, "train"), (REPLACES_SCHEMA, "spec_schema")]
)
def test_extension_that_answers_for_the_detector_is_refused(plugins, source, hook):
    plugins("detforge-finder")
    plugins("detforge-tape", "extensions", "tape", source)
    with pytest.raises(PluginError, match=rf"'tape' of detforge-tape 1\.0 replaces '{hook}'"):
        load_detector("finder")


def test_extension_may_answer_where_all_answers_count(plugins):
    plugins("detforge-finder")
    plugins("detforge-tape", "extensions", "tape", ADDS_OPTION)
    assert [] in load_detector("finder").hook.cli_options(task="train")


def test_misspelt_hook_of_an_extension_is_an_error(plugins):
    plugins("detforge-finder")
    plugins("detforge-tape", "extensions", "tape", WRAPPER.replace("def train", "def trian"))
    with pytest.raises(PluginError, match=r"detforge-tape 1\.0 implements 'trian'.*mean 'train'"):
        load_detector("finder")


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"source": "import absent_module"}, "cannot be imported"),
        ({"source": WRAPPER, "requires": ["detforge>=99"]}, "needs detforge>=99"),
    ],
    ids=["import", "core version"],
)
def test_extension_that_cannot_be_loaded_is_left_out_with_a_warning(
    plugins, caplog, metadata, reason
):
    plugins("detforge-finder")
    plugins("detforge-tape", "extensions", "tape", **metadata)
    with caplog.at_level(logging.WARNING, logger="detforge"):
        answer = load_detector("finder").hook.train(request=None)
    assert answer == "trained by the detector"
    assert reason in caplog.text
    assert "detforge-tape" in caplog.text


def test_two_packages_with_one_extension_name_are_both_left_out(plugins, caplog):
    plugins("detforge-finder")
    plugins("detforge-tape-a", "extensions", "tape", WRAPPER)
    plugins("detforge-tape-b", "extensions", "tape", WRAPPER)
    assert load_detector("finder").hook.train(request=None) == "trained by the detector"
    assert "detforge-tape-a and detforge-tape-b both bring" in caplog.text
