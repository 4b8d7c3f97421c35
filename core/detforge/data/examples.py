"""A labelled image as a ``tf.train.Example``, with the keys of the TensorFlow Object Detection API.

Per image: ``image/encoded``, ``image/format``, ``image/filename``, ``image/source_id``,
``image/height``, ``image/width``, ``image/key/sha256``. Per object, in parallel lists:
``image/object/bbox/{xmin,ymin,xmax,ymax}`` (of the image's width and height),
``image/object/class/text``, ``image/object/class/label`` (from 1), ``image/object/difficult``,
``image/object/is_crowd`` and, where the data have them, ``image/object/area`` (pixels) and
``image/object/mask`` (PNG).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.boxes import box_fault, clip_boxes
from detforge.data.headers import image_format
from detforge.data.images import image_size
from detforge.data.samples import Dropped, Sample
from detforge.errors import DatasetError
from detforge.protos.example_pb2 import Feature
from detforge.protos.example_pb2 import Features as FeaturesMessage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from detforge.data.features import Features

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_IMAGE_KEY = b"image/encoded"
_TEXT, _LABEL = "image/object/class/text", "image/object/class/label"


def to_example(sample: Sample, label_numbers: Mapping[str, int]) -> bytes:
    """Return a sample as a serialised message; equal samples give equal bytes.

    Args:
        sample: its class names are those of the records.
        label_numbers: class name -> number, from 1.
    """
    return b"".join(example_parts(sample, label_numbers))


def example_parts(
    sample: Sample, label_numbers: Mapping[str, int], *, digest: bool = True
) -> tuple[bytes, bytes, bytes]:
    """Return what `to_example` does, in three parts.

    The second is the encoded image: it may be large, and is not copied.

    Args:
        sample: see `to_example`.
        label_numbers: likewise.
        digest: with the SHA-256 of the image, which takes longer than to copy it; otherwise an
            empty text stands in its place, because some readers want every key.
    """
    encoded = sample.data()
    features = _features(sample, encoded, label_numbers)
    sha256 = hashlib.sha256(encoded).hexdigest() if digest else ""
    _put_bytes(features.feature["image/key/sha256"], sha256.encode())
    others = features.SerializeToString(deterministic=True)
    # The features are sorted by their keys, and the image comes first. From the inside: its bytes
    # in a list, the list in a feature, the feature beside its key in an entry, all entries.
    head = _field(1, b"", len(encoded))
    head = _field(1, head, len(encoded))
    head = _field(1, _IMAGE_KEY) + _field(2, head, len(encoded))
    head = _field(1, head, len(encoded))
    return _field(1, head, len(encoded) + len(others)), encoded, others


def _field(number: int, content: bytes, following: int = 0) -> bytes:
    """Return a field with bytes in it, the last of which may follow.

    Protobuf encodes it as the number with the wire type 2, the length as a base-128 number, and
    the bytes (https://protobuf.dev/programming-guides/encoding).
    """
    length = len(content) + following
    digits = bytearray([number << 3 | 2])
    while length > 127:
        digits.append(length & 127 | 128)
        length >>= 7
    digits.append(length)
    return bytes(digits) + content


def _features(sample: Sample, encoded: bytes, label_numbers: Mapping[str, int]) -> FeaturesMessage:
    """Return everything but the image and its digest."""
    format = image_format(encoded) or sample.name.rpartition(".")[2].lower()
    features = FeaturesMessage()
    feature = features.feature
    _put_bytes(feature["image/format"], format.encode())
    _put_bytes(feature["image/filename"], sample.name.encode())
    _put_bytes(feature["image/source_id"], sample.source_id.encode())
    _put_ints(feature["image/height"], [sample.height])
    _put_ints(feature["image/width"], [sample.width])
    size = np.array([sample.width, sample.height, sample.width, sample.height], np.float64)
    for side, values in zip(_SIDES, (sample.boxes / size).T, strict=True):
        _put_floats(feature[f"image/object/bbox/{side}"], values.tolist())
    names = sample.class_names
    _put_bytes(feature[_TEXT], *(name.encode() for name in names))
    _put_ints(feature[_LABEL], [label_numbers[name] for name in names])
    _put_ints(feature["image/object/difficult"], sample.difficult.astype(np.int64).tolist())
    _put_ints(feature["image/object/is_crowd"], sample.crowd.astype(np.int64).tolist())
    if sample.areas is not None:
        _put_floats(feature["image/object/area"], sample.areas.tolist())
    if sample.masks is not None:
        _put_bytes(feature["image/object/mask"], *sample.masks)
    return features


def _put_bytes(feature: Feature, *values: bytes) -> None:
    # Setting the list even when it is empty: readers with a fixed schema want every key.
    feature.bytes_list.SetInParent()
    feature.bytes_list.value.extend(values)


def _put_floats(feature: Feature, values: list[float]) -> None:
    feature.float_list.SetInParent()
    feature.float_list.value.extend(values)


def _put_ints(feature: Feature, values: list[int]) -> None:
    feature.int64_list.SetInParent()
    feature.int64_list.value.extend(values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a run knows about records that they may not say themselves.

    Attributes:
        by_category_id: classes are named by their numbers, "1", "2", ..., whatever the names.
        class_labels: what the class numbers 1, 2, ... of records without names stand for; empty:
            the numbers are the names.
        images: folder of the images of records that do not hold them; or None.
        image_extension: of these images, without a dot; empty for what is found.
    """

    by_category_id: bool = False
    class_labels: tuple[str, ...] = ()
    images: Path | None = None
    image_extension: str = ""


def from_example(features: Features, reading: Reading) -> Sample:
    """Return the sample in a record of these keys.

    Records may come from anywhere, so that boxes are checked and clipped as those of labels are.
    The image's size may be missing, and all that is known of objects but their classes and boxes.

    Args:
        features: the record.
        reading: whether classes go by their numbers.

    Raises:
        DatasetError: a key is missing, or lists differ in length; names the record.
    """
    place = features.place
    images = features.byte_strings("image/encoded")
    if not images:
        raise DatasetError(_wrong_layout(features))
    names = _class_names(features, reading)
    width, height = (features.pixels(f"image/{key}") for key in ("width", "height"))
    if not (width and height):
        width, height = image_size(images[0], place)
    masks = tuple(features.byte_strings("image/object/mask"))
    features.check_length("image/object/mask", len(masks), len(names))
    areas = features.numbers("image/object/area").astype(np.float32)
    features.check_length("image/object/area", len(areas), len(names))
    crowds = (features.flags(f"image/object/{key}", len(names)) for key in ("is_crowd", "group_of"))
    boxes = _boxes(features, len(names)) * np.tile([width, height], 2)
    sample = Sample(
        name=features.text("image/filename") or place,
        encoded=images[0],
        width=width,
        height=height,
        boxes=clip_boxes(boxes, width, height),
        class_names=names,
        difficult=features.flags("image/object/difficult", len(names)),
        crowd=np.logical_or(*crowds),
        masks=masks or None,
        areas=areas if len(areas) == len(names) else None,
        source_id=features.text("image/source_id"),
    )
    return keep_usable(sample, boxes, place)


def category_names(features: Features) -> dict[int, str]:
    """Return class number -> name of the objects in a record, as far as it has both."""
    return dict(zip(features.whole_numbers(_LABEL), features.texts(_TEXT), strict=False))


def keep_usable(sample: Sample, boxes: NDArray[np.float64], place: str) -> Sample:
    """Return a sample without the objects whose boxes are none.

    Args:
        sample: all objects of a record.
        boxes: float64 (N, 4), xyxy, pixels, as they stand in the record.
        place: file and record, for messages.
    """
    kept, dropped = np.ones(len(boxes), bool), []
    for number, box in enumerate(boxes.tolist()):
        if reason := box_fault(box, sample.width, sample.height):
            kept[number] = False
            where, name = f"{place} object {number}", sample.class_names[number]
            dropped.append(Dropped(place=where, class_name=name, reason=reason, box=tuple(box)))
    return replace(sample.select(kept), dropped=tuple(dropped))


def _class_names(features: Features, reading: Reading) -> tuple[str, ...]:
    if reading.by_category_id:
        return tuple(str(number) for number in features.whole_numbers(_LABEL))
    names = features.texts(_TEXT)
    if not names and features.whole_numbers(_LABEL):
        raise DatasetError(
            f"{features.place} has class numbers in {_LABEL} and no class names in {_TEXT}, which "
            "target_class_mapping goes by; write the names too when the records are made"
        )
    return names


def _boxes(features: Features, objects: int) -> NDArray[np.float64]:
    """Return float64 (N, 4), xyxy, shares of the image's sides, as they stand in the record."""
    lists = [features.numbers(f"image/object/bbox/{side}") for side in _SIDES]
    lengths = {len(values) for values in lists}
    if lengths != {objects}:
        raise DatasetError(
            f"{features.place} has {objects} classes ({_TEXT} or {_LABEL}) and "
            f"{' / '.join(str(n) for n in sorted(lengths))} box coordinates; records need one "
            "class for each box"
        )
    return np.array(lists, np.float64).T


def _wrong_layout(features: Features) -> str:
    keys = ", ".join(sorted(features)[:6]) or "nothing"
    return f"{features.place} has no image in image/encoded; it holds {keys}"
