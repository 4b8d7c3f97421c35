"""KITTI labels: a folder of images and a folder of text files of the same stems.

One line per object, 15 columns: class, truncation, occlusion, observation angle, x1, y1, x2, y2,
seven numbers about the object in the world; a 16th is the score of a detection. The layout is
that of the development kit of the KITTI object benchmark (Geiger, Lenz, Urtasun, CVPR 2012).
"""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.boxes import box_fault, clip_boxes
from detforge.data.images import IMAGE_EXTENSIONS, image_size, read_bytes
from detforge.data.samples import Dropped, Sample, SampleSource
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

OTHER_EXTENSION = "image of another extension than image_extension"
LABELS_ALONE = "label file without an image"

_COLUMNS = (
    "class",
    "truncation",
    "occlusion",
    "observation angle",
    "x1",
    "y1",
    "x2",
    "y2",
    "height",
    "width",
    "length",
    "x",
    "y",
    "z",
    "rotation",
    "score",
)


class KittiObject(NamedTuple):
    """One usable line of a label file.

    Attributes:
        line: 1-based.
        class_name: as written.
        box: xyxy, pixels.
        difficult: occlusion of 1 or more; -1 (unknown) is not.
    """

    line: int
    class_name: str
    box: tuple[float, float, float, float]
    difficult: bool

    def dropped(self, file: str, reason: str) -> Dropped:
        """Return the record of leaving this object out."""
        place = f"{file}:{self.line}"
        return Dropped(place=place, class_name=self.class_name, reason=reason, box=self.box)


@dataclass(frozen=True, slots=True)
class KittiLabels:
    """A parsed label file.

    Attributes:
        file: its name.
        objects: the usable lines.
        dropped: the boxes that are no boxes.
    """

    file: str
    objects: tuple[KittiObject, ...]
    dropped: tuple[Dropped, ...]


def parse_kitti(text: str, file: str) -> KittiLabels:
    """Return the objects of a label file, and the boxes that are no boxes.

    Args:
        text: the whole file.
        file: its name, for messages.

    Raises:
        DatasetError: a line does not have 15 or 16 columns, or holds a word for a number.
    """
    objects, dropped = [], []
    for line, content in enumerate(text.splitlines(), start=1):
        words = content.split(maxsplit=1)
        if not words:
            continue
        _, occlusion, _, x1, y1, x2, y2, *_ = _numbers("".join(words[1:]), file, line)
        found = KittiObject(line, words[0], (x1, y1, x2, y2), occlusion >= 1)
        if fault := box_fault(found.box):
            dropped.append(found.dropped(file, fault))
        else:
            objects.append(found)
    return KittiLabels(file, tuple(objects), tuple(dropped))


def _numbers(text: str, file: str, line: int) -> list[float]:
    """Return the numbers that stand behind the class."""
    # Python passes over underscores in numbers.
    fields = text.replace("_", "?").split()
    if len(fields) not in (14, 15):
        raise DatasetError(
            f"{file} line {line} has {len(fields) + 1} fields; a KITTI label has 15, or 16 with a "
            "score"
        )
    try:
        return list(map(float, fields))
    except ValueError as err:
        column, field = next(
            (column, field)
            for column, field in enumerate(text.split(), start=2)
            if not _is_number(field)
        )
        raise DatasetError(
            f"{file} line {line}: column {column} ({_COLUMNS[column - 1]}) is {field!r}; "
            "a number belongs there. A class name must not contain spaces"
        ) from err


def _is_number(field: str) -> bool:
    try:
        float(field.replace("_", "?"))
    except ValueError:
        return False
    return True


