"""The values in a ``tf.train.Example`` by their keys, checked as they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError

from detforge.errors import DatasetError
from detforge.protos.example_pb2 import Example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


class Features:
    """One record.

    Attributes:
        place: file and record, for messages.
    """

    def __init__(self, payload: bytes, place: str) -> None:
        """Take in a serialised message.

        Raises:
            DatasetError: it is none.
        """
        self.place = place
        try:
            self._features = Example.FromString(payload).features.feature
        except DecodeError as err:
            raise DatasetError(f"{place} is not a tf.train.Example: {err}") from err

    def __contains__(self, key: str) -> bool:
        """Tell whether there is such a key, be its list empty or not."""
        return key in self._features

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._features)

    def byte_strings(self, key: str) -> Sequence[bytes]:
        """Return a list of byte strings, empty where the key is absent."""
        return self._features[key].bytes_list.value if key in self else ()

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key is absent.

        Raises:
            DatasetError: one is not UTF-8.
        """
        return tuple(self._decode(value) for value in self.byte_strings(key))

    def text(self, key: str) -> str:
        """Return the first of a list of texts, empty where there is none.

        Raises:
            DatasetError: it is not UTF-8.
        """
        values = self.byte_strings(key)
        return self._decode(values[0]) if values else ""

    def _decode(self, text: bytes) -> str:
        try:
            return text.decode()
        except UnicodeDecodeError as err:
            raise DatasetError(
                f"{self.place} holds a name that is not UTF-8 text: {text[:40]!r}"
            ) from err

    def numbers(self, key: str) -> NDArray[np.float64]:
        """Return a list of numbers, of whichever kind, empty where the key is absent."""
        if key not in self:
            return np.zeros(0)
        feature = self._features[key]
        return np.array(feature.float_list.value or feature.int64_list.value, np.float64)

    def whole_numbers(self, key: str) -> list[int]:
        """Return a list of whole numbers, empty where the key is absent.

        Raises:
            DatasetError: one has a fraction.
        """
        if key not in self:
            return []
        feature = self._features[key]
        values = list(feature.int64_list.value or feature.float_list.value)
        if not all(float(value).is_integer() for value in values):
            raise DatasetError(f"{self.place}: {key} is {values[:6]}; whole numbers belong there")
        return [int(value) for value in values]

    def pixels(self, key: str) -> int:
        """Return a number of pixels, 0 where the key is absent.

        Raises:
            DatasetError: it is not one number above 0.
        """
        values = self.whole_numbers(key)
        if not values:
            return 0
        if len(values) != 1 or values[0] < 1:
            raise DatasetError(
                f"{self.place}: {key} is {values[:6]}; one number of pixels belongs there"
            )
        return values[0]

    def flags(self, key: str, objects: int) -> NDArray[np.bool_]:
        """Return bool (objects,): which numbers are not 0; none where the list is absent or empty.

        Raises:
            DatasetError: the list has another length.
        """
        values = self.numbers(key)
        self.check_length(key, len(values), objects)
        return values != 0 if len(values) else np.zeros(objects, bool)

    def check_length(self, key: str, length: int, objects: int) -> None:
        """Refuse a list that has neither one value for each object nor none at all.

        Raises:
            DatasetError: says both numbers.
        """
        if length not in (0, objects):
            raise DatasetError(
                f"{self.place}: {key} has {length} values for {objects} objects; it takes one for "
                "each object, or none at all"
            )
