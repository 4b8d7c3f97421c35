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

from detforge.data.examples import from_example
from detforge.data.manifest import (
    Fold,
    Shard,
    manifest_path,
    prefix_of,
    read_manifest,
    working_folder,
)
from detforge.data.samples import Sample, SampleSource
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


class _Summary(NamedTuple):
    objects: dict[str, int]
    max_objects: int


class RecordSource(SampleSource):
    """The records of some TFRecord files, in the order of the file names.

    Attributes:
        files: the record files.
        folds: names of the folds that they belong to, as far as manifests tell.
    """

    drop_advice = ", or convert again with --drop_unmapped to leave them out"

    def __init__(self, pattern: str, *, field: str = "") -> None:
        """Find the files, walk their records and compare them with their manifests.

        Args:
            pattern: a glob pattern, a prefix, a file or a folder.
            field: the spec field that holds the pattern, for messages.

        Raises:
            DatasetError: nothing matches, no record is in it, a file is damaged or cut off, or
                it is not what the manifest says.
        """
        self.name = pattern
        self.files = find_record_files(pattern, field)
        self._entries = _check_manifests(self.files)
        self.folds = frozenset(entry[0].name for entry in self._entries if entry)
        self._shards = [TFRecordFile(path) for path in self.files]
        for shard, entry in zip(self._shards, self._entries, strict=True):
            if entry and len(shard) != entry[1].records:
                raise DatasetError(
                    f"{shard.path} holds {len(shard)} records, its manifest says "
                    f"{entry[1].records}; copy the file again, or convert again"
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
        shard = self._shards[file]
        index = row - int(self._ends[file]) + len(shard)
        return from_example(shard[index], f"{shard.path} record {index}")

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
            found = (
                _Summary(dict(entry[1].objects), entry[1].max_objects) if entry else _scan(shard)
            )
            counts.update(found.objects)
            most = max(most, found.max_objects)
        return _Summary(dict(counts), most)


def _scan(shard: TFRecordFile) -> _Summary:
    log.info("%s has no manifest; reading its %d records once", shard.path, len(shard))
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    most = 0
    for index in range(len(shard)):
        sample = from_example(shard[index], f"{shard.path} record {index}")
        counts.update(sample.class_names)
        dropped.update(fault.reason for fault in sample.dropped)
        most = max(most, len(sample.class_names))
    for reason, count in sorted(dropped.items()):
        plural = "s" if count > 1 else ""
        log.warning("%s: %d object%s left out: %s", shard.path, count, plural, reason)
    return _Summary(dict(counts), most)


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


def _check_manifests(files: Sequence[Path]) -> list[tuple[Fold, Shard] | None]:
    """Return what the manifests say of each file, None for a file without a manifest."""
    entries: list[tuple[Fold, Shard] | None] = []
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


def _entry(manifest: Manifest, location: Path, path: Path) -> tuple[Fold, Shard]:
    entry = manifest.find(path.name)
    if entry is None:
        raise DatasetError(
            f"{path} is not listed in {location.name}; it is left over from another conversion. "
            "Delete it, or convert again with --force"
        )
    size = path.stat().st_size
    if size != entry[1].bytes:
        raise DatasetError(
            f"{path} has {size} bytes, its manifest says {entry[1].bytes}: it was cut off or "
            "changed. Copy the file again, or convert again"
        )
    return entry


def _report_missing(entries: Sequence[tuple[Fold, Shard]], location: Path) -> None:
    """Say when only some shards of a fold are used: deliberate or lost, nobody else would tell."""
    used = Counter(fold.index for fold, _ in entries)
    for fold in {fold.index: fold for fold, _ in entries}.values():
        if used[fold.index] < len(fold.shards):
            log.warning(
                "%s: %d of the %d shards of fold %d are used",
                location,
                used[fold.index],
                len(fold.shards),
                fold.index,
            )
