"""The statistics of a subject: computed, and written to a folder."""

from __future__ import annotations

import itertools
import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from detforge import __version__
from detforge.files.atomic import write_atomically
from detforge.inspection.fitting import find_unfit
from detforge.inspection.measures import measure, with_class_names
from detforge.inspection.summary import summarise
from detforge.inspection.suspicious import find_same_images, find_suspicious

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from detforge.inspection.inputs import Subject
    from detforge.inspection.measures import Measures
    from detforge.inspection.summary import Summary
    from detforge.inspection.suspicious import Finding

log = logging.getLogger(__name__)

NUMBERS, PLACES, PICTURE = "stats.json", "suspicious.jsonl", "stats.png"
FORMAT_VERSION = "1.0"
# Places of a finding that the JSON of the numbers shows.
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """What was found in a subject.

    Attributes:
        subject: what was inspected.
        measures: part -> its arrays.
        summaries: part -> its numbers.
        findings: part -> its suspicious labels; under "" what concerns several parts.
    """

    subject: Subject
    measures: Mapping[str, Measures]
    summaries: Mapping[str, Summary]
    findings: Mapping[str, Sequence[Finding]]


def inspect(subject: Subject, *, hash_images: bool = False) -> Statistics:
    """Read the labels of a subject and return what is in them.

    Args:
        subject: what to read.
        hash_images: look for images that are there twice, which reads every image.
    """
    recipe = subject.recipe
    measures = {
        part: with_class_names(measure(sources, digests=hash_images), subject.shown_names)
        for part, sources in subject.parts.items()
    }
    format = recipe.input if recipe else None
    findings = {
        part: [*(find_unfit(found, recipe) if recipe else ()), *find_suspicious(found)]
        for part, found in measures.items()
    }
    if hash_images:
        findings[""] = find_same_images(measures)
    return Statistics(
        subject=subject,
        measures=measures,
        summaries={part: summarise(found, format) for part, found in measures.items()},
        findings=findings,
    )


def as_json(statistics: Statistics) -> dict[str, Any]:
    """Return the numbers, and of each kind of suspicious label the first places."""
    recipe = statistics.subject.recipe
    return {
        "format_version": FORMAT_VERSION,
        "detforge": __version__,
        "data": statistics.subject.title,
        "network_input": asdict(recipe.input) if recipe else None,
        "parts": {
            part: _rounded(asdict(summary)) for part, summary in statistics.summaries.items()
        },
        "suspicious": [
            {
                "part": part,
                "kind": finding.kind,
                "title": finding.title,
                "advice": finding.advice,
                "count": finding.count,
                "first": list(itertools.islice(finding.places(), _EXAMPLES)),
            }
            for part, findings in statistics.findings.items()
            for finding in findings
        ],
    }


def write(statistics: Statistics, folder: Path) -> list[Path]:
    """Write the numbers, every suspicious label, and the picture; return the files.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = json.dumps(as_json(statistics), indent=1, ensure_ascii=False) + "\n"
    # File names that are no text have lone surrogates, which JSON writes with backslashes.
    write_atomically(folder / NUMBERS, numbers.encode(errors="backslashreplace"))
    with (folder / PLACES).open("w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.writelines(_lines(statistics))
    files = [folder / NUMBERS, folder / PLACES]
    try:
        write_atomically(folder / PICTURE, _picture(statistics))
    except ImportError:
        log.warning("no %s: matplotlib is not installed; pip install 'detforge[train]'", PICTURE)
        return files
    return [*files, folder / PICTURE]


def _lines(statistics: Statistics) -> Iterator[str]:
    for part, findings in statistics.findings.items():
        for finding in findings:
            for place in finding.places():
                content = {"part": part, "kind": finding.kind, **place}
                yield json.dumps(content, ensure_ascii=False) + "\n"


def _picture(statistics: Statistics) -> bytes:
    from detforge.inspection.charts import Part, draw_charts

    recipe = statistics.subject.recipe
    parts = {
        part: Part(found, statistics.summaries[part]) for part, found in statistics.measures.items()
    }
    return draw_charts(parts, statistics.subject.title, recipe.input if recipe else None)


def _rounded(value: Any) -> Any:
    """Return plain values with six significant digits."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
