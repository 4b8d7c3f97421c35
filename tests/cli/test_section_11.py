"""Every option of every task with all its spellings, for each detector: held by section_11.csv.

A row of the table is an option of a task: what users may type, how many values it takes, its
default, what each detector makes of it, and the feature that it waits for.
"""

import csv
import re
from pathlib import Path

import pytest

from detforge.cli.task_command import DetectorTask
from detforge.cli.words import TASK_WORDS, underscored
from detforge.errors import UsageError
from detforge.plugins import load_detector

with Path(__file__).with_name("section_11.csv").open(newline="", encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
DETECTORS = ("dssd", "efficientdet", "faster_rcnn", "mask_rcnn", "ssd")
ABSENT = ("None", "False", "()")


class Task:
    """A detector's command for a task, and its rows of the table."""

    def __init__(self, detector, name, seen):
        self.detector = detector
        self.command = DetectorTask(load_detector(detector), name, "")
        self.seen = seen
        self.rows = [row for row in ROWS if row["task"] == name]

    def having(self, *roles):
        return [row for row in self.rows if row[self.detector] in roles]

    def parse(self, row, *way):
        """Return the value of an option and what waits for a release.

        What other options require, and what it needs itself, is added to its own words.
        """
        needed = {
            name
            for option in self.command.options
            if option.name == row["option"] and way
            for name in option.needs
        }
        line = [
            word
            for other in self.rows
            if other[self.detector] == "required" or other["option"] in needed
            if other is not row
            for word in [*spellings(other)[:1], other["value"]]
        ]
        self.command.main([*line, *way], prog_name="detforge", standalone_mode=False)
        *_, values, waiting = self.seen.pop()
        return values[row["option"]], waiting


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the files and folders that the table's values name."""
    path = tmp_path_factory.mktemp("section_11")
    (path / "images").mkdir()
    for name in ("spec.txt", "labels.json", "names.txt", "key.txt", "model.tlt"):
        (path / name).write_text("")
    return path


@pytest.fixture(params=TASK_WORDS)
def task(request, detector, folder, monkeypatch):
    """Return a task of a detector that parses and does not run."""
    monkeypatch.chdir(folder)
    seen = []
    monkeypatch.setattr("detforge.cli.run.run_task", lambda *arguments: seen.append(arguments))
    return Task(detector, request.param, seen)


@pytest.fixture(params=DETECTORS)
def detector(request):
    return request.param


def spellings(row):
    return row["spellings"].split()


def ways(row):
    """Return all ways of giving an option."""
    values = row["value"].split(" ") if row["value"] else []
    if not row["spellings"]:
        return [values]
    found = []
    for spelling in spellings(row):
        found += [[spelling, *values], ["\u2013" + spelling.lstrip("-"), *values]]
        if len(values) == 1:
            found.append([f"{spelling}={values[0]}"])
        if spelling.startswith("--"):
            found.append(["--" + spelling[2:].replace("_", "-"), *values])
    return found


def test_every_spelling_reaches_the_same_value(task):
    for row in task.having("required", "optional"):
        found = {" ".join(way): repr(task.parse(row, *way)[0]) for way in ways(row)}
        if row["option"] == "output":  # some spellings mean a folder, which ends in a slash
            found = {way: value.replace("/'", "'") for way, value in found.items()}
        assert len(set(found.values())) == 1, found
        assert not set(found.values()).intersection(ABSENT)


def test_absent_option_has_its_default(task):
    for row in task.having("optional"):
        value = str(task.parse(row)[0])
        assert value == row["default"] if row["default"] else value in ABSENT, row["option"]


def test_absent_required_option_is_missed(task):
    for row in task.having("required"):
        with pytest.raises(UsageError, match=r"^missing ") as caught:
            task.parse(row)
        assert not spellings(row) or any(word in str(caught.value) for word in spellings(row))


def test_refused_option_names_the_detectors_that_have_it(task):
    for row in task.having("refused"):
        owners = {name for name in DETECTORS if row[name] != "refused"}
        for way in ways(row):
            with pytest.raises(UsageError, match=r"^--\w+ has no effect here: ") as caught:
                task.parse(row, *way)
            named = str(caught.value).rpartition("; leave it out")[2]
            assert owners == set(re.findall(r"[\w]+", named)) - {"and", "has", "have", "it"}


def test_option_waits_for_its_feature_alone(task):
    for row in task.having("required", "optional"):
        waiting = list(task.parse(row, *ways(row)[0])[1].values())
        assert waiting == ([row["waits_for"]] if row["waits_for"] else []), row["option"]


def test_table_and_parser_have_the_same_options(task):
    in_table = {
        row["option"]: ({underscored(word) for word in spellings(row)}, row["arity"])
        for row in task.rows
    }
    assert in_table == {
        option.name: (set(option.spellings), option.arity) for option in task.command.options
    }
