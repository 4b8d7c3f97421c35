"""Records in the two layouts of TAO's converters for KITTI labels.

Both hold ``frame/id`` (folder and stem of the image), ``frame/width``, ``frame/height``,
``target/coordinates_{x1,y1,x2,y2}`` and ``target/occlusion``, and more about each object that
detectors of boxes do not use.

SSD and its kind: the image is in ``frame/encoded``, coordinates are shares of its sides, and
``target/object_class_id`` numbers the classes from 1 in the order of their lower-case names.
DetectNet and Faster R-CNN: the image lies elsewhere, coordinates are pixels, and
``target/object_class`` names the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.boxes import clip_boxes
from detforge.data.examples import keep_usable
from detforge.data.images import IMAGE_EXTENSIONS
from detforge.data.samples import Sample
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from detforge.data.examples import Reading
    from detforge.data.features import Features

_NAME, _NUMBER = "target/object_class", "target/object_class_id"


def is_tao_example(features: Features) -> bool:
    """Tell whether a record has one of these layouts."""
    return "frame/id" in features


def from_tao_example(features: Features, reading: Reading) -> Sample:
    """Return the sample in a record of TAO.

    Args:
        features: the record.
        reading: where the images are, and what class numbers stand for.

    Raises:
        DatasetError: the image is missing, a class number stands for nothing, or lists differ in
            length; names the record.
    """
    place, identity = features.place, features.text("frame/id")
    width, height = (features.pixels(f"frame/{key}") for key in ("width", "height"))
    if not (identity and width and height):
        raise DatasetError(f"{place} lacks frame/id, frame/width or frame/height")
    numbers = features.whole_numbers(_NUMBER)
    names = _numbered(numbers, reading, place) if numbers else _named(features, reading)
    boxes = _boxes(features, len(names))
    if numbers:
        boxes *= np.tile([width, height], 2)
    encoded = next(iter(features.byte_strings("frame/encoded")), None)
    path = None if encoded else _find_image(identity, reading, place)
    sample = Sample(
        name=path.name if path else _file_name(identity, encoded or b""),
        encoded=encoded,
        path=path,
        width=width,
        height=height,
        boxes=clip_boxes(boxes, width, height),
        class_names=names,
        difficult=_difficult(features, len(names)),
        crowd=np.zeros(len(names), bool),
        source_id=identity,
    )
    return keep_usable(sample, boxes, place)


def _numbered(numbers: Sequence[int], reading: Reading, place: str) -> tuple[str, ...]:
    labels = reading.class_labels
    for number in numbers:
        if number < 1 or (labels and number > len(labels)):
            known = f"the spec has the classes 1 to {len(labels)} ({', '.join(labels)})"
            raise DatasetError(
                f"{place} has the class number {number} in {_NUMBER}; "
                f"{known if labels else 'they begin at 1'}. Take the target_class_mapping that the "
                "records were made with"
            )
    return tuple(labels[number - 1] if labels else str(number) for number in numbers)


def _named(features: Features, reading: Reading) -> tuple[str, ...]:
    names = features.texts(_NAME)
    if names and reading.by_category_id:
        raise DatasetError(
            f"{features.place} has class names in {_NAME}, and this detector goes by category ids; "
            "convert COCO annotations for it"
        )
    return names


def _boxes(features: Features, objects: int) -> NDArray[np.float64]:
    """Return float64 (N, 4), xyxy, as they stand in the record."""
    lists = [features.numbers(f"target/coordinates_{side}") for side in ("x1", "y1", "x2", "y2")]
    lengths = {len(values) for values in lists}
    if lengths != {objects}:
        raise DatasetError(
            f"{features.place} has {objects} classes in {_NAME} or {_NUMBER}, but "
            f"{' / '.join(str(n) for n in sorted(lengths))} box coordinates"
        )
    return np.array(lists, np.float64).T


def _difficult(features: Features, objects: int) -> NDArray[np.bool_]:
    values = features.numbers("target/occlusion")
    features.check_length("target/occlusion", len(values), objects)
    return values >= 1 if len(values) else np.zeros(objects, bool)


def _find_image(identity: str, reading: Reading, place: str) -> Path:
    if reading.images is None:
        raise DatasetError(
            f"{place} does not hold its image; name the folder from which {identity!r} starts, "
            "where records are named too (image_directory_path)"
        )
    extension = reading.image_extension
    known = (*IMAGE_EXTENSIONS, *(suffix.upper() for suffix in IMAGE_EXTENSIONS))
    suffixes = (f".{extension}", f".{extension.upper()}") if extension else known
    # The identity may hold dots: a suffix is appended, not replaced.
    paths = [reading.images / f"{identity}{suffix}" for suffix in suffixes]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise DatasetError(
            f"{paths[0]} does not exist; {place} names its image {identity!r}, starting from "
            "image_directory_path and without the extension (image_extension)"
        )
    return found


def _file_name(identity: str, encoded: bytes) -> str:
    suffix = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"BM": ".bmp"}.get(encoded[:2], "")
    return identity.rpartition("/")[2] + suffix
