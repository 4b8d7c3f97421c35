"""What a COCO file says, in a few arrays: read as a stream, without its outlines.

A million annotations take about 100 MB. Outlines stay in the file; the table knows where.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from detforge.data.boxes import box_fault
from detforge.data.coco_entries import (
    Categories,
    Images,
    box_of,
    explain_annotation,
    flag_of,
    identity_of,
    is_number,
)
from detforge.data.json_stream import read_members
from detforge.data.outlines import Runs, check_size, parse_outline
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from detforge.data.coco_entries import Id
    from detforge.data.json_stream import Element

NO_OUTLINE = "outline of fewer than three points"


@dataclass(frozen=True, slots=True, eq=False)
class CocoTable:
    """A COCO file of I images, N objects and K categories.

    Attributes:
        categories: id -> name, in the order of the file.
        image_ids: I ids.
        file_names: I names.
        sizes: int64 (I, 2), width and height in pixels.
        first: int64 (I + 1,): the objects of image i are those from ``first[i]`` to
            ``first[i + 1]``, in the order of the file.
        ids: N ids.
        category: int32 (N,), place in `categories`.
        boxes: float64 (N, 4), xyxy, pixels, as annotated.
        areas: float32 (N,), pixels; that of the box where the file has no area.
        odd_areas: objects whose area in the file is no number of pixels, and counts as absent.
        crowd: bool (N,).
        faults: object -> why it cannot be used.
        places: int64 (N, 2), first byte of the annotation in the file and the byte behind it,
            equal where it has no outline.
    """

    categories: Mapping[Id, str]
    image_ids: Sequence[Id]
    file_names: Sequence[str]
    sizes: NDArray[np.int64]
    first: NDArray[np.int64]
    ids: Sequence[Id]
    category: NDArray[np.int32]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float32]
    odd_areas: int
    crowd: NDArray[np.bool_]
    faults: Mapping[int, str]
    places: NDArray[np.int64]


def read_table(path: Path, *, outlines: bool) -> CocoTable:
    """Read a COCO file.

    Args:
        path: the JSON file.
        outlines: check the segmentations too, and note where they are.

    Raises:
        DatasetError: the file is missing, no COCO JSON, or refers to what it does not hold.
    """
    name = str(path)
    images, categories = Images(name), Categories(name)
    annotations = _Annotations(name, outlines=outlines)
    readers = {"images": images, "annotations": annotations, "categories": categories}
    found: set[str] = set()
    try:
        with path.open("rb") as file:
            for key, content in read_members(file, name):
                if key in readers:
                    _check_list(key, content, found, name)
                    _read_list(key, content, readers[key], name)
    except FileNotFoundError as err:
        raise DatasetError(f"{path} does not exist") from err
    except OSError as err:
        raise DatasetError(f"{path} cannot be read: {err.strerror}") from err
    for key in readers:
        if key not in found:
            raise DatasetError(f"{path} is not COCO JSON: it has no list {key!r} at its top level")
    if not images.ids:
        raise DatasetError(f"{path} lists no images")
    return annotations.table(images, categories)


def _check_list(key: str, content: Any, found: set[str], file: str) -> None:
    if key in found:
        raise DatasetError(f"{file} has two members {key!r} at its top level")
    if content is None or isinstance(content, str | int | float | dict):
        raise DatasetError(f"{file} is not COCO JSON: {key!r} at its top level is no list")
    found.add(key)


def _read_list(
    key: str, elements: Iterable[Element], reader: Images | Categories | _Annotations, file: str
) -> None:
    for number, element in enumerate(elements, start=1):
        if not isinstance(element.value, dict):
            raise DatasetError(
                f"{file}: number {number} of {key!r} is {str(element.value)[:40]}; an object, "
                "{...}, belongs there"
            )
        reader.add(element, number)


class _Annotations:
    """The list ``annotations``, as columns that grow."""

    def __init__(self, file: str, *, outlines: bool) -> None:
        self._file = file
        self._outlines = outlines
        self._ids: array[int] | list[Id] = array("q")
        # Images and categories may be listed later: ids are numbered in the order they are met.
        self._met_images: dict[Id, int] = {}
        self._met_categories: dict[Id, int] = {}
        self._image = array("i")
        self._category = array("i")
        self._boxes = array("d")
        self._areas = array("f")
        self._odd_areas = 0
        self._crowd = array("b")
        self._places = array("q")
        self._without_points: list[int] = []
        self._runs: list[tuple[int, Runs]] = []

    def add(self, element: Element, number: int) -> None:
        """Take in one of them."""
        annotation = element.value
        try:
            identity = identity_of(annotation["id"])
            image = identity_of(annotation["image_id"])
            category = identity_of(annotation["category_id"])
            x, y, width, height = box_of(annotation["bbox"])
            area = self._area(annotation.get("area"), width * height)
            crowd = flag_of(annotation.get("iscrowd"))
        except (KeyError, TypeError, ValueError, OverflowError) as err:
            raise DatasetError(explain_annotation(annotation, number, self._file)) from err
        self._add_id(identity)
        self._image.append(self._met_images.setdefault(image, len(self._met_images)))
        self._category.append(self._met_categories.setdefault(category, len(self._met_categories)))
        self._boxes.extend((x, y, x + width, y + height))
        self._areas.append(area)
        self._crowd.append(crowd)
        self._add_outline(annotation, element)

    def _area(self, found: Any, of_box: float) -> float:
        if is_number(found) and 0 <= found < inf:
            return float(found)
        self._odd_areas += found is not None
        return of_box

    def _add_id(self, identity: Id) -> None:
        try:
            self._ids.append(identity)  # type: ignore[arg-type]
        except (TypeError, OverflowError):  # a text, or more than 64 bits
            self._ids = [*self._ids, identity]

    def _add_outline(self, annotation: dict[str, Any], element: Element) -> None:
        segmentation = annotation.get("segmentation") if self._outlines else None
        if not segmentation:
            self._places.extend((element.start, element.start))
            return
        self._places.extend((element.start, element.end))
        number = len(self._ids) - 1
        outline = parse_outline(segmentation, self._place(number))
        if outline is None:
            self._without_points.append(number)
        elif isinstance(outline, Runs):
            self._runs.append((number, outline._replace(counts="")))

    def _place(self, number: int) -> str:
        return f"{self._file} annotation {self._ids[number]}"

    def table(self, images: Images, categories: Categories) -> CocoTable:
        """Return the table, in the order of the images.

        Raises:
            DatasetError: ids that are not unique or not defined, boxes that are no pixels, masks
                of another size than their image.
        """
        self._check_unique()
        image = self._resolve_images(images.ids)[np.array(self._image, np.int64)]
        places = {identity: place for place, identity in enumerate(categories.names)}
        category = self._resolve_categories(places)[np.array(self._category, np.int64)]
        sizes = np.array(images.sizes, np.int64).reshape(-1, 2)
        for number, runs in self._runs:
            width, height = sizes[image[number]].tolist()
            check_size(runs, width, height, self._place(number))
        boxes = np.array(self._boxes, np.float64).reshape(-1, 4)
        self._check_pixels(boxes)
        order = np.argsort(image, kind="stable")
        without_points = np.zeros(len(order), bool)
        without_points[self._without_points] = True
        return CocoTable(
            categories=categories.names,
            image_ids=list(images.ids),
            file_names=images.file_names,
            sizes=sizes,
            first=np.searchsorted(image[order], np.arange(len(sizes) + 1)),
            ids=_in_order(self._ids, order),
            category=category[order].astype(np.int32),
            boxes=boxes[order],
            areas=np.array(self._areas, np.float32)[order],
            odd_areas=self._odd_areas,
            crowd=np.array(self._crowd, bool)[order],
            faults=_faults(boxes[order], sizes[image[order]], without_points[order]),
            places=np.array(self._places, np.int64).reshape(-1, 2)[order],
        )

    def _check_unique(self) -> None:
        if isinstance(self._ids, list):
            twice = next((i for i, count in Counter(self._ids).items() if count > 1), None)
        else:
            ids = np.sort(np.array(self._ids, np.int64))
            twice = next(iter(ids[1:][ids[1:] == ids[:-1]].tolist()), None)
        if twice is None:
            return
        images = list(self._met_images)
        first, second = [i for i, identity in enumerate(self._ids) if identity == twice][:2]
        raise DatasetError(
            f"{self._file} lists two annotations with the id {twice}, of the images "
            f"{images[self._image[first]]} and {images[self._image[second]]}; number them anew"
        )

    def _resolve_images(self, known: Mapping[Id, int]) -> NDArray[np.int64]:
        """Return int64: met image -> place in the list of images."""
        for identity, met in self._met_images.items():
            if identity not in known:
                of_it = np.flatnonzero(np.array(self._image) == met)
                raise DatasetError(
                    f"{self._place(of_it[0])} belongs to image {identity}, which the file does "
                    f"not list{_other_type(identity, known)}"
                    + (f"; so do {len(of_it) - 1} more" if len(of_it) > 1 else "")
                )
        return np.array([known[identity] for identity in self._met_images], np.int64)

    def _resolve_categories(self, known: Mapping[Id, int]) -> NDArray[np.int64]:
        """Return int64: met category -> place in the list of categories."""
        for identity, met in self._met_categories.items():
            if identity not in known:
                of_it = np.flatnonzero(np.array(self._category) == met)
                names = ", ".join(str(key) for key in list(known)[:20]) or "none"
                raise DatasetError(
                    f"{self._place(of_it[0])} has category {identity}, which the file does not "
                    f"define (it has {names}){_other_type(identity, known)}"
                )
        return np.array([known[identity] for identity in self._met_categories], np.int64)

    def _check_pixels(self, boxes: NDArray[np.float64]) -> None:
        """Refuse boxes most of which lie within the first pixel of their image."""
        has_size = boxes[:, :2] < boxes[:, 2:]
        within = (boxes >= 0).all(1) & (boxes <= 1).all(1) & has_size.all(1)
        if within.any() and within.sum() * 2 >= len(boxes):
            number = int(np.flatnonzero(within)[0])
            x, y, right, bottom = boxes[number].tolist()
            width, height = right - x, bottom - y
            raise DatasetError(
                f"{self._place(number)} has the box [{x:g}, {y:g}, {width:g}, {height:g}], and so "
                f"have {within.sum()} of {len(boxes)} within one pixel: they look like shares of "
                "the image. COCO boxes are x, y, width and height in pixels"
            )


def _faults(
    boxes: NDArray[np.float64], sizes: NDArray[np.int64], without_points: NDArray[np.bool_]
) -> dict[int, str]:
    usable = (
        np.isfinite(boxes).all(1)
        & (boxes[:, :2] < boxes[:, 2:]).all(1)
        & (boxes[:, :2] < sizes).all(1)
        & (boxes[:, 2:] > 0).all(1)
    )
    return {
        number: box_fault(boxes[number].tolist(), *sizes[number].tolist()) or NO_OUTLINE
        for number in np.flatnonzero(~usable | without_points).tolist()
    }


def _in_order(ids: array[int] | list[Id], order: NDArray[np.int64]) -> Sequence[Id]:
    if isinstance(ids, list):
        return [ids[number] for number in order]
    return array("q", np.array(ids, np.int64)[order].tobytes())


def _other_type(identity: Id, known: Mapping[Id, Any]) -> str:
    """Return a hint when an id is a text here and a number there."""
    kinds = {str: "text", int: "number"}
    for other in known:
        if type(other) is not type(identity) and str(other) == str(identity):
            return f". It is a {kinds[type(identity)]} here and a {kinds[type(other)]} there"
    return ""
