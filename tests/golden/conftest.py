"""Numbers computed by public reference implementations, read from outside the repository.

Each family is a FAMILY.json, with FAMILY.npz for its arrays. The folder is DETFORGE_GOLDEN, or
../shared/golden next to the repository; without it the golden tests are skipped, or refused
where DETFORGE_REQUIRE_GOLDEN is set. A test asks for cases with ``@pytest.mark.golden(FAMILY)``
and an argument ``case``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "golden"
FOLDER = Path(os.environ.get("DETFORGE_GOLDEN") or DEFAULT)


@dataclass(frozen=True)
class GoldenCase:
    name: str
    config: dict[str, Any]
    inputs: dict[str, Any]
    expected: dict[str, Any]
    rtol: float
    atol: float

    def check(self, got: Any, name: str) -> None:
        """Compare with `expected[name]`: floats within tolerance, all else exactly."""
        self.compare(got, self.expected[name], name)

    def compare(self, got: Any, want: Any, what: str) -> None:
        got, want = np.asarray(got), np.asarray(want)
        assert got.shape == want.shape, f"{what}: shape {got.shape}, wanted {want.shape}"
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(got, want, err_msg=what)
            return
        error = np.abs(got.astype(np.float64) - want)
        # Written so that NaN fails too.
        wrong = ~(error <= self.atol + self.rtol * np.abs(want))
        assert not wrong.any(), f"{what}: {wrong.sum()} of {wrong.size} off, by {error.max()}"


@cache
def load(family: str) -> tuple[GoldenCase, ...]:
    document = json.loads((FOLDER / f"{family}.json").read_text("utf-8"))
    arrays = np.load(FOLDER / document["npz"]) if document["npz"] else {}

    def resolve(values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: arrays[value["npz"]] if isinstance(value, dict) and "npz" in value else value
            for name, value in values.items()
        }

    return tuple(
        GoldenCase(
            name=case["name"],
            config=case["config"],
            inputs=resolve(case["inputs"]),
            expected=resolve(case["expected"]),
            **case.get("tolerance", document["default_tolerance"]),
        )
        for case in document["cases"]
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "golden(family, expects='', config=()): run for each case of the family that expects "
        "such a result and has such settings",
    )


def pytest_generate_tests(metafunc):
    marker = metafunc.definition.get_closest_marker("golden")
    if marker:
        metafunc.parametrize("case", cases(*marker.args, **marker.kwargs))


@pytest.fixture
def golden_file():
    """Return a function that gives the path of a file that is no family of cases."""

    def find(name: str) -> Path:
        if (FOLDER / name).is_file():
            return FOLDER / name
        assert not os.environ.get("DETFORGE_REQUIRE_GOLDEN"), f"{FOLDER / name} is absent"
        return pytest.skip(f"no {name} in {FOLDER}; set DETFORGE_GOLDEN")

    return find


def cases(family: str, expects: str = "", config: tuple[str, ...] = ()) -> list[Any]:
    """Return the cases of one family as parameters, or one parameter that says why not."""
    if not (FOLDER / f"{family}.json").is_file():
        what = f"golden family {family}" if FOLDER.is_dir() else "golden numbers"
        if os.environ.get("DETFORGE_REQUIRE_GOLDEN"):
            raise pytest.UsageError(f"no {what} in {FOLDER}, and DETFORGE_REQUIRE_GOLDEN is set")
        skip = pytest.mark.skip(reason=f"no {what} in {FOLDER}; set DETFORGE_GOLDEN")
        return [pytest.param(None, id=f"{family}-absent", marks=skip)]
    chosen = [
        pytest.param(case, id=f"{family}-{case.name}")
        for case in load(family)
        if (not expects or expects in case.expected) and set(config) <= set(case.config)
    ]
    if not chosen:
        # An empty list would silently skip the test.
        raise pytest.UsageError(f"{FOLDER / family}.json has no case with {expects} {config}")
    return chosen
