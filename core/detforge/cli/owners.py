"""Whose spec a file is, when it is not one of the detector that was named."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from detforge.errors import DetforgeError, Problem, SpecError
from detforge.plugins import installed_detectors, load_detector
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from pathlib import Path

    from detforge.plugins import Detector

_UNKNOWN = ("unknown", "looks like a spec of another detector")


def name_owner(err: SpecError, spec: Path | str, detector: Detector) -> SpecError:
    """Return an error that says whose spec a file is, or the same error.

    Args:
        err: what is wrong with it as a spec of `detector`.
        spec: the file, or its text.
        detector: the one that was named. All others are loaded if it does not know a name.
    """
    if not any(problem.message.startswith(_UNKNOWN) for problem in err.problems):
        return err
    text = spec if isinstance(spec, str) else spec.read_text(encoding="utf-8")
    if owner := _owner(text, detector):
        message = f"is a spec of {owner}, not of {detector.name}; use detforge {owner}"
        return SpecError(Problem("", message, err.problems[0].file))
    return err


def _owner(text: str, besides: Detector) -> str:
    """Return the name of another detector that reads a spec without a mistake, '' for none."""
    owners = []
    for listing in installed_detectors():
        with contextlib.suppress(DetforgeError):  # a broken one is not the matter here
            schema = load_detector(listing.name).spec_schema()
            parsed = parse_text(text, schema())
            if schema is besides.spec_schema() or parsed.problems:
                continue
            if f"{listing.name}_config" in parsed.positions:
                return listing.name  # of several that share a schema
            owners.append(listing.name)
    return owners[0] if owners else ""
