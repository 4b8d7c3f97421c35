"""Entries of a COCO file, checked: what an id, a box or a size may be, images and categories."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.data.json_stream import Element

Id = int | str

# The most that OpenCV reads.
_LONGEST_SIDE = 2**20
_MOST_PIXELS = 2**30

_ID = "a number or a text"
_ANNOTATION_KEYS = {
    "id": _ID,
    "image_id": _ID,
    "category_id": _ID,
    "bbox": "a list of four numbers, x, y, width and height,",
    "iscrowd": "0 or 1",
}


class Categories:
    """The list ``categories``.

    Attributes:
        names: id -> name.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self.names: dict[Id, str] = {}

    def add(self, element: Element, number: int) -> None:
        """Take in one of them."""
        place = f"{self._file}: category number {number}"
        identity = _id_in(element.value, place)
        place = f"{self._file}: category {identity}"
        name = _text_in(element.value, "name", place)
        if identity in self.names:
            raise DatasetError(
                f"{self._file} lists two categories with the id {identity}, "
                f"{self.names[identity]!r} and {name!r}"
            )
        self.names[identity] = name


class Images:
    """The list ``images``.

    Attributes:
        ids: id -> place in the list.
        file_names: of each.
        sizes: width and height of each, pixels, one after the other.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self.ids: dict[Id, int] = {}
        self.file_names: list[str] = []
        self.sizes = array("q")

    def add(self, element: Element, number: int) -> None:
        """Take in one of them."""
        identity = _id_in(element.value, f"{self._file}: image number {number}")
        place = f"{self._file}: image {identity}"
        if identity in self.ids:
            first = self.file_names[self.ids[identity]]
            second = element.value.get("file_name")
            raise DatasetError(
                f"{self._file} lists two images with the id {identity}, {first!r} and {second!r}"
            )
        self.ids[identity] = len(self.ids)
        self.file_names.append(_text_in(element.value, "file_name", place))
        size = [_pixels_in(element.value, key, place) for key in ("width", "height")]
        if math.prod(size) > _MOST_PIXELS:
            raise DatasetError(
                f"{place} has {size[0]}x{size[1]} pixels; no image of that size can be read"
            )
        self.sizes.extend(size)


def identity_of(value: Any) -> Id:
    """Return what may be an id; 7.0 is 7.

    Raises:
        TypeError: it may not.
    """
    if type(value) in (int, str):
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise TypeError(value)


def box_of(value: Any) -> tuple[float, float, float, float]:
    """Return x, y, width and height.

    Raises:
        TypeError: not four numbers.
        ValueError: not four.
        OverflowError: a number without end.
    """
    x, y, width, height = value
    if not (is_number(x) and is_number(y) and is_number(width) and is_number(height)):
        raise TypeError(value)
    return float(x), float(y), float(width), float(height)


def flag_of(value: Any) -> bool:
    """Return whether a mark is set; one that is absent or null is not.

    Raises:
        TypeError: neither 0 nor 1.
    """
    if value in (None, 0, 1):
        return bool(value)
    raise TypeError(value)


def is_number(value: Any) -> bool:
    """Tell whether a JSON value is a number."""
    return type(value) in (int, float)


def explain_annotation(annotation: Mapping[str, Any], number: int, file: str) -> str:
    """Return which value of an annotation is wrong, for a message.

    Args:
        annotation: that is lacking something.
        number: place in the list, from 1.
        file: its name.
    """
    place = f"{file}: annotation number {number}"
    for key, wanted in _ANNOTATION_KEYS.items():
        try:
            _check_value(annotation, key)
        except (KeyError, TypeError, ValueError, OverflowError):
            return _wrong(annotation, key, wanted, place)
        if key == "id":
            place = f"{file} annotation {annotation['id']}"
    return f"{place} holds a number that is too large: {str(annotation)[:120]}"


def _check_value(annotation: Mapping[str, Any], key: str) -> None:
    if key == "bbox":
        box_of(annotation[key])
    elif key == "iscrowd":
        flag_of(annotation.get(key))
    else:
        identity_of(annotation[key])


def _wrong(entry: Mapping[str, Any], key: str, wanted: str, place: str) -> str:
    found = f"{place}: {key!r} is {entry[key]!r:.60}" if key in entry else f"{place} has no {key!r}"
    return f"{found}; {wanted} belongs there: {str(entry)[:120]}"


def _id_in(entry: Mapping[str, Any], place: str) -> Id:
    try:
        return identity_of(entry["id"])
    except (KeyError, TypeError) as err:
        raise DatasetError(_wrong(entry, "id", _ID, place)) from err


def _text_in(entry: Mapping[str, Any], key: str, place: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise DatasetError(_wrong(entry, key, "a text", place))
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise DatasetError(f"{place}: {key!r} is {value!r}, with half of a pair of characters")
    return value


def _pixels_in(entry: Mapping[str, Any], key: str, place: str) -> int:
    value: Any = entry.get(key)
    if not is_number(value) or not 1 <= value <= _LONGEST_SIDE or value != int(value):
        raise DatasetError(_wrong(entry, key, "a number of pixels", place))
    return int(value)
