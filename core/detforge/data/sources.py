"""What a spec names as its data, as one source."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.kitti import KittiFolder
from detforge.data.labels import check_labels
from detforge.data.records import RecordSource
from detforge.data.samples import Sample, SampleSource
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from detforge.plugins import Detector
    from detforge.recipe import DataSource, Recipe

log = logging.getLogger(__name__)


class Concatenation(SampleSource):
    """Several sources, one after the other."""

    def __init__(self, sources: Sequence[SampleSource]) -> None:
        self.name = ", ".join(source.name for source in sources)
        self.left_out = tuple(file for source in sources for file in source.left_out)
        self.drop_advice = "".join(dict.fromkeys(source.drop_advice for source in sources))
        self._sources = tuple(sources)
        self._ends = np.cumsum([len(source) for source in sources])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, row: int) -> Sample:
        index = int(np.searchsorted(self._ends, row, side="right"))
        source = self._sources[index]
        return source[row - int(self._ends[index]) + len(source)]

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects."""
        counts: dict[str, int] = {}
        for source in self._sources:
            for name, count in source.class_counts().items():
                counts[name] = counts.get(name, 0) + count
        return dict(sorted(counts.items()))

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return max(source.max_objects() for source in self._sources)


def open_sources(
    sources: Sequence[DataSource], detector: Detector, what: str = "training"
) -> SampleSource:
    """Return the sources of a spec as one.

    Args:
        sources: from the recipe.
        detector: asked for further readers (hook `dataset_readers`).
        what: "training" or "validation", for messages.

    Raises:
        DatasetError: there is no source, one names nothing, or one cannot be read.
    """
    if not sources:
        raise DatasetError(f"the spec names no {what} data")
    readers = {
        suffix: reader
        for extra in detector.hook.dataset_readers()
        for suffix, reader in extra.items()
    }
    opened = [_open(source, readers, what) for source in sources]
    return opened[0] if len(opened) == 1 else Concatenation(opened)


def open_validation(recipe: Recipe, detector: Detector) -> SampleSource | None:
    """Return the validation set of a run, or None when its spec names none.

    No image is read: mistakes show at the start of a run and not at its first evaluation.

    Args:
        recipe: its sources and classes.
        detector: asked for further readers.

    Raises:
        DatasetError: a source cannot be read, holds a class that is not mapped, or there is no
            labelled object to be found.
    """
    if not recipe.data.validation:
        return None
    source = open_sources(recipe.data.validation, detector, what="validation")
    check_labels(source, recipe.classes, what="validation")
    return source


def _open(
    source: DataSource, readers: Mapping[str, Callable[[Path], SampleSource]], what: str
) -> SampleSource:
    for path in (source.records, source.images):
        if path and (reader := readers.get(Path(path).suffix)):
            if source.labels:
                raise DatasetError(
                    f"{source.field or 'a data source'}: {path} is opened by a reader that brings "
                    f"its own labels, so that {source.labels} would not be read; name it where "
                    "records are named (tfrecords_path), without a folder of labels"
                )
            return reader(Path(path))
    if source.records:
        records = RecordSource(source.records, field=source.field)
        _report_other_folds(records, what)
        return records
    if not source.images or not source.labels:
        raise DatasetError(
            f"{source.field or 'a data source'} names neither records nor a folder of images "
            "together with a folder of labels"
        )
    return KittiFolder(Path(source.images), Path(source.labels), field=source.field)


def _report_other_folds(records: RecordSource, what: str) -> None:
    """Say when training would see validation images, or the other way round.

    Nothing is left out: the pattern may be meant.
    """
    other = {"training": "validation", "validation": "training"}.get(what)
    if other in records.folds:
        log.warning(
            "%s covers the %s fold of its conversion; as %s data name one fold only, "
            "'<prefix>-fold-000*' for validation, '<prefix>-fold-001*' for training",
            records.name,
            other,
            what,
        )
