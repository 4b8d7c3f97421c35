"""Every field and option has a row in docs/coverage, and does what its row says.

For each row the field is given other values that its rules allow, in several whole specs, and
what comes of it is compared: the recipe, what the model is built from, the records, an error or
a warning. A value that is accepted and changes nothing fails, whatever the row says.
"""

from __future__ import annotations

import importlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

from detforge.data.convert import convert_dataset
from detforge.data.scenes import draw_scenes
from detforge.errors import DetforgeError, SpecError
from detforge.plugins import load_detector
from detforge.requests import ConvertRequest
from detforge.spec import parse_spec
from detforge.spec.conversion import check_conversion
from detforge.spec.fields import rules_of
from detforge.spec.outline import entries, retired_names
from detforge.spec.parser import parse_text
from tests.coverage_outcome import Outcome, shows
from tests.coverage_table import ROOT, TABLES, Row, flat, functions_in, rows
from tests.field_variants import variants

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from detforge.plugins import Detector

ALL = [row for table in TABLES for row in rows(table)]


def params(*kinds):
    chosen = [row for row in ALL if row.kind in kinds]
    return pytest.mark.parametrize("row", chosen, ids=[f"{r.detector}-{r.name}" for r in chosen])


def schemas(table):
    detector = load_detector(table.stem)
    return {"spec": detector.spec_schema(), "convert": detector.convert_schema()}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_every_field_of_the_schema_has_exactly_one_row(table):
    for kind, schema in schemas(table).items():
        found = [row.name for row in rows(table) if row.kind == kind]
        assert sorted(found) == sorted(entry.path for entry in entries(schema.DESCRIPTOR))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_every_retired_name_has_exactly_one_row(table):
    retired = [name.path for s in schemas(table).values() for name in retired_names(s.DESCRIPTOR)]
    assert sorted(row.name for row in rows(table) if row.kind == "retired") == sorted(retired)


@pytest.mark.parametrize("row", ALL, ids=[f"{r.detector}-{r.kind}-{r.name}" for r in ALL])
def test_row_says_what_happens_and_names_a_test_that_exists(row):
    assert row.verb, f"{row.effect!r} is none of the effects of a {row.kind}"
    file, _, name = row.test.partition("::")
    assert name in functions_in(ROOT / file)


@params("spec", "convert")
def test_default_is_that_of_the_schema(row):
    schema = schemas(ROOT / f"{row.detector}.csv")[row.kind]
    rules = next(rules_of(e.field) for e in entries(schema.DESCRIPTOR) if e.path == row.name)
    assert row.default == ("required" if rules.required else rules.default.strip('"'))


@params("retired")
def test_retired_name_is_refused_with_advice(row):
    *outer, name = row.name.split(".")
    text = f"{name} {{ }}"
    for block in reversed(outer):
        text = f"{block} {{ {text} }}"
    for schema in schemas(ROOT / f"{row.detector}.csv").values():
        advice = {r.path: r.advice for r in retired_names(schema.DESCRIPTOR)}
        if row.name in advice:
            with pytest.raises(SpecError, match=re.escape(advice[row.name])):
                parse_spec(text, schema)


@params("spec")
def test_field_of_an_experiment_does_what_its_row_says(row):
    bases = importlib.import_module(f"tests.{row.detector}.coverage_bases")
    detector = load_detector(row.detector)
    check(row, detector.spec_schema(), bases.EXPERIMENTS, lambda text: run(row.detector, text))


@params("convert")
def test_field_of_a_conversion_does_what_its_row_says(row, small_scenes, tmp_path):
    bases = importlib.import_module(f"tests.{row.detector}.coverage_bases")
    detector = load_detector(row.detector)
    texts = [text.replace("{data}", str(small_scenes)) for text in bases.CONVERSIONS]
    check(row, detector.convert_schema(), texts, lambda text: convert(detector, text, tmp_path))


