"""Writing records so that a reader sees all of a conversion or nothing of it."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from detforge.data.examples import to_example
from detforge.data.manifest import (
    Fold,
    Shard,
    dropped_path,
    manifest_path,
    prefix_of,
    shard_name,
    working_folder,
)
from detforge.data.ordered import map_ordered, thread_count
from detforge.data.tfrecord import frame
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from detforge.data.manifest import Manifest
    from detforge.data.samples import Dropped, Sample, SampleSource

log = logging.getLogger(__name__)


class FoldPlan(NamedTuple):
    """A fold to be written.

    Attributes:
        name: see `detforge.data.manifest.Fold`.
        source: where its images come from.
        rows: which of them, in the order of the records.
        shards: number of record files; images are spread evenly.
    """

    name: str
    source: SampleSource
    rows: Sequence[int]
    shards: int


class _Record(NamedTuple):
    payload: bytes
    objects: Counter[str]
    dropped: tuple[Dropped, ...]


class RecordWriter:
    """Writes the shards of one prefix into a working folder, then moves them into place.

    A context: leaving it removes the working folder. Only when moving the files was begun and not
    finished it stays: it is what tells readers that the records are not complete.

    Attributes:
        manifest: where the manifest will be.
        dropped_file: where what is left out will be listed.
        dropped: reason -> objects and files left out so far.
    """

    def __init__(self, output: Path) -> None:
        """Take a prefix; nothing is written yet."""
        self._output = output
        self._folder, self._prefix = output.parent, output.name
        self._working = working_folder(self._folder, self._prefix)
        self.manifest = manifest_path(self._folder, self._prefix)
        self.dropped_file = dropped_path(self._folder, self._prefix)
        self._dropped: Counter[str] = Counter()
        self._is_half_published = False

    @property
    def dropped(self) -> dict[str, int]:
        """Reason -> objects and files left out so far."""
        return dict(sorted(self._dropped.items()))

    def check_free(self, *, force: bool) -> None:
        """Refuse an output that exists or cannot be made; quick, and changes nothing.

        Raises:
            DatasetError: says which file is in the way.
        """
        if self._output.is_dir():
            raise DatasetError(
                f"{self._output} is a folder; -o takes the prefix of the record files, for "
                f"example {self._output / 'records'}"
            )
        parents = [self._folder, *self._folder.parents]
        existing = next(parent for parent in parents if parent.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise DatasetError(
                f"records cannot be written to {self._folder}: {existing} is not a "
                "folder that can be written to"
            )
        present = self._present()
        if present and not force:
            raise DatasetError(
                f"{present[0]} exists already (with {len(present)} files of this prefix); give "
                "another prefix, or --force to replace them"
            )

    def _present(self) -> list[Path]:
        """Return what is already there under the prefix; the manifest first."""
        if not self._folder.is_dir():
            return []
        beside = [path for path in (self.manifest, self.dropped_file) if path.exists()]
        shards = sorted(
            path
            for path in self._folder.iterdir()
            if path.name.startswith(f"{self._prefix}-fold-")
            and prefix_of(path.name) == self._prefix
        )
        return beside + shards

    def __enter__(self) -> RecordWriter:
        """Make the working folder.

        Raises:
            DatasetError: it cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._working.exists():
                log.info("removing %s, which an interrupted run left", self._working)
                shutil.rmtree(self._working)
            self._working.mkdir()
        except OSError as err:
            raise _cannot_write(self._folder, err) from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_half_published:
            shutil.rmtree(self._working, ignore_errors=True)

    def write(
        self,
        plans: Sequence[FoldPlan],
        classes: Sequence[str],
        prepare: Callable[[Sample], Sample],
    ) -> tuple[Fold, ...]:
        """Write all shards into the working folder.

        Args:
            plans: one for each fold.
            classes: the class list of the records.
            prepare: renames and drops objects of one image; called in threads.

        Raises:
            DatasetError: an image or its labels are wrong, or the disk is full.
        """
        numbers = {name: number for number, name in enumerate(classes, start=1)}
        try:
            with (self._working / self.dropped_file.name).open("w", encoding="utf-8") as listing:
                sources = {id(plan.source): plan.source for plan in plans}
                for source in sources.values():
                    self._list_dropped(source.left_out, listing.write)
                return tuple(
                    self._write_fold(index, len(plans), plan, numbers, prepare, listing.write)
                    for index, plan in enumerate(plans)
                )
        except OSError as err:
            raise _cannot_write(self._folder, err) from err

    def _write_fold(
        self,
        index: int,
        folds: int,
        plan: FoldPlan,
        numbers: Mapping[str, int],
        prepare: Callable[[Sample], Sample],
        write: Callable[[str], object],
    ) -> Fold:
        def convert(row: int) -> _Record:
            sample = plan.source[row]
            sample.image()  # Decoding is the only proof that an image can be decoded.
            sample = prepare(sample)
            return _Record(to_example(sample, numbers), Counter(sample.class_names), sample.dropped)

        workers = thread_count(0)
        records = map_ordered(convert, plan.rows, workers=workers, ahead=4 * workers)
        shards = []
        with contextlib.closing(records):
            for number in range(plan.shards):
                first, last = (len(plan.rows) * (number + i) // plan.shards for i in (0, 1))
                name = shard_name(self._prefix, index, folds, number, plan.shards)
                log.info("writing %s: %d images", name, last - first)
                part = self._record_dropped(itertools.islice(records, last - first), write)
                shards.append(_write_shard(self._working / name, part))
        return Fold(index=index, name=plan.name, shards=tuple(shards))

    def _record_dropped(
        self, records: Iterator[_Record], write: Callable[[str], object]
    ) -> Iterator[_Record]:
        for record in records:
            self._list_dropped(record.dropped, write)
            yield record

    def _list_dropped(self, dropped: Iterable[Dropped], write: Callable[[str], object]) -> None:
        for one in dropped:
            self._dropped[one.reason] += 1
            write(json.dumps(one.as_json(), ensure_ascii=False) + "\n")

    def publish(self, manifest: Manifest) -> None:
        """Move everything into place; what was there under the prefix goes.

        Raises:
            DatasetError: a file cannot be moved. Readers refuse what was moved; converting again
                repairs it.
        """
        try:
            (self._working / self.manifest.name).write_text(manifest.to_json(), encoding="utf-8")
            if not self._dropped:
                (self._working / self.dropped_file.name).unlink()
            self._is_half_published = True
            # The old manifest goes first and the new one comes last: at no time does a manifest
            # vouch for shards that are not its own.
            for path in self._present():
                path.unlink()
            for path in sorted(self._working.iterdir()):
                if path.name != self.manifest.name:
                    path.replace(self._folder / path.name)
            (self._working / self.manifest.name).replace(self.manifest)
            self._is_half_published = False
        except OSError as err:
            advice = "; convert again with --force" if self._is_half_published else ""
            raise _cannot_write(self._folder, err, advice) from err


def _write_shard(path: Path, records: Iterator[_Record]) -> Shard:
    digest = hashlib.sha256()
    objects: Counter[str] = Counter()
    count = size = most = 0
    with path.open("wb") as file:
        for record in records:
            data = frame(record.payload)
            file.write(data)
            digest.update(data)
            objects.update(record.objects)
            count, size = count + 1, size + len(data)
            most = max(most, record.objects.total())
    return Shard(
        name=path.name,
        records=count,
        bytes=size,
        sha256=digest.hexdigest(),
        objects=dict(sorted(objects.items())),
        max_objects=most,
    )


def _cannot_write(folder: Path, err: OSError, advice: str = "") -> DatasetError:
    return DatasetError(f"records cannot be written to {folder}: {err.strerror or err}{advice}")
