"""One labelled image, and a source of them."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from detforge.data.images import read_bytes, read_image
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# Reasons of a `Remark`; those of a `Dropped` stand beside what finds them.
BEYOND_FRAME = "reaches beyond the image"
MASK_BEYOND_BOX = "reaches beyond its box"
MASK_EMPTY = "covers no pixel"
POINTS_LEFT_OUT = "polygons of fewer than three points left out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """An object, or a whole file, that was left out, and why.

    Attributes:
        place: file and line, file and annotation id, or the file.
        class_name: as written in the data; empty for a file.
        reason: "not finite", "inverted", "zero size", "outside the image", ...
        box: xyxy as annotated.
    """

    place: str
    class_name: str
    reason: str
    box: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain values; numbers that JSON has no words for become text."""
        box = [float(v) if math.isfinite(v) else str(v) for v in self.box]
        return {
            "place": self.place,
            "class": self.class_name,
            "reason": self.reason,
            "box_xyxy": box,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """What is odd about an object, whether it is kept or left out.

    A conversion counts these, and lists what is out of bounds in ``<tag>_warnings.json``.

    Attributes:
        object_id: id of the annotation, as the data has it.
        part: what of the object it is about.
        reason: that of `Dropped` for a box that is no box; else `BEYOND_FRAME` (the box is
            clipped), `MASK_BEYOND_BOX`, `MASK_EMPTY` or `POINTS_LEFT_OUT`.
    """

    object_id: int | str
    part: Literal["box", "mask"]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sample:
    """One labelled image; N objects.

    Attributes:
        name: file name of the image.
        encoded: content of the image file, or None where only `path` is known.
        path: the image file, or None where the image lies inside a record.
        width: pixels, as stored.
        height: pixels.
        boxes: float32 (N, 4), xyxy, source pixels, clipped to the image.
        class_names: N names as written in the data.
        difficult: bool (N,), hard to see (KITTI: occluded).
        crowd: bool (N,), the box holds a group (COCO: iscrowd).
        masks: N PNG files of the size of the image, 0 or 255; None where there are none.
        areas: float32 (N,), pixels of each object as annotated; None where the data say nothing.
        source_id: the image's own id in its data set.
        dropped: objects of this image that could not be used.
        remarks: what is odd about its objects, of data whose objects have ids.
    """

    name: str
    encoded: bytes | None = None
    path: Path | None = None
    width: int
    height: int
    boxes: NDArray[np.float32]
    class_names: tuple[str, ...]
    difficult: NDArray[np.bool_]
    crowd: NDArray[np.bool_]
    masks: tuple[bytes, ...] | None = None
    areas: NDArray[np.float32] | None = None
    source_id: str = ""
    dropped: tuple[Dropped, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def select(self, objects: NDArray[np.bool_] | NDArray[np.integer]) -> Sample:
        """Return the sample with these of its objects only.

        Args:
            objects: bool (N,), or the numbers of the objects in the order wanted.
        """
        numbers = np.arange(len(self.class_names))[objects]
        return replace(
            self,
            boxes=self.boxes[numbers],
            class_names=tuple(self.class_names[i] for i in numbers),
            difficult=self.difficult[numbers],
            crowd=self.crowd[numbers],
            masks=None if self.masks is None else tuple(self.masks[i] for i in numbers),
            areas=None if self.areas is None else self.areas[numbers],
        )

    @property
    def place(self) -> str:
        """What to call the image in messages."""
        return str(self.path) if self.path else self.name

    def data(self) -> bytes:
        """Return the encoded image.

        Raises:
            DatasetError: the file cannot be read.
        """
        if self.encoded is not None:
            return self.encoded
        if self.path is None:
            raise DatasetError(f"{self.name} has neither an image nor a path to one")
        return read_bytes(self.path)

    def image(self) -> NDArray[np.uint8]:
        """Return the image as uint8 (H, W, 3), RGB.

        Raises:
            DatasetError: it cannot be decoded, or its size is not the annotated one.
        """
        image = read_image(self.data(), name=self.place)
        height, width = image.shape[:2]
        self.check_size(width, height)
        return image

    def check_size(self, width: int, height: int) -> None:
        """Refuse an image of another size than the annotated one.

        Raises:
            DatasetError: says both sizes.
        """
        if (width, height) != (self.width, self.height):
            raise DatasetError(
                f"{self.place} is {width}x{height} pixels, but its annotation is for "
                f"{self.width}x{self.height}; boxes would land in the wrong place"
            )


class SampleSource(abc.ABC):
    """Labelled images by row; reading a row is safe from several threads.

    Attributes:
        name: what to call it in messages.
        drop_advice: how objects of a class can be left out of it, as the end of a sentence that
            begins "Add the missing ones to the mapping"; empty when they cannot.
        left_out: files of the data set that are not in it at all.
        categories: COCO category id -> name, where the data have such ids.
    """

    name: str
    left_out: tuple[Dropped, ...] = ()
    drop_advice: str = ""
    categories: Mapping[int, str] = MappingProxyType({})

    @abc.abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abc.abstractmethod
    def __getitem__(self, row: int) -> Sample:
        """Return one labelled image.

        Raises:
            DatasetError: it cannot be read; names the file.
        """

    @abc.abstractmethod
    def class_counts(self) -> dict[str, int]:
        """Return class name as written in the data -> objects."""

    @abc.abstractmethod
    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""

    def difficult_counts(self) -> dict[str, int] | None:
        """Return class name -> objects marked difficult.

        None where that would take a look at every image.
        """
        return None

    def weights(self) -> NDArray[np.float64] | None:
        """Return float64 (rows,): how often each image is drawn, 1 on average.

        None where every image is drawn as often as any other: once an epoch.
        """
        return None
