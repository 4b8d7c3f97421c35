"""Reading records: what a pattern names, checked against the manifests beside it."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.examples import Reading, category_names, from_example
from detforge.data.features import Features
from detforge.data.manifest import (
    Fold,
    Shard,
    manifest_path,
    prefix_of,
    read_manifest,
    working_folder,
)
from detforge.data.record_files import find_record_files, named_by
from detforge.data.samples import Sample, SampleSource
from detforge.data.tao_examples import from_tao_example, is_tao_example
from detforge.data.tfrecord import TFRecordFile
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from detforge.data.manifest import Manifest

log = logging.getLogger(__name__)


class _Summary(NamedTuple):
    """What some files hold; `dropped` is reason -> objects, where reading them was needed."""

    objects: Mapping[str, int]
    max_objects: int
    categories: Mapping[int, str]
    dropped: Mapping[str, int]

    @classmethod
    def joined(cls, parts: Sequence[_Summary]) -> _Summary:
        """Return what all of them hold."""
        objects: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        categories: dict[int, str] = {}
        for part in parts:
            objects.update(part.objects)
            dropped.update(part.dropped)
            categories |= part.categories
        return cls(objects, max(part.max_objects for part in parts), categories, dropped)


class _Entry(NamedTuple):
    """What the manifest says of one file; `numbers` is class name -> number in the records."""

    fold: Fold
    shard: Shard
    numbers: Mapping[str, int]

    def classes(self, reading: Reading) -> list[str]:
        """Return what samples may call their classes."""
        return (
            [str(n) for n in self.numbers.values()] if reading.by_category_id else [*self.numbers]
        )

    def summary(self, reading: Reading) -> _Summary:
        """Return what reading all records would give."""
        names = dict(zip(self.numbers, self.classes(reading), strict=True))
        objects = {names[name]: count for name, count in self.shard.objects.items()}
        categories = {number: name for name, number in self.numbers.items()}
        return _Summary(objects, self.shard.max_objects, categories, {})


_AS_THEY_ARE = Reading()


class RecordSource(SampleSource):
    """The records of some TFRecord files, in the order of the file names.

    Attributes:
        files: the record files.
        folds: names of the folds that they belong to, as far as manifests tell.
    """

    drop_advice = ", or convert again with --drop_unmapped to leave them out"

    def __init__(
        self,
        pattern: str,
        *,
        field: str = "",
        reading: Reading = _AS_THEY_ARE,
        files: Sequence[Path] | None = None,
    ) -> None:
        """Find the files, walk their records and compare them with their manifests.

        Args:
            pattern: a glob pattern, a prefix, a file or a folder.
            field: the spec field that holds the pattern, for messages.
            reading: what records of others do not say themselves.
            files: those of the pattern to read; None for all.

        Raises:
            DatasetError: nothing matches, no record is in it, a file is damaged or cut off, or
                it is not what the manifest says.
        """
        self.name = pattern
        self.files = find_record_files(pattern, field) if files is None else list(files)
        self._reading = reading
        self._entries = _check_manifests(self.files)
        self.folds = frozenset(entry.fold.name for entry in self._entries if entry)
        self._shards = [TFRecordFile(path) for path in self.files]
        for shard, entry in zip(self._shards, self._entries, strict=True):
            if entry and len(shard) != entry.shard.records:
                raise DatasetError(
                    f"{shard.path} holds {len(shard)} records, its manifest says "
                    f"{entry.shard.records}; copy the file again, or convert again"
                )
        self._ends = np.cumsum([len(shard) for shard in self._shards])
        if not len(self):
            raise DatasetError(
                f"the records {pattern}{named_by(field)} hold no image ({len(self.files)} files)"
            )

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, row: int) -> Sample:
        file = int(np.searchsorted(self._ends, row, side="right"))
        shard, entry = self._shards[file], self._entries[file]
        index = row - int(self._ends[file]) + len(shard)
        sample = _read(_features(shard, index), self._reading)
        if entry:
            known = entry.classes(self._reading)
            _check_classes(sample, known, f"{shard.path} record {index}")
        return sample

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects."""
        return dict(sorted(self._summary.objects.items()))

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return self._summary.max_objects

    @property
    def categories(self) -> Mapping[int, str]:  # type: ignore[override]
        """Class number -> name, where classes go by their numbers."""
        return self._summary.categories if self._reading.by_category_id else {}

    @cached_property
    def _summary(self) -> _Summary:
        shards = list(zip(self._shards, self._entries, strict=True))
        if unknown := sum(len(shard) for shard, entry in shards if not entry):
            plural = "s" if unknown > 1 else ""
            log.info(
                "%s: reading %d record%s once, for there is no manifest", self.name, unknown, plural
            )
        found = _Summary.joined(
            [
                entry.summary(self._reading) if entry else _scan(shard, self._reading)
                for shard, entry in shards
            ]
        )
        for reason, count in sorted(found.dropped.items()):
            plural = "s" if count > 1 else ""
            log.warning("%s: %d object%s left out: %s", self.name, count, plural, reason)
        return found


