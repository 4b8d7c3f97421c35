"""The largest sample spec: checked as a process, and read against protobuf's own parser."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.help import process
from benchmarks.pairs import Pair, Side, compare_times

SPECS = Path(os.environ.get("DETFORGE_SPECS", Path(__file__).parents[2] / "shared" / "specs"))
IMPORTS = "import click, google.protobuf.text_format"


def run(turns: int) -> list[Pair]:
    """Return ratios of *times*, so smaller is better."""
    detector, path = largest_sample()
    command = (sys.executable, "-m", "detforge", detector, "spec", "--check", str(path))
    check, imports = Side(process, command), Side(process, (sys.executable, "-c", IMPORTS))
    ours, theirs = Side(our_parser, detector, path), Side(text_format_parse, detector, path)
    what = f"`spec --check {path.name}` over importing click and protobuf"
    parsing = f"our parser over `text_format.Parse`, {path.name}"
    return [
        compare_times(
            f"{what} (processes/s; ratio of times)",
            check,
            imports,
            turns=turns,
            calls=5,
            aim="4 processes/s",
        ),
        compare_times(
            f"{parsing} (specs/s; ratio of times)",
            ours,
            theirs,
            turns=turns,
            calls=100,
            aim="at most 20",
        ),
    ]


def largest_sample() -> tuple[str, Path]:
    """Return the largest of the users' experiment specs, and its detector.

    Raises:
        SystemExit: there are none.
    """
    from detforge.installed import installed_detectors

    names = {listing.name for listing in installed_detectors()}
    samples = [path for path in SPECS.glob("*.txt") if path.stem in names]
    if not samples:
        raise SystemExit(
            f"{SPECS} holds no sample specs; set DETFORGE_SPECS, or run others with --only"
        )
    path = max(samples, key=lambda sample: sample.stat().st_size)
    return path.stem, path


def our_parser(detector: str, path: Path) -> Callable[[], object]:
    """Return a call that reads the spec once with our parser."""
    from detforge.plugins import load_detector
    from detforge.spec.parser import parse_text

    schema, text = load_detector(detector).spec_schema(), path.read_text(encoding="utf-8")
    return lambda: parse_text(text, schema())


def text_format_parse(detector: str, path: Path) -> Callable[[], object]:
    """Return a call that reads the spec once with protobuf's own parser."""
    from google.protobuf import text_format

    from detforge.plugins import load_detector

    schema, text = load_detector(detector).spec_schema(), path.read_text(encoding="utf-8")
    return lambda: text_format.Parse(text, schema())
