"""Damaged specs: nothing but SpecError, however they are damaged; `make fuzz` runs a million."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.spec import fuzz

from detforge.errors import Problem

COUNT = 2_000


def test_damaged_specs_give_a_message_or_a_spec_error():
    # In a process of its own: this one has NumPy, and other tests' memory.
    command = [sys.executable, str(Path(fuzz.__file__)), f"--count={COUNT}", "--jobs=1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{COUNT:,} specs" in result.stdout


@pytest.fixture(scope="module")
def seeds():
    return fuzz.corpus()


def test_every_detector_and_the_conversion_are_damaged(seeds):
    assert {seed.detector.name for seed in seeds if seed.detector} == set(fuzz.DETECTORS)
    assert any(seed.detector is None for seed in seeds)


def test_crash_is_reported_with_the_seed_that_shows_it_again(seeds, monkeypatch):
    def crash(*_):
        raise ValueError("oops")

    monkeypatch.setattr(fuzz, "parse_spec", crash)
    accepted, found = fuzz.run_one(seeds, 7)
    assert not accepted
    assert found.startswith("seed 7, ")
    assert found.strip().endswith("ValueError: oops")


@pytest.mark.parametrize(
    "problem",
    [
        Problem("a", "", "s.txt", 1, 1),
        Problem("a", "message", "s.txt", 3, 1),
        Problem("a", "message", "s.txt", 2, 5),
        Problem("a", "message"),
        Problem("a", "m" * 5_000, "s.txt", 1, 1),
    ],
    ids=["no message", "no such line", "no such column", "no file", "endless"],
)
def test_answer_that_makes_no_sense_is_found(problem):
    with pytest.raises(AssertionError):
        fuzz.check_problems([problem], "one\ntwo")
