"""How many objects of each class there are, told before the first step."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING

from detforge.data.concatenation import Concatenation
from detforge.data.labels import is_ignore_marker
from detforge.text_table import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.data.samples import SampleSource
    from detforge.recipe import Classes

log = logging.getLogger("detforge")

# More sources than that make lines that no terminal holds.
_SOURCES_SHOWN = 4
_UNMARKED = "left unlabelled (DontCare)"


def report_classes(
    training: SampleSource, validation: SampleSource | None, classes: Classes
) -> None:
    """Log a table with a row per class; a class without an object to learn from is a warning."""
    header, *rows = class_rows(training, validation, classes)
    log.info("training on %d images; objects:\n%s", len(training), table(header, rows))
    counts = _by_class(training.class_counts(), classes)
    if absent := [name for name in classes.names if not counts[name]]:
        log.warning(
            "no training object is of %s: the model will not find %s. Is a label missing in "
            "target_class_mapping, or a data source?",
            *(", ".join(absent), "it" if len(absent) == 1 else "them"),
        )


def class_rows(
    training: SampleSource, validation: SampleSource | None, classes: Classes
) -> list[list[str]]:
    """Return the table as text, its header first.

    A column for each source where there are a few, the difficult ones where the sources know
    them without reading every image, and the validation set.
    """
    columns = {"training": training.class_counts()}
    parts = training.sources if isinstance(training, Concatenation) else (training,)
    if 1 < len(parts) <= _SOURCES_SHOWN:
        for number, part in enumerate(parts, start=1):
            columns[f"{number}: {PurePath(part.name).name}"] = part.class_counts()
    difficult = [part.difficult_counts() for part in parts]
    if any(difficult):
        known = [counts for counts in difficult if counts is not None]
        name = "difficult" if len(known) == len(parts) else "difficult (KITTI)"
        columns[name] = dict(sum(map(Counter, known), Counter()))
    if validation is not None:
        columns["validation"] = validation.class_counts()
    grouped = [_by_class(counts, classes) for counts in columns.values()]
    names = [*classes.names, *([_UNMARKED] if any(c[_UNMARKED] for c in grouped) else [])]
    return [["class", *columns], *([name, *(str(c[name]) for c in grouped)] for name in names)]


def _by_class(counts: Mapping[str, int], classes: Classes) -> Counter[str]:
    grouped: Counter[str] = Counter()
    for name, count in counts.items():
        label = classes.label(name)
        if label is not None:
            grouped[classes.names[label]] += count
        elif is_ignore_marker(name):
            grouped[_UNMARKED] += count
    return grouped
