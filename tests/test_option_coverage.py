"""Every option of every task has a row in docs/coverage, and does what its row says.

Each option is given to a command line that is right without it. The command runs up to where
the task would begin; what it hands to the task is compared with what it hands over without.
"""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import text_format

import detforge.cli.run
from detforge.cli import main
from detforge.cli.task_command import changed_options
from detforge.cli.words import TASK_WORDS
from detforge.errors import UsageError
from detforge.plugins import load_detector
from tests.coverage_outcome import Outcome, shows
from tests.coverage_table import TABLES, flat, rows
from tests.option_variants import plain, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from detforge.requests import Request

ROWS = [row for table in TABLES for row in rows(table) if row.kind == "option"]
STOPPED = "stopped before the task"


def options_of(detector: str, word: str) -> dict[str, Any]:
    """Return the options of a task by the spelling that stands for them."""
    changed = changed_options(load_detector(detector), TASK_WORDS[word])
    return {option.title: option for option in changed}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_every_option_has_exactly_one_row(table):
    titles = [f"{word} {title}" for word in TASK_WORDS for title in options_of(table.stem, word)]
    assert sorted(row.name for row in ROWS if row.detector == table.stem) == sorted(titles)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.detector}-{row.name}" for row in ROWS])
def test_default_is_that_of_the_option(row):
    word, _, title = row.name.partition(" ")
    option = options_of(row.detector, word)[title]
    default = "" if option.default is None else str(option.default)
    assert row.default == ("required" if option.required else default)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.detector}-{row.name}" for row in ROWS])
def test_option_does_what_its_row_says(row, files, outcome_of):
    word, _, title = row.name.partition(" ")
    options = options_of(row.detector, word)
    option, is_convert = options[title], word == "dataset_convert"
    bases = importlib.import_module(f"tests.{row.detector}.coverage_bases")
    spec = files / "spec.txt"
    texts = bases.CONVERSIONS if is_convert else bases.EXPERIMENTS
    spec.write_text(texts[0])
    (files / "other_file").write_text(texts[1].strip())
    names = {"spec": spec, "images": files / "images", "max_batches": 3}
    names |= {"output": files / "out" / "a", "annotated_dir": files / "out"}
    names |= {"results_dir": files / "out", "model": files / "model"}
    values = {name: str(value) for name, value in names.items()}
    base = plain(options.values(), values, needed_by=option)
    before = outcome_of(row.name, row.detector, word, base.values())
    change = bases.CONVERSION_CHANGE if is_convert else bases.EXPERIMENT_CHANGE
    tried = [
        shows(row, before, outcome_of(row.name, row.detector, word, given.values()), str(given))
        for words in variants(option, files, change)
        for given in [{**base, option.name: words}]
    ]
    assert any(tried), f"no value of {row.name} does this: {row.effect}"


@pytest.fixture
def files(tmp_path) -> Path:
    """Return a folder with what the options of a command line name."""
    for folder in ("images", "other_folder"):
        (tmp_path / folder).mkdir()
    (tmp_path / "model").write_text("a model")
    return tmp_path


@pytest.fixture
def outcome_of(monkeypatch, capsys) -> Callable[..., Outcome]:
    """Return a function that runs a command line up to its task, and returns what came of it."""
    build, seen = detforge.cli.run.build_request, []

    def stop(*arguments: Any) -> None:
        seen.append((build(*arguments), logging.getLogger("detforge").level))
        raise UsageError(STOPPED)

    monkeypatch.setattr(detforge.cli.run, "build_request", stop)

    def run(name: str, detector: str, word: str, words: Iterable[tuple[str, ...]]) -> Outcome:
        seen.clear()
        for variable in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
            monkeypatch.setenv(variable, "")
            monkeypatch.delenv(variable)
        given = [part for option in words for part in option]
        assert main([detector, word, *given]) == 2
        said = capsys.readouterr().err
        if STOPPED not in said:
            return Outcome({name: said})
        ((request, level),) = seen
        log_file = given[given.index("--log_file") + 1] if "--log_file" in given else ""
        observed = {
            "request": _values(request),
            "run": {
                "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
                "level": level,
                "log_file": bool(log_file) and Path(log_file).is_file(),
                "traceback": "Traceback" in said,
            },
        }
        remarks = said.removesuffix(f"Error: {STOPPED}\n")
        return Outcome({name: remarks} if remarks else {}, True, flat(observed))

    return run


def _values(request: Request) -> dict[str, Any]:
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    del values["detector"]
    spec = values.get("spec")
    return values | {"spec": spec and text_format.MessageToString(spec.message)}
