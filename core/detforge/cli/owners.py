"""Whose spec a file is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from detforge.errors import PluginError, SpecError, UsageError
from detforge.installed import installed_detectors
from detforge.plugins import load_detector
from detforge.spec import load_spec
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from detforge.plugins import Detector


def experiment_schemas() -> dict[str, type[Message]]:
    """Return the message class of the experiment spec of every installed detector.

    Loads them all, so it is for explaining an error; broken ones are left out. Of detectors that
    share a schema the one with the shortest name is there.
    """
    owners: dict[type[Message], str] = {}
    for listing in sorted(installed_detectors(), key=lambda listing: len(listing.name)):
        with contextlib.suppress(PluginError):
            owners.setdefault(load_detector(listing.name).spec_schema(), listing.name)
    return {name: schema for schema, name in owners.items()}


def detector_of(path: Path) -> Detector:
    """Return the installed detector whose spec a file is.

    Of a spec with mistakes it is the one that knows most of its fields.

    Raises:
        UsageError: several detectors read it, or none knows what it says.
    """
    detectors = [load_detector(name) for name in _working()]
    if fitting := [detector for detector in detectors if _reads(detector, path)]:
        names = [detector.name for detector in fitting]
        if len(fitting) > 1:
            raise UsageError(
                f"{path} fits {' and '.join(names)}; choose one: --detector {names[0]}"
            )
        return fitting[0]
    return _nearest(path, detectors)


def _working() -> list[str]:
    """Return the names of the detectors that load; their own commands tell of the others."""
    names = []
    for listing in installed_detectors():
        with contextlib.suppress(PluginError):
            names.append(load_detector(listing.name).name)
    return names


def _reads(detector: Detector, path: Path) -> bool:
    try:
        spec = load_spec(path, detector.spec_schema())
        detector.hook.recipe(spec=spec.message)
    except SpecError:
        return False
    return True


def _nearest(path: Path, detectors: list[Detector]) -> Detector:
    """Return the detector that knows more of a spec's names than the others."""
    # Bytes that are no text, and other mistakes, are for whoever loads the spec to tell.
    text = path.read_text(encoding="utf-8", errors="replace")
    known = {}
    for detector in detectors:
        parsed = parse_text(text, detector.spec_schema()())
        known[detector] = len(parsed.positions) - len(parsed.unknown)
    best = max(known, key=lambda detector: known[detector], default=None)
    if best is None or known[best] <= 0:
        names = ", ".join(detector.name for detector in detectors) or "none"
        raise UsageError(
            f"{path} is no spec of an installed detector ({names}); it is read as a spec because "
            "it is neither JSON nor records. With --detector NAME it says what is wrong with it"
        )
    return best
