"""COCO JSON: images, annotations and categories in one file (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detforge.data.boxes import box_fault, clip_boxes
from detforge.data.images import read_bytes
from detforge.data.masks import draw_outline, encode_mask
from detforge.data.samples import Dropped, Sample, SampleSource
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)


class _Object(NamedTuple):
    id: Any
    class_name: str
    box: tuple[float, float, float, float]
    crowd: bool
    segmentation: Any


class _Image(NamedTuple):
    id: Any
    file_name: str
    width: int
    height: int


class CocoFile(SampleSource):
    """The images of one COCO JSON file, in its order.

    Boxes become xyxy. An object without a segmentation in a file that has them gets its box for
    a mask.
    """

    def __init__(self, annotations: Path, images: Path, *, masks: bool = True) -> None:
        """Read the file; images are opened later, one by one.

        Args:
            annotations: the JSON file.
            images: folder that ``file_name`` starts from.
            masks: turn segmentations into masks, if there are any.

        Raises:
            DatasetError: the file is missing, no COCO JSON, or refers to what it does not hold.
        """
        self.name = str(annotations)
        self._folder = images
        content = _load(annotations)
        names = _categories(content, self.name)
        self._images = _images(content, self.name)
        self._objects: dict[Any, list[_Object]] = {image.id: [] for image in self._images}
        for annotation in content["annotations"]:
            image_id, found = _object(annotation, names, self.name)
            if image_id not in self._objects:
                raise DatasetError(
                    f"{self.name}: annotation {found.id} belongs to image {image_id}, which the "
                    "file does not list"
                )
            self._objects[image_id].append(found)
        outlined = sum(bool(o.segmentation) for objects in self._objects.values() for o in objects)
        self._has_masks = masks and outlined > 0
        without = len(content["annotations"]) - outlined
        if self._has_masks and without:
            log.warning("%s: %d objects have no outline; it is their box", self.name, without)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> Sample:
        image = self._images[row]
        objects, dropped = self._usable(image)
        path = self._folder / image.file_name
        return Sample(
            name=image.file_name,
            encoded=read_bytes(path),
            path=path,
            width=image.width,
            height=image.height,
            boxes=clip_boxes([found.box for found in objects], image.width, image.height),
            class_names=tuple(o.class_name for o in objects),
            difficult=np.zeros(len(objects), bool),
            crowd=np.array([o.crowd for o in objects], bool),
            masks=self._masks(image, objects) if self._has_masks else None,
            source_id=str(image.id),
            dropped=tuple(dropped),
        )

    def _usable(self, image: _Image) -> tuple[list[_Object], list[Dropped]]:
        objects, dropped = [], []
        for found in self._objects[image.id]:
            reason = box_fault(found.box, image.width, image.height)
            if not reason:
                objects.append(found)
                continue
            place = f"{self.name} annotation {found.id}"
            dropped.append(
                Dropped(place=place, class_name=found.class_name, reason=reason, box=found.box)
            )
        return objects, dropped

    def _masks(self, image: _Image, objects: list[_Object]) -> tuple[bytes, ...]:
        masks = []
        for found in objects:
            x1, y1, x2, y2 = found.box
            outline = found.segmentation or [[x1, y1, x2, y1, x2, y2, x1, y2]]
            place = f"{self.name} annotation {found.id}"
            masks.append(encode_mask(draw_outline(outline, image.width, image.height, place)))
        return tuple(masks)

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects."""
        counts = Counter(o.class_name for objects in self._objects.values() for o in objects)
        return dict(sorted(counts.items()))

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return max(len(objects) for objects in self._objects.values())


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path))
    except ValueError as err:
        raise DatasetError(f"{path} is not JSON: {err}") from err
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DatasetError(f"{path} is not COCO JSON: it has no list {key!r} at its top level")
    if not content["images"]:
        raise DatasetError(f"{path} lists no images")
    return content


def _categories(content: Mapping[str, Any], file: str) -> dict[Any, str]:
    names = {}
    for category in content["categories"]:
        try:
            names[_identity(category["id"])] = str(category["name"])
        except (KeyError, TypeError) as err:
            raise DatasetError(
                f"{file}: a category lacks its id (a number or a text) or its name: {category}"
            ) from err
    return names


def _images(content: Mapping[str, Any], file: str) -> list[_Image]:
    images, ids = [], set()
    for entry in content["images"]:
        try:
            image = _Image(
                _identity(entry["id"]),
                str(entry["file_name"]),
                int(entry["width"]),
                int(entry["height"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as err:
            raise DatasetError(
                f"{file}: an image lacks id (a number or a text), file_name, width or height: "
                f"{str(entry)[:200]}"
            ) from err
        if image.id in ids:
            raise DatasetError(f"{file} lists two images with the id {image.id}")
        ids.add(image.id)
        images.append(image)
    return images


def _object(annotation: Any, names: Mapping[Any, str], file: str) -> tuple[Any, _Object]:
    """Return the id of the image an annotation belongs to, and the object."""
    identity = annotation.get("id") if isinstance(annotation, dict) else None
    try:
        image_id = _identity(annotation["image_id"])
        category = _identity(annotation["category_id"])
        x, y, width, height = (float(v) for v in annotation["bbox"])
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        raise DatasetError(
            f"{file}: annotation {identity} lacks image_id or category_id (a number or a text) or "
            f"four numbers in bbox: {str(annotation)[:200]}"
        ) from err
    if category not in names:
        known = ", ".join(str(key) for key in list(names)[:20])
        raise DatasetError(
            f"{file}: annotation {identity} has category {category}, which the file does not "
            f"define (it has {known})"
        )
    box = (x, y, x + width, y + height)
    crowd = bool(annotation.get("iscrowd", 0))
    return image_id, _Object(
        identity, names[category], box, crowd, annotation.get("segmentation") or None
    )


def _identity(value: Any) -> int | float | str:
    """Return what may be an id.

    Raises:
        TypeError: a list, an object or nothing, which cannot.
    """
    if not isinstance(value, int | float | str):
        raise TypeError(value)
    return value