def _features(shard: TFRecordFile, index: int) -> Features:
    return Features(shard[index], f"{shard.path} record {index}")


def _read(features: Features, reading: Reading) -> Sample:
    read = from_tao_example if is_tao_example(features) else from_example
    return read(features, reading)


def _check_classes(sample: Sample, known: Sequence[str], place: str) -> None:
    """Refuse a class that the manifest does not list: what it counts are other records."""
    if unknown := sorted(set(sample.class_names).difference(known)):
        raise DatasetError(
            f"{place} has the class {unknown[0]!r}, and its manifest lists {', '.join(known)}: it "
            "is that of other records. Copy the records again with their own manifest, or convert "
            "again"
        )


def _scan(shard: TFRecordFile, reading: Reading) -> _Summary:
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    categories: dict[int, str] = {}
    most = 0
    for index in range(len(shard)):
        features = _features(shard, index)
        categories |= category_names(features)
        sample = _read(features, reading)
        counts.update(sample.class_names)
        dropped.update(fault.reason for fault in sample.dropped)
        most = max(most, len(sample.class_names))
    return _Summary(counts, most, categories, dropped)


def _check_manifests(files: Sequence[Path]) -> list[_Entry | None]:
    """Return what the manifests say of each file, None for a file without a manifest."""
    entries: list[_Entry | None] = []
    by_prefix = itertools.groupby(files, key=lambda path: (path.parent, prefix_of(path.name)))
    for (folder, prefix), group in by_prefix:
        paths = list(group)
        location = manifest_path(folder, prefix)
        if location.is_file():
            manifest = read_manifest(location)
            found = [_entry(manifest, location, path) for path in paths]
            _report_missing(found, location)
            entries.extend(found)
        elif working_folder(folder, prefix).is_dir():
            raise DatasetError(
                f"{paths[0]} comes from a conversion that did not finish; run dataset_convert "
                f"again (it left {working_folder(folder, prefix)})"
            )
        else:
            entries.extend([None] * len(paths))
    return entries


def _entry(manifest: Manifest, location: Path, path: Path) -> _Entry:
    found = manifest.find(path.name)
    if found is None:
        raise DatasetError(
            f"{path} is not listed in {location.name}; it is left over from another conversion. "
            "Delete it, or convert again with --force"
        )
    size = path.stat().st_size
    count_from_one = {name: number for number, name in enumerate(manifest.classes, start=1)}
    entry = _Entry(*found, manifest.class_numbers or count_from_one)
    if not set(entry.shard.objects) <= set(entry.numbers):
        raise DatasetError(
            f"{location} is damaged: it counts objects of classes that it does not list; convert "
            "again, or delete it to have the records scanned instead"
        )
    if size != entry.shard.bytes:
        raise DatasetError(
            f"{path} has {size} bytes, its manifest says {entry.shard.bytes}: it was cut off or "
            "changed. Copy the file again, or convert again"
        )
    return entry


def _report_missing(entries: Sequence[_Entry], location: Path) -> None:
    """Say when only some shards of a fold are used: deliberate or lost, nobody else would tell."""
    used = Counter(entry.fold.index for entry in entries)
    for fold in {entry.fold.index: entry.fold for entry in entries}.values():
        if used[fold.index] < len(fold.shards):
            log.warning(
                "%s: %d of the %d shards of fold %d are used",
                location,
                used[fold.index],
                len(fold.shards),
                fold.index,
            )
