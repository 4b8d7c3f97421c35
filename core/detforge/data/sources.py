"""What a spec names as its data, as one source."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from detforge.data.annotated_records import AnnotatedRecords
from detforge.data.coco import CocoFile
from detforge.data.concatenation import Concatenation
from detforge.data.examples import Reading
from detforge.data.kitti import KittiFolder
from detforge.data.labels import check_labels, numbered_labels
from detforge.data.record_files import find_record_files, fold_of
from detforge.data.records import RecordSource
from detforge.errors import DatasetError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detforge.data.samples import SampleSource
    from detforge.plugins import Detector
    from detforge.recipe import DataSource, Recipe

log = logging.getLogger(__name__)


def open_training(recipe: Recipe, detector: Detector) -> SampleSource:
    """Return the training set of a run.

    Where a fold of the records validates, it is all their other folds. How often the images of
    each source are drawn is for `SampleSource.weights` to say.

    Args:
        recipe: its sources and classes.
        detector: asked for further readers.

    Raises:
        DatasetError: there is no source, one names nothing, or one cannot be read.
        PluginError: two readers claim one suffix.
    """
    return _Opening(recipe, detector, "training").open(recipe.data.training)


def open_validation(recipe: Recipe, detector: Detector) -> SampleSource | None:
    """Return the validation set of a run, or None when its spec names none.

    No image is read: mistakes show at the start of a run and not at its first evaluation.

    Args:
        recipe: its sources and classes.
        detector: asked for further readers.

    Raises:
        DatasetError: a source cannot be read, holds a class that is not mapped, or there is no
            labelled object to be found.
        PluginError: two readers claim one suffix.
    """
    source = open_set(recipe, detector, "validation")
    if source is not None:
        check_labels(source, recipe.classes, what="validation")
    return source


def open_set(
    recipe: Recipe, detector: Detector, what: Literal["training", "validation"]
) -> SampleSource | None:
    """Return one set of a run whatever its classes, or None when the spec names none.

    Args:
        recipe: its sources.
        detector: asked for further readers.
        what: which of the two.

    Raises:
        DatasetError: a source names nothing, or cannot be read.
        PluginError: two readers claim one suffix.
    """
    data = recipe.data
    is_fold = data.validation_fold is not None
    sources = data.training if what == "training" or is_fold else data.validation
    return _Opening(recipe, detector, what).open(sources) if sources else None


class _Part(NamedTuple):
    """A source, and those of its record files that are asked for; None for what has no records."""

    source: DataSource
    files: list[Path] | None


class _Opening:
    """What one set of a run has in common while its sources are opened."""

    def __init__(self, recipe: Recipe, detector: Detector, what: str) -> None:
        data, classes = recipe.data, recipe.classes
        self._readers = plugin_readers(detector)
        self._what = what
        self._fold = data.validation_fold
        self._masks = data.mask_size > 0
        self._equal = data.equal_sources
        self._by_category_id = classes.by_category_id
        self._reading = Reading(
            by_category_id=classes.by_category_id,
            class_labels=() if classes.by_category_id else numbered_labels(classes),
            image_extension=data.image_extension,
        )

    def open(self, sources: Sequence[DataSource]) -> SampleSource:
        """Return the sources as one."""
        if not sources:
            raise DatasetError(f"the spec names no {self._what} data")
        parts = [_Part(source, self._record_files(source)) for source in sources]
        if self._fold is not None:
            parts = _split(parts, self._fold, self._what)
        opened = [self._open(part) for part in parts]
        if self._by_category_id:
            check_categories(opened)
        if len(opened) == 1:
            return opened[0]
        return Concatenation(
            opened, weights=[part.source.weight for part in parts], equal=self._equal
        )

    def _record_files(self, source: DataSource) -> list[Path] | None:
        if source.records and not self._plugin_path(source):
            return find_record_files(source.records, source.field)
        return None

    def _plugin_path(self, source: DataSource) -> Path | None:
        """Return the path that a reader of a plugin opens, None where there is none."""
        paths = (Path(path) for path in (source.records, source.images) if path)
        return next((path for path in paths if path.suffix in self._readers), None)

    def _open(self, part: _Part) -> SampleSource:
        source, field = part.source, part.source.field
        if path := self._plugin_path(source):
            return self._open_with_plugin(path, source)
        if part.files is not None:
            return self._open_records(source, part.files)
        if source.annotations and source.images:
            return CocoFile(
                Path(source.annotations),
                Path(source.images),
                masks=self._masks,
                by_category_id=self._by_category_id,
                field=field,
            )
        if source.images and source.labels:
            return KittiFolder(Path(source.images), Path(source.labels), field=field)
        raise DatasetError(
            f"{field or 'a data source'} names neither records nor a folder of images together "
            "with a folder of labels or a COCO file"
        )

    def _open_with_plugin(self, path: Path, source: DataSource) -> SampleSource:
        if labels := source.labels or source.annotations:
            raise DatasetError(
                f"{source.field or 'a data source'}: {path} is opened by a reader that brings its "
                f"own labels, so that {labels} would not be read; name it where records are named "
                "(tfrecords_path), without labels"
            )
        return self._readers[path.suffix](path)

    def _open_records(self, source: DataSource, files: Sequence[Path]) -> SampleSource:
        reading = self._reading
        if source.images:
            reading = replace(reading, images=Path(source.images))
        if source.annotations:
            # Of these records only the images count: class numbers are as good as names.
            reading = replace(reading, by_category_id=True)
        records = RecordSource(
            str(source.records), field=source.field, reading=reading, files=files
        )
        if self._fold is not None:
            share = "fold" if self._what == "validation" else "all but fold"
            records.name = f"{records.name} ({share} {self._fold})"
        _report_other_folds(records, self._what)
        if not source.annotations:
            return records
        truth = CocoFile(
            Path(source.annotations),
            None,
            masks=self._masks,
            by_category_id=self._by_category_id,
            field=source.field,
        )
        return AnnotatedRecords(records, truth)


def plugin_readers(detector: Detector) -> dict[str, Callable[[Path], SampleSource]]:
    """Return the readers of a detector and of extensions, by suffix (hook `dataset_readers`).

    Raises:
        PluginError: two readers claim one suffix.
    """
    readers: dict[str, Any] = {}
    for found in detector.hook.dataset_readers():
        for suffix, reader in found.items():
            if suffix in readers and readers[suffix] is not reader:
                one, other = (f"{r.__module__}.{r.__qualname__}" for r in (readers[suffix], reader))
                raise PluginError(
                    f"{one} and {other} both read files that end in {suffix!r}; remove one of the "
                    "two extensions"
                )
            readers[suffix] = reader
    return readers


def _split(parts: Sequence[_Part], fold: int, what: str) -> list[_Part]:
    """Return what is left of some sources when one fold of their records validates.

    Raises:
        DatasetError: no file belongs to the fold, or nothing is left.
    """
    found = (fold_of(file) for part in parts for file in part.files or ())
    numbers = sorted({number for number in found if number is not None})
    if fold not in numbers:
        known = ", ".join(str(number) for number in numbers) or "none"
        names = ", ".join(str(p.source.records or p.source.images) for p in parts)
        raise DatasetError(
            f"validation_fold is {fold}, and no record file of {names} belongs to it: their names "
            f"say 'fold-000-of-...', with the folds {known}"
        )
    is_wanted = fold.__eq__ if what == "validation" else fold.__ne__
    left = []
    for part in parts:
        if part.files is None:
            if what == "training":
                left.append(part)
            continue
        files = [file for file in part.files if is_wanted(fold_of(file))]
        if files:
            left.append(_Part(part.source, files))
    if not left:
        raise DatasetError(
            f"all record files belong to the fold {fold}, which is for validation "
            "(validation_fold); name those of the other folds too, there is nothing to train on"
        )
    return left


def check_categories(sources: Sequence[SampleSource]) -> None:
    """Refuse sources that mean different things by one category id.

    Raises:
        DatasetError: says which id, and where.
    """
    names: dict[int, tuple[str, str]] = {}
    for source in sources:
        for identity, name in source.categories.items():
            known, where = names.setdefault(identity, (name, source.name))
            if known.lower() != name.lower():
                raise DatasetError(
                    f"category {identity} is {known!r} in {where} and {name!r} in {source.name}; "
                    "number the categories of all sources alike"
                )


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
