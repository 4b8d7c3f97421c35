"""The manifest of a conversion: what was written, so that training can tell what is missing.

Shards are named ``<prefix>-fold-000-of-002-shard-00000-of-00010``, those of a COCO file that was
converted without a spec ``<tag>-00000-of-00256.tfrecord``. Beside them lie
``<prefix>.manifest.json`` and, when anything was left out, ``<prefix>.dropped.jsonl``. While a
conversion runs, and after one that did not finish, a folder ``.<prefix>.converting`` lies there
too: shards that have it, and no manifest, are not complete.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from detforge.data.images import read_bytes
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT_VERSION = "1.1"

_SHARD = re.compile(
    r"(?P<prefix>.+?)(?:-fold-\d+-of-\d+)?(?:-shard)?-\d+-of-\d+(?:\.\w+)?", re.DOTALL
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One record file.

    Attributes:
        name: file name.
        records: images in it.
        bytes: size of the file.
        sha256: of the file, hexadecimal.
        objects: class -> objects.
        max_objects: most objects in one image.
    """

    name: str
    records: int
    bytes: int
    sha256: str
    objects: Mapping[str, int]
    max_objects: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """One part of the data set.

    Attributes:
        index: number in the shard names.
        name: "validation" or "training" where the images were dealt out; else the annotation
            file that the fold comes from.
        shards: its record files, in order.
    """

    index: int
    name: str
    shards: tuple[Shard, ...]

    @property
    def images(self) -> int:
        """Images in the fold."""
        return sum(shard.records for shard in self.shards)

    @property
    def objects(self) -> dict[str, int]:
        """Class -> objects in the fold."""
        total: Counter[str] = Counter()
        for shard in self.shards:
            total.update(shard.objects)
        return dict(sorted(total.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What one conversion wrote.

    Attributes:
        detforge: version of detforge that wrote it.
        classes: class names.
        folds: parts of the data set.
        source: where the data came from and how it was dealt out, for people.
        dropped: reason -> objects and files left out.
        class_numbers: class name -> number in ``image/object/class/label``: from 1 in the order
            of `classes`, or the category ids of a COCO file.
        notes: what is unusual, and what becomes of it -> images or objects.
    """

    detforge: str
    classes: tuple[str, ...]
    folds: tuple[Fold, ...]
    source: Mapping[str, Any]
    dropped: Mapping[str, int]
    class_numbers: Mapping[str, int]
    notes: Mapping[str, int]

    def to_json(self) -> str:
        """Return the text of the manifest file."""
        folds = [
            {**asdict(fold), "images": fold.images, "objects": fold.objects} for fold in self.folds
        ]
        content = {"format_version": FORMAT_VERSION, **asdict(self), "folds": folds}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def find(self, name: str) -> tuple[Fold, Shard] | None:
        """Return the shard of a file name and its fold."""
        for fold in self.folds:
            for shard in fold.shards:
                if shard.name == name:
                    return fold, shard
        return None


def shard_name(prefix: str, fold: int, folds: int, shard: int, shards: int) -> str:
    """Return the file name of a shard."""
    return f"{prefix}-fold-{fold:03d}-of-{folds:03d}-shard-{shard:05d}-of-{shards:05d}"


def undivided_shard_name(prefix: str, shard: int, shards: int) -> str:
    """Return the file name of a shard of data that are not dealt to folds."""
    return f"{prefix}-{shard:05d}-of-{shards:05d}.tfrecord"


def prefix_of(shard: str) -> str:
    """Return the prefix of a shard's name, the name itself when it follows no pattern."""
    match = _SHARD.fullmatch(shard)
    return match["prefix"] if match else shard


def manifest_path(folder: Path, prefix: str) -> Path:
    """Return where the manifest of a prefix lies."""
    return folder / f"{prefix}.manifest.json"


def dropped_path(folder: Path, prefix: str) -> Path:
    """Return where what was left out of a prefix is listed."""
    return folder / f"{prefix}.dropped.jsonl"


def warnings_path(folder: Path, prefix: str) -> Path:
    """Return where the objects of a COCO file that are out of their bounds are listed."""
    return folder / f"{prefix}_warnings.json"


def working_folder(folder: Path, prefix: str) -> Path:
    """Return the folder that exists while a prefix is being converted."""
    return folder / f".{prefix}.converting"


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file.

    What a newer minor version says beyond this one is passed over.

    Raises:
        DatasetError: damaged, or of a newer major version than this release reads.
    """
    try:
        content = json.loads(read_bytes(path))
        version, writer = str(content["format_version"]), str(content["detforge"])
        _check_version(path, version, writer)
        classes = tuple(_text(name) for name in content["classes"])
        # Before 1.1 there were neither other numbers nor notes.
        numbers = {name: number for number, name in enumerate(classes, start=1)}
        return Manifest(
            detforge=writer,
            classes=classes,
            folds=tuple(_read_fold(fold) for fold in content["folds"]),
            source=dict(content["source"]),
            dropped=_counts(content["dropped"]),
            class_numbers=_counts(content.get("class_numbers", numbers)),
            notes=_counts(content.get("notes", {})),
        )
    except (ValueError, KeyError, TypeError) as err:
        raise DatasetError(
            f"{path} is damaged ({_explain(err)}); convert again, or delete it to have the records "
            "scanned instead"
        ) from err


def _explain(err: Exception) -> str:
    return f"it has no {err}" if isinstance(err, KeyError) else str(err)


def _check_version(path: Path, version: str, writer: str) -> None:
    major, ours = (int(text.partition(".")[0]) for text in (version, FORMAT_VERSION))
    if major > ours:
        raise DatasetError(
            f"{path} has format version {version} and this release reads {FORMAT_VERSION}; "
            f"detforge {writer} reads it"
        )


def _read_fold(content: Mapping[str, Any]) -> Fold:
    shards = tuple(_read_shard(shard) for shard in content["shards"])
    return Fold(index=_count(content["index"]), name=_text(content["name"]), shards=shards)


def _read_shard(content: Mapping[str, Any]) -> Shard:
    return Shard(
        name=_text(content["name"]),
        records=_count(content["records"]),
        bytes=_count(content["bytes"]),
        sha256=_text(content["sha256"]),
        objects=_counts(content["objects"]),
        max_objects=_count(content["max_objects"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a text belongs")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r:.40} where a number belongs")
    return value


def _counts(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.40} where numbers with their names belong")
    return {name: _count(number) for name, number in value.items()}