@pytest.mark.parametrize(
    ("name", "effect", "complaint"),
    [
        ("random_seed", "recipe: epochs", "no value of random_seed does this"),
        ("random_seed", "no effect: it has one", "no value of random_seed does this"),
        ("random_seed", "refused: it is not", "random_seed: 43"),
        ("random_seed", "model: seed", "no value of random_seed does this"),
        ("training_config.enable_qat", "recipe: seed", "no value of"),
        ("training_config.enable_qat", "refused until mask_rcnn", "no value of"),
        ("training_config.enable_qat", "refused: for good", "no value of"),
        ("dataset_config.type", "recipe: data", "no value of"),
        ("training_config.pruned_model_path", "refused until quantization", "no value of"),
    ],
)
def test_row_that_is_not_true_fails(name, effect, complaint):
    row = Row("ssd", "spec", name, "", effect, "")
    with pytest.raises(AssertionError, match=complaint):
        test_field_of_an_experiment_does_what_its_row_says(row)


def test_field_that_is_accepted_and_changes_nothing_fails():
    schema = load_detector("ssd").spec_schema()
    row = Row("ssd", "spec", "random_seed", "", "recipe: seed", "")
    with pytest.raises(AssertionError, match="nothing comes of this"):
        check(row, schema, ["random_seed: 1"], lambda text: Outcome({}, is_accepted=True))


def check(
    row: Row, schema: type[Message], bases: list[str], outcome_of: Callable[[str], Outcome]
) -> None:
    """Hold a row against what comes of each base with another value of the field."""
    if row.verb == "block":
        return  # its fields have rows
    messages = [parse_text(text, schema()).message for text in bases]
    shown = False
    for message in messages:
        before = outcome_of(text_format.MessageToString(message))
        for variant in variants(message, row.name, messages):
            text = text_format.MessageToString(variant)
            shown |= shows(row, before, outcome_of(text), text)
    assert shown, f"no value of {row.name} does this: {row.effect}"


@cache
def run(name: str, text: str) -> Outcome:
    """Return what comes of an experiment spec, up to the first thing that would be heavy."""
    detector = load_detector(name)
    try:
        spec = parse_spec(text, detector.spec_schema())
        recipe = detector.recipe(spec)
    except SpecError as err:
        return Outcome({_path(p.path): p.message for p in err.problems})
    bases = importlib.import_module(f"tests.{name}.coverage_bases")
    observed = flat({"recipe": recipe, "model": bases.model(spec.message)})
    warnings = (*spec.warnings, *recipe.warnings)
    return Outcome({_path(w.path): w.message for w in warnings}, True, observed)


def convert(detector: Detector, text: str, folder) -> Outcome:
    """Return what comes of a conversion spec: the manifest, or the error."""
    try:
        spec = parse_spec(text, detector.convert_schema())
        request = ConvertRequest(
            detector=detector, spec=spec, output=folder / "records", force=True
        )
        warnings = (*spec.warnings, *check_conversion(spec))
        report = convert_dataset(request)
    except SpecError as err:
        return Outcome({_path(p.path): p.message for p in err.problems})
    except DetforgeError as err:
        return Outcome({"value": str(err)})
    manifest = json.loads(report.manifest.read_text())
    return Outcome({_path(w.path): w.message for w in warnings}, True, flat({"records": manifest}))


def _path(path: str) -> str:
    return re.sub(r"\[[^]]*\]", "", path)


@pytest.fixture(scope="module")
def small_scenes(tmp_path_factory):
    """Four drawn images with KITTI labels and a COCO file, in three sequences."""
    folder = tmp_path_factory.mktemp("scenes")
    images = draw_scenes(folder, images=4, seed=1, size=(64, 64)).images
    first, second, *others = sorted(path.stem for path in images.iterdir())
    sequences = {"one": [first], "two": [second], "three": others}
    (folder / "sequences.json").write_text(json.dumps(sequences))
    return folder
