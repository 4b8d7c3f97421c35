"""What a path names: records, a pair of KITTI folders, or a COCO file; and what a recipe does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from detforge.data.coco import CocoFile
from detforge.data.kitti import KittiFolder
from detforge.data.records import RecordSource
from detforge.data.sources import open_sources
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detforge.data.samples import SampleSource
    from detforge.plugins import Detector
    from detforge.recipe import Recipe

# Pairs of folders in data sets and their tools, the most frequent first.
_IMAGE_FOLDERS = ("images", "image_2", "image", "JPEGImages", "img", "data")
_LABEL_FOLDERS = ("labels", "label_2", "label", "kitti_labels", "labels_kitti")


class Subject(NamedTuple):
    """What is to be inspected.

    Attributes:
        title: what to call it.
        parts: name of the part -> its sources.
        recipe: of the spec that names them; None for a path.
    """

    title: str
    parts: Mapping[str, Sequence[SampleSource]]
    recipe: Recipe | None = None


def open_recipe(recipe: Recipe, detector: Detector, title: str) -> Subject:
    """Return the data of a recipe, training and validation apart.

    Raises:
        DatasetError: there are none, or one cannot be opened.
    """
    named = {"training": recipe.data.training, "validation": recipe.data.validation}
    parts = {
        what: [open_sources((source,), detector, what) for source in sources]
        for what, sources in named.items()
        if sources
    }
    if not parts:
        raise DatasetError(f"{title} names no data")
    return Subject(title, parts, recipe)


def open_path(path: str, images: Path | None = None, labels: Path | None = None) -> SampleSource:
    """Return the labelled images that a path names.

    Args:
        path: a COCO file; a folder that holds a folder of images and one of KITTI labels, or
            records; a record file, a pattern or a prefix of some. Empty for the two folders.
        images: where the images of a COCO file are, or the first of the two folders; None for
            where they usually are.
        labels: the second of the two folders.

    Raises:
        DatasetError: nothing of the kind is there; the message says what is.
    """
    if labels is not None:
        return KittiFolder(_images_beside(path, images), labels)
    file = Path(path)
    if file.is_file() and is_json(file):
        return CocoFile(file, images or _images_of(file))
    if images is not None:
        raise DatasetError(
            f"{path} is no COCO file, so that the folder of images needs its labels: give "
            "--labels too"
        )
    if file.is_dir():
        return _open_folder(file)
    return RecordSource(path)


def is_json(file: Path) -> bool:
    """Tell whether a file begins as JSON does, behind a byte-order mark or not."""
    with file.open("rb") as stream:
        start = stream.read(64)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _images_beside(path: str, images: Path | None) -> Path:
    """Return the folder of images that goes with a folder of labels."""
    if images is not None:
        return images
    return _first_folder(Path(path), _IMAGE_FOLDERS) or Path(path)


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
    below = sorted(child for child in folder.iterdir() if child.is_dir())
    if found := [str(child) for child in below if _kitti_pair(child)]:
        raise DatasetError(
            f"{folder} holds several data sets; name one of them: {', '.join(found[:5])}"
        )
    files = sorted(child for child in folder.iterdir() if child.suffix.lower() == ".json")
    if files := [str(file) for file in files if not file.name.endswith(".manifest.json")]:
        raise DatasetError(f"{folder} holds JSON files; name one of them: {', '.join(files[:5])}")
    return RecordSource(str(folder))


def _kitti_pair(folder: Path) -> tuple[Path, Path] | None:
    images = _first_folder(folder, _IMAGE_FOLDERS)
    labels = _first_folder(folder, _LABEL_FOLDERS)
    return (images, labels) if images and labels else None


def _first_folder(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)
