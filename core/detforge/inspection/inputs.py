"""What a path names: records, a pair of KITTI folders, or a COCO file; and what a recipe does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from detforge.data.coco import CocoFile
from detforge.data.concatenation import Concatenation
from detforge.data.examples import Reading
from detforge.data.images import IMAGE_EXTENSIONS
from detforge.data.kitti import KittiFolder
from detforge.data.labels import name_classes
from detforge.data.records import RecordSource
from detforge.data.samples import SampleSource
from detforge.data.sources import open_set, plugin_readers
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detforge.data.samples import Sample
    from detforge.plugins import Detector
    from detforge.recipe import Recipe

# Pairs of folders in data sets and their tools, the most frequent first.
_IMAGE_FOLDERS = ("images", "image_2", "image", "JPEGImages", "img", "data")
_LABEL_FOLDERS = ("labels", "label_2", "label", "kitti_labels", "labels_kitti")
# A name of records; other names are read as records where nothing else is there.
_SHARD = re.compile(r"-of-\d|\.(?:tf)?records?$")


class Subject(NamedTuple):
    """What is to be inspected.

    Attributes:
        title: what to call it.
        parts: name of the part -> its sources.
        recipe: of the spec that names them, where classes that go by category ids have their
            names; None for a path.
        shown_names: class as the sources name it -> as it is shown; those that are not here are
            shown as they are.
    """

    title: str
    parts: Mapping[str, Sequence[SampleSource]]
    recipe: Recipe | None = None
    shown_names: Mapping[str, str] = MappingProxyType({})


def open_recipe(recipe: Recipe, detector: Detector, title: str) -> Subject:
    """Return the data of a recipe, training and validation apart.

    Raises:
        DatasetError: there are none, or one cannot be opened.
    """
    parts = {}
    for what in ("training", "validation"):
        found = open_set(recipe, detector, what)
        if found is not None:
            parts[what] = found.sources if isinstance(found, Concatenation) else (found,)
    if not parts:
        raise DatasetError(f"{title} names no data")
    opened = [source for sources in parts.values() for source in sources]
    categories = {i: name for source in reversed(opened) for i, name in source.categories.items()}
    classes = name_classes(recipe.classes, categories)
    shown_names: dict[str, str] = {}
    if classes.by_category_id:
        shown_names = {str(identity): name for identity, name in categories.items()}
        shown_names.update(classes.mapping)
    return Subject(title, parts, replace(recipe, classes=classes), shown_names)


def open_path(
    path: str,
    images: Path | None = None,
    labels: Path | None = None,
    *,
    needs_images: bool = False,
) -> SampleSource:
    """Return the labelled images that a path names.

    Args:
        path: a COCO file; a folder that holds a folder of images and one of KITTI labels, or
            records; a record file, a pattern or a prefix of some. Empty for the two folders.
        images: where the images of a COCO file or of records are, or the first of the two folders;
            None for where they usually are.
        labels: the second of the two folders.
        needs_images: the images of a COCO file must be there.

    Raises:
        DatasetError: nothing of the kind is there; the message says what is.
    """
    file = Path(path)
    if labels is not None:
        return KittiFolder(images or _first_folder(file, _IMAGE_FOLDERS) or file, labels)
    if file.is_file() and (file.suffix.lower() == ".json" or is_json(file)):
        return CocoLabels(file, images or (_images_of(file) if needs_images else None))
    if file.is_dir() and images is None:
        return _open_folder(file)
    if file.suffix.lower() in IMAGE_EXTENSIONS:
        raise DatasetError(f"{path} is an image; name a folder with images and labels")
    return RecordSource(path, reading=Reading(images=images))


def open_with_reader(path: str, detector: Detector) -> SampleSource | None:
    """Return what a reader of a detector or an extension opens, None for another path.

    Raises:
        PluginError: two readers claim one suffix.
    """
    reader = plugin_readers(detector).get(Path(path).suffix)
    return reader(Path(path)) if reader else None


class CocoLabels(SampleSource):
    """The labels of a COCO file, whether its images are there or not.

    Outlines are checked and not drawn: for a mask stands that there is one.
    """

    def __init__(self, annotations: Path, images: Path | None = None) -> None:
        """Read the file.

        Args:
            annotations: the JSON file.
            images: folder of its images, which must all be there then; None for labels alone.

        Raises:
            DatasetError: the file is no COCO JSON, or an image is missing.
        """
        self.name = str(annotations)
        self._file = CocoFile(annotations, images)
        self._folder = images
        self.categories = self._file.categories

    def __len__(self) -> int:
        return len(self._file)

    def __getitem__(self, row: int) -> Sample:
        sample = self._file.truth(row, draw_masks=False)
        masks = (b"",) * len(sample.class_names) if self._file.has_masks else None
        path = self._folder / sample.name if self._folder else None
        return replace(sample, path=path, masks=masks)

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects that can be used."""
        return self._file.class_counts()

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return self._file.max_objects()


def is_json(file: Path) -> bool:
    """Tell whether a file begins as JSON does, behind a byte-order mark or not."""
    with file.open("rb") as stream:
        start = stream.read(64)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _images_of(file: Path) -> Path:
    """Return the folder of a COCO file's images where they usually are.

    Beside the file, in a folder of its name (``train.json``: ``train``) or in ``images``; for
    ``annotations/instances_train2017.json``, ``train2017`` beside ``annotations``.
    """
    name = file.stem.removeprefix("instances_")
    near = (file.parent / name, file.parent.parent / name)
    for folder in near:
        if folder.is_dir():
            return _first_folder(folder, _IMAGE_FOLDERS) or folder
    return _first_folder(file.parent, _IMAGE_FOLDERS) or file.parent


def _open_folder(folder: Path) -> SampleSource:
    if pair := _kitti_pair(folder):
        return KittiFolder(*pair)
    children = sorted(folder.iterdir())
    if not any(_SHARD.search(child.name) for child in children):
        _advise(folder, children)
    return RecordSource(str(folder))


def _advise(folder: Path, children: Sequence[Path]) -> None:
    """Say what to name in the place of a folder that holds something, but no records.

    Raises:
        DatasetError: unless the folder holds nothing that is known.
    """
    sets = [str(child) for child in children if child.is_dir() and _kitti_pair(child)]
    if sets:
        raise DatasetError(
            f"{folder} is no data set, but holds some; name one: {', '.join(sets[:5])}"
        )
    files = [str(child) for child in children if child.suffix.lower() == ".json"]
    if files:
        raise DatasetError(f"{folder} holds JSON files; name one: {', '.join(files[:5])}")
    if any(child.suffix.lower() in IMAGE_EXTENSIONS for child in children):
        raise DatasetError(
            f"{folder} holds images, and no labels were found; name the folder of KITTI labels "
            "with --labels, or a COCO file with --images"
        )
    if any(child.suffix.lower() == ".txt" for child in children):
        raise DatasetError(
            f"{folder} holds text files; if they are KITTI labels, name it with --labels, and the "
            "folder of the images with --images"
        )


def _kitti_pair(folder: Path) -> tuple[Path, Path] | None:
    images = _first_folder(folder, _IMAGE_FOLDERS)
    labels = _first_folder(folder, _LABEL_FOLDERS)
    return (images, labels) if images and labels else None


def _first_folder(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)
