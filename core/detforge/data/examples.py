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
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError

from detforge.data.boxes import box_fault, clip_boxes
from detforge.data.headers import read_header
from detforge.data.samples import Dropped, Sample
from detforge.errors import DatasetError
from detforge.protos.example_pb2 import Example, Feature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_SIDES = ("xmin", "ymin", "xmax", "ymax")


def to_example(sample: Sample, label_numbers: Mapping[str, int]) -> bytes:
    """Return a sample as a serialised message; equal samples give equal bytes.

    Args:
        sample: its class names are those of the records.
        label_numbers: class name -> number, from 1.
    """
    encoded = sample.data()
    header = read_header(encoded)
    suffix = sample.name.rpartition(".")[2].lower()
    example = Example()
    feature = example.features.feature
    _put_bytes(feature["image/encoded"], encoded)
    _put_bytes(feature["image/format"], (header.format if header else suffix).encode())
    _put_bytes(feature["image/filename"], sample.name.encode())
    _put_bytes(feature["image/source_id"], sample.source_id.encode())
    _put_bytes(feature["image/key/sha256"], hashlib.sha256(encoded).hexdigest().encode())
    _put_ints(feature["image/height"], sample.height)
    _put_ints(feature["image/width"], sample.width)
    size = np.array([sample.width, sample.height, sample.width, sample.height], np.float64)
    for side, values in zip(_SIDES, (sample.boxes / size).T, strict=True):
        _put_floats(feature[f"image/object/bbox/{side}"], values.tolist())
    names = sample.class_names
    _put_bytes(feature["image/object/class/text"], *(name.encode() for name in names))
    _put_ints(feature["image/object/class/label"], *(label_numbers[name] for name in names))
    _put_ints(feature["image/object/difficult"], *sample.difficult.tolist())
    _put_ints(feature["image/object/is_crowd"], *sample.crowd.tolist())
    if sample.areas is not None:
        _put_floats(feature["image/object/area"], sample.areas.tolist())
    if sample.masks is not None:
        _put_bytes(feature["image/object/mask"], *sample.masks)
    return example.SerializeToString(deterministic=True)


def _put_bytes(feature: Feature, *values: bytes) -> None:
    # Setting the list even when it is empty: readers with a fixed schema want every key.
    feature.bytes_list.SetInParent()
    feature.bytes_list.value.extend(values)


def _put_floats(feature: Feature, values: list[float]) -> None:
    feature.float_list.SetInParent()
    feature.float_list.value.extend(values)


def _put_ints(feature: Feature, *values: int) -> None:
    feature.int64_list.SetInParent()
    feature.int64_list.value.extend(int(value) for value in values)


def from_example(payload: bytes, place: str) -> Sample:
    """Return the sample in a serialised message.

    Records may come from anywhere, so that boxes are checked and clipped as those of labels are.

    Args:
        payload: the message.
        place: file and record, for messages.

    Raises:
        DatasetError: no such message, a key is missing, or lists differ in length; names the
            record.
    """
    try:
        features = Example.FromString(payload).features.feature
    except DecodeError as err:
        raise DatasetError(f"{place} is not a tf.train.Example: {err}") from err
    if not features["image/encoded"].bytes_list.value:
        raise DatasetError(_wrong_layout(features, place))
    texts = features["image/object/class/text"].bytes_list.value
    names = tuple(_decode(text, place) for text in texts)
    width, height = (_one_int(features, f"image/{key}", place) for key in ("width", "height"))
    boxes = _boxes(features, width, height, len(names), place)
    masks = tuple(features["image/object/mask"].bytes_list.value)
    if masks and len(masks) != len(names):
        raise DatasetError(f"{place} has {len(masks)} masks for {len(names)} objects")
    difficult = _flags(features, "image/object/difficult", len(names), place)
    crowd = _flags(features, "image/object/is_crowd", len(names), place)
    dropped = _faults(boxes, names, width, height, place)
    kept = [index for index in range(len(names)) if index not in dropped]
    return Sample(
        name=_text(features, "image/filename", place) or place,
        encoded=features["image/encoded"].bytes_list.value[0],
        width=width,
        height=height,
        boxes=clip_boxes(boxes[kept], width, height),
        class_names=tuple(names[index] for index in kept),
        difficult=difficult[kept],
        crowd=crowd[kept],
        masks=tuple(masks[index] for index in kept) if masks else None,
        source_id=_text(features, "image/source_id", place),
        dropped=tuple(dropped.values()),
    )


def _faults(
    boxes: NDArray[np.float64], names: Sequence[str], width: int, height: int, place: str
) -> dict[int, Dropped]:
    """Return the objects that cannot be used, by their number in the record."""
    dropped = {}
    for index, (box, name) in enumerate(zip(boxes.tolist(), names, strict=True)):
        if reason := box_fault(box, width, height):
            where = f"{place} object {index}"
            dropped[index] = Dropped(place=where, class_name=name, reason=reason, box=tuple(box))
    return dropped


def _boxes(
    features: Mapping[str, Feature], width: int, height: int, objects: int, place: str
) -> NDArray[np.float64]:
    """Return float64 (N, 4), xyxy, source pixels, as they stand in the record."""
    lists = [features[f"image/object/bbox/{side}"].float_list.value for side in _SIDES]
    lengths = {len(values) for values in lists}
    if lengths != {objects}:
        found = "class names in image/object/class/text" if objects else "class names at all"
        raise DatasetError(
            f"{place} has {objects} {found}, but {' / '.join(str(n) for n in sorted(lengths))} "
            "box coordinates; records need one name for each box"
        )
    size = np.array([width, height, width, height], np.float64)
    return np.array(lists, np.float64).T * size


def _wrong_layout(features: Mapping[str, Feature], place: str) -> str:
    if "frame/encoded" in features or "frame/id" in features:
        return (
            f"{place} has the layout of TAO's own KITTI records (frame/id, target/...), which "
            "carry no class names; run dataset_convert on the images and labels again"
        )
    keys = ", ".join(sorted(key for key in features if key != "image/encoded")[:6]) or "nothing"
    return f"{place} has no image in image/encoded; it holds {keys}"


def _one_int(features: Mapping[str, Feature], key: str, place: str) -> int:
    values = features[key].int64_list.value
    if len(values) != 1 or values[0] < 1:
        raise DatasetError(f"{place}: {key} is {list(values)}; one number of pixels belongs there")
    return values[0]


def _text(features: Mapping[str, Feature], key: str, place: str) -> str:
    values = features[key].bytes_list.value
    return _decode(values[0], place) if values else ""


def _decode(text: bytes, place: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as err:
        raise DatasetError(f"{place} holds a name that is not UTF-8 text: {text[:40]!r}") from err


def _flags(
    features: Mapping[str, Feature], key: str, objects: int, place: str
) -> NDArray[np.bool_]:
    """Return bool (N,); an absent list means no object has the mark."""
    values = features[key].int64_list.value
    if values and len(values) != objects:
        raise DatasetError(
            f"{place}: {key} has {len(values)} values for {objects} objects; it takes one for each "
            "object, or none at all"
        )
    return np.array(values, bool) if values else np.zeros(objects, bool)
