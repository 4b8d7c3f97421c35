"""Writing one record file of a conversion, in whichever process."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from detforge.data.examples import example_parts
from detforge.data.image_checks import check_image
from detforge.data.manifest import Shard
from detforge.data.memory import keep_freed_memory
from detforge.data.samples import MASK_BEYOND_BOX
from detforge.data.tfrecord import frame_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from detforge.data.conversion_plan import ConversionPlan, ShardPlan
    from detforge.data.samples import Dropped, Remark, Sample

PARTIAL = ".part"
"""Ending of a file that is being written."""

_CHUNK = 1 << 20
# Many records of small images; a large image passes by it.
_BUFFER = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardEntry:
    """What a record file holds, and what its images gave cause to say.

    Attributes:
        shard: for the manifest.
        class_images: class -> images that show it.
        dropped: reason -> objects left out.
        notes: what is unusual -> images, or objects.
        warnings: image id -> "box" and "mask" -> ids of the objects that are out of bounds.
    """

    shard: Shard
    class_images: Mapping[str, int]
    dropped: Mapping[str, int]
    notes: Mapping[str, int]
    warnings: Mapping[str, Mapping[str, list[Any]]]


class ShardWriter:
    """Writes record files into a folder; called with the number of one.

    Beside a file lie a list of what was left out of it and, once all is complete, its entry.
    Picklable.
    """

    def __init__(self, folder: Path, plan: ConversionPlan) -> None:
        """Take in where to write, and what."""
        self._folder = folder
        self._plan = plan
        self._shards = plan.shards

    def __call__(self, number: int) -> ShardEntry:
        """Write one record file.

        Raises:
            DatasetError: an image cannot be used; names it.
            OSError: the file cannot be written.
        """
        keep_freed_memory()
        path = self._folder / self._shards[number].name
        partial = _partial(path)
        try:
            entry = self._write(self._shards[number], partial, dropped_list(path))
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.replace(path)
        _write_entry(path, entry)
        return entry

    def _write(self, shard: ShardPlan, path: Path, dropped: Path) -> ShardEntry:
        plan, source = self._plan, self._plan.folds[shard.fold].source
        tally, digest = _Tally(), hashlib.sha256()
        with (
            path.open("wb", buffering=_BUFFER) as file,
            dropped.open("w", encoding="utf-8") as listing,
        ):
            for row in shard.rows:
                sample = source[row]
                notes = check_image(sample, decode=plan.decode)
                sample = plan.prepare(sample)
                parts = example_parts(sample, plan.numbers, digest=plan.decode)
                for part in frame_parts(*parts):
                    file.write(part)
                    digest.update(part)
                tally.add(sample, notes)
                write_dropped(sample.dropped, listing.write)
            size = file.tell()
        return tally.entry(shard.name, size, digest.hexdigest())


class _Tally:
    """Counts over the records of one file."""

    def __init__(self) -> None:
        self._objects: Counter[str] = Counter()
        self._class_images: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()
        self._warnings: dict[str, dict[str, list[Any]]] = {}
        self._records = self._most = 0

    def add(self, sample: Sample, notes: Iterable[str]) -> None:
        self._records += 1
        self._most = max(self._most, len(sample.class_names))
        self._objects.update(sample.class_names)
        self._class_images.update(set(sample.class_names))
        self._dropped.update(one.reason for one in sample.dropped)
        self._notes.update(notes)
        self._notes.update(f"{remark.part} {remark.reason}" for remark in sample.remarks)
        if found := _out_of_bounds(sample.remarks):
            self._warnings[sample.source_id] = found

    def entry(self, name: str, size: int, digest: str) -> ShardEntry:
        shard = Shard(
            name=name,
            records=self._records,
            bytes=size,
            sha256=digest,
            objects=dict(sorted(self._objects.items())),
            max_objects=self._most,
        )
        return ShardEntry(
            shard=shard,
            class_images=dict(sorted(self._class_images.items())),
            dropped=dict(self._dropped),
            notes=dict(self._notes),
            warnings=self._warnings,
        )


def _out_of_bounds(remarks: Iterable[Remark]) -> dict[str, list[Any]]:
    """Return "box" and "mask" -> ids of the objects out of their bounds; empty without any."""
    ids: dict[str, list[Any]] = {"box": [], "mask": []}
    for remark in remarks:
        if remark.part == "box" or remark.reason == MASK_BEYOND_BOX:
            ids[remark.part].append(remark.object_id)
    return ids if any(ids.values()) else {}


def write_dropped(dropped: Iterable[Dropped], write: Callable[[str], object]) -> None:
    """Write what was left out, a line each."""
    for one in dropped:
        write(json.dumps(one.as_json(), ensure_ascii=False) + "\n")


def dropped_list(path: Path) -> Path:
    """Return where what was left out of a record file is listed."""
    return path.with_name(f"{path.name}.dropped.jsonl")


def _entry_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.entry.json")


def _partial(path: Path) -> Path:
    # Of this process alone: one that outlives its parent by a moment does no harm.
    return path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")


def _write_entry(path: Path, entry: ShardEntry) -> None:
    partial = _partial(path)
    partial.write_text(json.dumps(asdict(entry)), encoding="utf-8")
    partial.replace(_entry_path(path))


def read_entry(path: Path, places: Iterable[Path]) -> ShardEntry | None:
    """Return the entry of a record file that was finished and is unharmed, None for another.

    Args:
        path: where the file was written.
        places: folders where it may lie by now.
    """
    try:
        content = json.loads(_entry_path(path).read_bytes())
        entry = ShardEntry(**{**content, "shard": Shard(**content["shard"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    is_whole = any(_is_whole(place / path.name, entry.shard) for place in places)
    return entry if is_whole else None


def _is_whole(path: Path, shard: Shard) -> bool:
    digest = hashlib.sha256()
    try:
        if path.stat().st_size != shard.bytes:
            return False
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == shard.sha256
