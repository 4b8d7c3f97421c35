"""What a conversion is going to write, decided before the first image is read."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from detforge.data.coco import CocoFile
    from detforge.data.kitti import KittiFolder
    from detforge.data.samples import Dropped, Sample


class ShardPlan(NamedTuple):
    """A record file to be written.

    Attributes:
        name: its file name.
        fold: number of its fold.
        rows: of the fold's source, in the order of the records.
    """

    name: str
    fold: int
    rows: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldPlan:
    """A fold to be written.

    Attributes:
        name: see `detforge.data.manifest.Fold`.
        source: where its images come from.
        shards: its record files.
    """

    name: str
    source: KittiFolder | CocoFile
    shards: tuple[ShardPlan, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversionPlan:
    """All of it.

    Attributes:
        folds: what is written.
        left_out: files of the data set that are not.
        numbers: class name -> number in ``image/object/class/label``, in the order of the classes.
        prepare: renames and drops objects of one image; picklable.
        decode: decode each image, to be sure that training can.
        description: where the data come from and how they are dealt out, as JSON has it.
    """

    folds: tuple[FoldPlan, ...]
    left_out: tuple[Dropped, ...]
    numbers: Mapping[str, int]
    prepare: Callable[[Sample], Sample]
    decode: bool
    description: Mapping[str, Any]

    @property
    def shards(self) -> list[ShardPlan]:
        """The record files of all folds."""
        return [shard for fold in self.folds for shard in fold.shards]

    @property
    def images(self) -> int:
        """Number of records."""
        return sum(len(shard.rows) for shard in self.shards)

    def fingerprint(self) -> dict[str, str]:
        """Return what tells this conversion from others: what of it -> digest.

        Of the images only the names count: a damaged one may be replaced by a good one, and the
        conversion goes on.
        """
        sources = list({id(fold.source): fold.source for fold in self.folds}.values())
        return {
            "the release of detforge": __version__,
            "the spec or the options": _digest([self.description, self.decode]),
            "the classes": _digest(list(self.numbers.items())),
            "the images": _digest([*(source.file_names for source in sources), self._order()]),
            "the labels": _digest([_state(p) for source in sources for p in source.label_files]),
        }

    def _order(self) -> list[Any]:
        return [[shard.name, list(shard.rows)] for shard in self.shards]


def deal_contiguous(rows: Sequence[int], shards: int) -> list[Sequence[int]]:
    """Return the rows cut into pieces of about the same length."""
    ends = [len(rows) * number // shards for number in range(shards + 1)]
    return [rows[start:end] for start, end in itertools.pairwise(ends)]


def deal_in_turn(rows: Sequence[int], shards: int) -> list[Sequence[int]]:
    """Return the rows dealt out one by one, like cards."""
    return [rows[number::shards] for number in range(shards)]


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