class KittiFolder(SampleSource):
    """Images and KITTI label files of the same stem, in the order of their names.

    Attributes:
        file_names: name of the image of each row.
        label_files: the files that the labels come from.
    """

    drop_advice = ", or convert the folders to records, which may leave them out (--drop_unmapped)"

    def __init__(
        self, images: Path, labels: Path, *, extension: str | None = None, field: str = ""
    ) -> None:
        """Pair the two folders and read all labels.

        Args:
            images: folder of images; folders inside it are not searched. Images of another
                extension and label files without an image are left out, and it is said.
            labels: folder of ``.txt`` files.
            extension: take only images with it, compared without case; None for any image.
            field: the spec field that named the folders, for messages.

        Raises:
            DatasetError: a folder is missing or has no image, a file has a name that is no text,
                an image has no label file, two images share a stem, or a label file is wrong.
        """
        self.name = str(images)
        files = _list_files(images, "image", field)
        self._images = _find_images(files, images, extension, field)
        self.file_names = [path.name for path in self._images]
        texts = _list_files(labels, "label", field)
        self.label_files = _pair(self._images, labels, texts)
        self._labels = [_read_labels(path) for path in self.label_files]
        self.left_out = _left_out(files, self._images, texts)
        _report(images, "file", self.left_out)
        _report(labels, "object", [d for label in self._labels for d in label.dropped])

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> Sample:
        path, labels = self._images[row], self._labels[row]
        encoded = read_bytes(path)
        width, height = image_size(encoded, str(path))
        kept, outside = [], []
        for found in labels.objects:
            if reason := box_fault(found.box, width, height):
                outside.append(found.dropped(labels.file, reason))
            else:
                kept.append(found)
        return Sample(
            name=path.name,
            encoded=encoded,
            path=path,
            width=width,
            height=height,
            boxes=clip_boxes([found.box for found in kept], width, height),
            class_names=tuple(found.class_name for found in kept),
            difficult=np.array([found.difficult for found in kept], bool),
            crowd=np.zeros(len(kept), bool),
            source_id=path.stem,
            dropped=(*labels.dropped, *outside),
        )

    def object_classes(self, row: int) -> tuple[str, ...]:
        """Return the class name of each object of an image, which is not read for it."""
        return tuple(found.class_name for found in self._labels[row].objects)

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects."""
        counts = Counter(o.class_name for label in self._labels for o in label.objects)
        return dict(sorted(counts.items()))

    def difficult_counts(self) -> dict[str, int]:
        """Return class name -> objects that are occluded."""
        objects = (found for label in self._labels for found in label.objects)
        return dict(Counter(found.class_name for found in objects if found.difficult))

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return max(len(label.objects) for label in self._labels)


def _list_files(folder: Path, what: str, field: str) -> list[Path]:
    named_by = f" ({field})" if field else ""
    if not folder.is_dir():
        fault = "is no folder" if folder.exists() else "does not exist"
        raise DatasetError(f"the {what} folder {folder} {fault}{named_by}")
    try:
        # Unlike Path.iterdir, it knows what is a file without asking again.
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())
    except OSError as err:
        raise DatasetError(f"{folder} cannot be read{named_by}: {err.strerror}") from err
    # Other systems leave hidden files such as "._a.png" beside the images.
    return [folder / _readable(name, folder) for name in names if not name.startswith(".")]


def _readable(name: str, folder: Path) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as err:
        raise DatasetError(
            f"{folder} has a file whose name is not UTF-8 text, {os.fsencode(name)!r}; rename it"
        ) from err
    return name


def _find_images(files: list[Path], folder: Path, extension: str | None, field: str) -> list[Path]:
    wanted = (extension.lower(),) if extension else IMAGE_EXTENSIONS
    images = [path for path in files if path.suffix.lower() in wanted]
    if not images:
        seen = Counter(path.suffix.lower() or "no extension" for path in files)
        found = ", ".join(f"{count} {suffix}" for suffix, count in seen.most_common(4))
        advice = "; set image_extension" if extension and seen else ""
        named_by = f" ({field})" if field else ""
        raise DatasetError(
            f"no image with extension {' '.join(wanted)} in {folder}{named_by}; "
            f"it has {found or 'no files'}{advice}"
        )
    by_stem = defaultdict(list)
    for path in images:
        by_stem[path.stem].append(path.name)
    for stem, names in by_stem.items():
        if len(names) > 1:
            raise DatasetError(
                f"{folder}: {' and '.join(names)} share the label file {stem}.txt; rename one"
            )
    return images


def _pair(images: list[Path], labels: Path, texts: list[Path]) -> list[Path]:
    paths = [labels / f"{image.stem}.txt" for image in images]
    present = {path.name for path in texts}
    # A file system that ignores case, or composes letters, knows better than the list.
    missing = [path for path in paths if path.name not in present and not path.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise DatasetError(
            f"no label file {missing[0]}{more}; an image without objects needs an empty one"
        )
    return paths


def _left_out(files: list[Path], images: list[Path], texts: list[Path]) -> tuple[Dropped, ...]:
    """Return the images that are not among those taken, and the label files of no image."""
    taken = {path.name for path in images}
    others = [p for p in files if p.suffix.lower() in IMAGE_EXTENSIONS and p.name not in taken]
    stems = {path.stem for path in (*images, *others)}
    alone = [path for path in texts if path.suffix == ".txt" and path.stem not in stems]
    return tuple(
        Dropped(place=str(path), class_name="", reason=reason)
        for paths, reason in ((others, OTHER_EXTENSION), (alone, LABELS_ALONE))
        for path in paths
    )


def _report(folder: Path, what: str, dropped: Sequence[Dropped]) -> None:
    for reason, count in sorted(Counter(d.reason for d in dropped).items()):
        plural = "s" if count > 1 else ""
        log.warning("%s: %d %s%s left out: %s", folder, count, what, plural, reason)


def _read_labels(path: Path) -> KittiLabels:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise DatasetError(
            f"{path} is not UTF-8 text (byte {err.start}); a KITTI label file is plain text"
        ) from err
    return parse_kitti(text, str(path))
