"""Writing records so that a reader sees all of a conversion or nothing of it.

Everything is made in a working folder beside the records and moved when it is complete. What an
error or a kill leaves there is of no use to readers; the same conversion can go on with it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from typing import TYPE_CHECKING, Any

from detforge.data.manifest import (
    dropped_path,
    manifest_path,
    prefix_of,
    warnings_path,
    working_folder,
)
from detforge.data.processes import process_count, share_out
from detforge.data.progress import Progress
from detforge.data.shards import PARTIAL, ShardWriter, dropped_list, read_entry, write_dropped
from detforge.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from detforge.data.conversion_plan import ConversionPlan
    from detforge.data.manifest import Manifest
    from detforge.data.samples import Dropped
    from detforge.data.shards import ShardEntry

log = logging.getLogger(__name__)

_PLAN = "plan.json"
# Fewer images than this are done before another process has begun.
_IMAGES_PER_PROCESS = 64


class RecordWriter:
    """Writes the record files of one prefix into a working folder, then moves them into place.

    A context: leaving it removes the working folder, unless something in it is worth going on
    with (`can_resume`).

    Attributes:
        manifest: where the manifest will be.
        dropped_file: where what is left out will be listed.
        warnings_file: where objects out of their bounds will be listed.
        can_resume: the working folder holds record files that are complete.
    """

    def __init__(self, output: Path) -> None:
        """Take a prefix; nothing is written yet."""
        self._output = output
        self._folder, self._prefix = output.parent, output.name
        self._working = working_folder(self._folder, self._prefix)
        self.manifest = manifest_path(self._folder, self._prefix)
        self.dropped_file = dropped_path(self._folder, self._prefix)
        self.warnings_file = warnings_path(self._folder, self._prefix)
        self.can_resume = False
        self._resumes = False

    def check_free(self, *, force: bool, resume: bool) -> None:
        """Refuse an output that exists or cannot be made; quick, and changes nothing.

        Args:
            force: what exists may be replaced.
            resume: what an interrupted conversion has moved into place already may be there.

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
        is_half_moved = resume and self._working.is_dir() and not self.manifest.exists()
        if present and not force and not is_half_moved:
            raise DatasetError(
                f"{present[0]} exists already (with {len(present)} files of this prefix); give "
                "another prefix, or --force to replace them"
            )

    def _present(self) -> list[Path]:
        """Return what is already there under the prefix; the manifest first."""
        if not self._folder.is_dir():
            return []
        beside = (self.manifest, self.dropped_file, self.warnings_file)
        shards = sorted(
            path
            for path in self._folder.iterdir()
            if path.name.startswith(f"{self._prefix}-") and prefix_of(path.name) == self._prefix
        )
        return [*(path for path in beside if path.exists()), *shards]

    def open(self, plan: ConversionPlan, *, resume: bool) -> RecordWriter:
        """Make the working folder, or take up the one that is there.

        Args:
            plan: what is going to be written.
            resume: take it up.

        Raises:
            DatasetError: it cannot be made.
            UsageError: what is there belongs to another conversion.
        """
        state = plan.fingerprint()
        begun = self._begun() if resume else None
        if begun is not None:
            self._check_same(begun, state)
            self._resumes = True
            return self
        if resume:
            log.info("%s holds nothing to go on with; starting", self._working)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._working.exists():
                log.info("removing %s, which an interrupted run left", self._working)
                shutil.rmtree(self._working)
            self._working.mkdir()
            (self._working / _PLAN).write_text(json.dumps(state), encoding="utf-8")
        except OSError as err:
            shutil.rmtree(self._working, ignore_errors=True)
            raise self._cannot_write(err) from err
        return self

    def _begun(self) -> dict[str, str] | None:
        try:
            return dict(json.loads((self._working / _PLAN).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _check_same(self, begun: Mapping[str, str], state: Mapping[str, str]) -> None:
        changed = [what for what, digest in state.items() if begun.get(what) != digest]
        if changed:
            raise UsageError(
                f"--resume goes on with the conversion in {self._working}, but since it began "
                f"there was a change of {', '.join(changed)}. Leave --resume out to start again"
            )

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None or not self.can_resume:
            shutil.rmtree(self._working, ignore_errors=True)
        else:
            self._remove_halves()

    def write(self, plan: ConversionPlan, *, processes: int) -> list[ShardEntry]:
        """Write all record files into the working folder, those apart that are there already.

        Args:
            plan: what to write.
            processes: at most so many; 0 for one per core.

        Returns:
            What each holds, in the order of the plan.

        Raises:
            DatasetError: an image or its labels are wrong, or the disk is full.
        """
        shards = plan.shards
        try:
            entries = self._finished(plan)
            todo = [number for number in range(len(shards)) if number not in entries]
            if entries:
                log.info("going on: %d of %d record files are there", len(entries), len(shards))
            for number, entry in self._write(plan, todo, processes):
                log.debug("%s: %d images", entry.shard.name, entry.shard.records)
                entries[number] = entry
                self.can_resume = True
            self._join_lists(plan.left_out, [shard.name for shard in shards])
        except OSError as err:
            raise self._cannot_write(err) from err
        return [entries[number] for number in range(len(shards))]

    def _write(
        self, plan: ConversionPlan, todo: Sequence[int], processes: int
    ) -> Iterator[tuple[int, ShardEntry]]:
        images = sum(len(plan.shards[number].rows) for number in todo)
        processes = processes or min(process_count(0), 1 + images // _IMAGES_PER_PROCESS)
        work = ShardWriter(self._working, plan)
        with (
            contextlib.closing(share_out(work, todo, processes=processes)) as results,
            Progress("converting", images, log) as progress,
        ):
            for number, entry in results:
                progress.advance(entry.shard.records)
                yield number, entry

    def _finished(self, plan: ConversionPlan) -> dict[int, ShardEntry]:
        """Return the record files that are complete already."""
        if not self._resumes:
            return {}
        self._remove_halves()
        places = (self._working, self._folder)
        found = (read_entry(self._working / shard.name, places) for shard in plan.shards)
        finished = {number: entry for number, entry in enumerate(found) if entry is not None}
        self.can_resume = bool(finished)
        return finished

    def _remove_halves(self) -> None:
        for half in self._working.glob(f"*{PARTIAL}"):
            with contextlib.suppress(OSError):
                half.unlink()

    def _join_lists(self, left_out: Iterable[Dropped], names: Sequence[str]) -> None:
        with (self._working / self.dropped_file.name).open("wb") as whole:
            write_dropped(left_out, lambda line: whole.write(line.encode()))
            for name in names:
                with dropped_list(self._working / name).open("rb") as part:
                    shutil.copyfileobj(part, whole)

    def publish(self, manifest: Manifest, warnings: Mapping[str, Any] | None = None) -> None:
        """Move everything into place; what was there under the prefix goes.

        Args:
            manifest: of all record files.
            warnings: content of the file of objects out of their bounds; None or empty for none.

        Raises:
            DatasetError: a file cannot be moved. Readers refuse what was moved; going on, or
                converting again, repairs it.
        """
        beside = {self.manifest.name: manifest.to_json()}
        if warnings:
            beside[self.warnings_file.name] = json.dumps(warnings) + "\n"
        try:
            for name, text in beside.items():
                (self._working / name).write_text(text, encoding="utf-8")
            names = [shard.name for fold in manifest.folds for shard in fold.shards]
            names += [self.dropped_file.name] if manifest.dropped else []
            names += [name for name in beside if name != self.manifest.name]
            self._move(names)
        except OSError as err:
            raise self._cannot_write(err) from err

    def _move(self, names: Sequence[str]) -> None:
        """Move the files, and the manifest after them.

        The old manifest goes first and the new one comes last: at no time does a manifest vouch
        for shards that are not its own.
        """
        ours = {name for name in names if not (self._working / name).exists()}
        for path in self._present():
            if path.name not in ours:
                path.unlink()
        for name in names:
            if name not in ours:
                (self._working / name).replace(self._folder / name)
        (self._working / self.manifest.name).replace(self.manifest)

    def _cannot_write(self, err: OSError) -> DatasetError:
        return DatasetError(f"records cannot be written to {self._folder}: {err.strerror or err}")
