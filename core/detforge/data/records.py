"""Reading records: what a pattern names, checked against the manifests beside it."""

from __future__ import annotations

import glob
import itertools
import logging
import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.examples import Reading, from_example
from detforge.data.features import Features
from detforge.data.manifest import (
    Fold,
    Shard,
    manifest_path,
    prefix_of,
    read_manifest,
    working_folder,
)
from detforge.data.samples import Sample, SampleSource
from detforge.data.tao_examples import from_tao_example, is_tao_example
from detforge.data.tfrecord import TFRecordFile
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.data.manifest import Manifest

log = logging.getLogger(__name__)

# Files that lie beside records: ours, and the index and warning files of TAO.
_BESIDE = re.compile(
    r"\..*|idx-.*|.*\.(?:manifest\.json|dropped\.jsonl|jsonl?)|.*_warnings?(?:\.\w+)?"
)
# What may follow a prefix in the name of a shard.
_AFTER_PREFIX = re.compile(r"-(?:fold|of|shard)-.*|-\d+-of-\d+.*|\.(?:tfrecords?|records?)")


_FOLD = re.compile(r"fold-(\d+)-of-\d+")


class _Summary(NamedTuple):
    objects: dict[str, int]
    max_objects: int


class _Entry(NamedTuple):
    """What the manifest says of one file."""

    fold: Fold
    shard: Shard
    classes: tuple[str, ...]


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
                f"the records {pattern}{_named_by(field)} hold no image ({len(self.files)} files)"
            )

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, row: int) -> Sample:
        file = int(np.searchsorted(self._ends, row, side="right"))
        shard, entry = self._shards[file], self._entries[file]
        index = row - int(self._ends[file]) + len(shard)
        sample = _read(shard, index, self._reading)
        if entry and not self._reading.by_category_id:
            _check_classes(sample, entry, f"{shard.path} record {index}")
        return sample

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects."""
        return dict(sorted(self._summary.objects.items()))

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return self._summary.max_objects

    @cached_property
    def _summary(self) -> _Summary:
        counts: Counter[str] = Counter()
        most = 0
        for shard, entry in zip(self._shards, self._entries, strict=True):
            if entry and not self._reading.by_category_id:
                found = _Summary(dict(entry.shard.objects), entry.shard.max_objects)
            else:
                found = _scan(shard, self._reading)
            counts.update(found.objects)
            most = max(most, found.max_objects)
        return _Summary(dict(counts), most)


def _read(shard: TFRecordFile, index: int, reading: Reading) -> Sample:
    features = Features(shard[index], f"{shard.path} record {index}")
    read = from_tao_example if is_tao_example(features) else from_example
    return read(features, reading)


def _check_classes(sample: Sample, entry: _Entry, place: str) -> None:
    """Refuse a class that the manifest does not list: what it counts are other records."""
    unknown = sorted(set(sample.class_names).difference(entry.classes))
    if unknown:
        raise DatasetError(
            f"{place} has the class {unknown[0]!r}, and its manifest lists "
            f"{', '.join(entry.classes)}: it is that of other records. Copy the records again with "
            "their own manifest, or convert again"
        )


def _scan(shard: TFRecordFile, reading: Reading) -> _Summary:
    log.info("%s has no manifest; reading its %d records once", shard.path, len(shard))
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    most = 0
    for index in range(len(shard)):
        sample = _read(shard, index, reading)
        counts.update(sample.class_names)
        dropped.update(fault.reason for fault in sample.dropped)
        most = max(most, len(sample.class_names))
    for reason, count in sorted(dropped.items()):
        plural = "s" if count > 1 else ""
        log.warning("%s: %d object%s left out: %s", shard.path, count, plural, reason)
    return _Summary(dict(counts), most)


def fold_of(file: Path) -> int | None:
    """Return the number of the fold that a record file belongs to by its name, None for none."""
    found = _FOLD.search(file.name)
    return int(found[1]) if found else None


def find_record_files(pattern: str, field: str = "") -> list[Path]:
    """Return the record files that a pattern names, sorted by name.

    Args:
        pattern: a file; a folder (all records in it); a glob pattern; or a prefix, followed in
            the file names by ``-fold-...`` or ``-00000-of-...``.
        field: the spec field that holds the pattern, for messages.

    Raises:
        DatasetError: nothing matches.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [child for child in path.iterdir() if _is_record(child)]
    elif glob.has_magic(pattern):
        matches = (Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207
        found = [match for match in matches if _is_record(match)]
    else:
        siblings = path.parent.iterdir() if path.parent.is_dir() else ()
        found = [
            child
            for child in siblings
            if child.name.startswith(path.name)
            and _AFTER_PREFIX.fullmatch(child.name[len(path.name) :])
            and _is_record(child)
        ]
    if not found:
        raise DatasetError(
            f"no records match {pattern}{_named_by(field)}; it may be a glob pattern, a prefix "
            "given to dataset_convert -o, a file or a folder"
        )
    return sorted(found)


def _named_by(field: str) -> str:
    return f" ({field})" if field else ""


def _is_record(path: Path) -> bool:
    return path.is_file() and not _BESIDE.fullmatch(path.name)


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
    entry = _Entry(*found, manifest.classes)
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
