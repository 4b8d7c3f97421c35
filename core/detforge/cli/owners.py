"""Whose spec a file is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from detforge.errors import DetforgeError, PluginError, UsageError
from detforge.installed import installed_detectors
from detforge.plugins import load_detector
from detforge.protos.convert_pb2 import Convert
from detforge.spec import load_spec
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from detforge.plugins import Detector

# Specs have a few kilobytes.
_ENOUGH_BYTES = 1 << 16


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


def detector_of(path: Path, changes: Sequence[str] = ()) -> Detector:
    """Return the installed detector whose spec a file is.

    Of a spec with mistakes it is the one that knows most of its fields.

    Args:
        path: the file.
        changes: of single fields, ``"training_config.num_epochs=3"``.

    Raises:
        UsageError: several detectors read it, or none knows what it says.
    """
    detectors = list(_working())
    if fitting := [detector for detector in detectors if _reads(detector, path, changes)]:
        if len(fitting) == 1:
            return fitting[0]
        names = [detector.name for detector in fitting]
        raise UsageError(f"{path} fits {' and '.join(names)}; choose one: --detector {names[0]}")
    return _nearest(path, detectors)


def _working() -> Iterator[Detector]:
    """Yield the detectors that load; their own commands tell of the others."""
    for listing in installed_detectors():
        with contextlib.suppress(PluginError):
            yield load_detector(listing.name)


def _reads(detector: Detector, path: Path, changes: Sequence[str]) -> bool:
    try:
        spec = load_spec(path, detector.spec_schema(), changes)
        detector.hook.recipe(spec=spec.message)
    except DetforgeError:
        return False
    return True


def _nearest(path: Path, detectors: Sequence[Detector]) -> Detector:
    """Return the detector that knows more of a spec's names than the others."""
    with path.open("rb") as stream:
        # What is no text, and too long for a spec, is for whoever loads it to tell.
        text = stream.read(_ENOUGH_BYTES).decode(errors="replace")

    def fit(detector: Detector) -> tuple[int, bool, int]:
        parsed = parse_text(text, detector.spec_schema()())
        own = f"{detector.name}_config" in parsed.positions
        return len(parsed.positions) - len(parsed.unknown), own, -len(detector.name)

    best = max(detectors, key=fit, default=None)
    if best is not None and fit(best)[0] > 0:
        return best
    if not (parsed := parse_text(text, Convert())).unknown and parsed.positions:
        raise UsageError(
            f"{path} is a conversion spec; name the data that it names, or an experiment spec"
        )
    names = ", ".join(detector.name for detector in detectors) or "none"
    raise UsageError(
        f"{path} is text, and a spec of no installed detector ({names}); with --detector NAME you "
        "are told what is wrong with it"
    )
