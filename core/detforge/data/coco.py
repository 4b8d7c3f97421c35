"""COCO JSON: images, annotations and categories in one file (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detforge.data.boxes import clip_boxes
from detforge.data.coco_table import NO_OUTLINE, read_table
from detforge.data.images import read_bytes
from detforge.data.masks import encode_mask
from detforge.data.outlines import (
    Polygons,
    box_outline,
    draw_outline,
    is_beyond_box,
    parse_outline,
)
from detforge.data.samples import (
    BEYOND_FRAME,
    MASK_BEYOND_BOX,
    MASK_EMPTY,
    POINTS_LEFT_OUT,
    Dropped,
    Remark,
    Sample,
    SampleSource,
)
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

log = logging.getLogger(__name__)


class _Mask(NamedTuple):
    png: bytes
    remarks: tuple[Remark, ...]


class CocoFile(SampleSource):
    """The images of one COCO JSON file, in its order.

    Boxes become xyxy. An object without a segmentation in a file that has them gets its box for
    a mask. The file is read once as a stream; what stays in memory are a few arrays, and outlines
    are read again from the file when they are drawn.

    Attributes:
        has_masks: samples have masks.
        file_names: name of the image of each row.
        label_files: the file that the labels come from.
    """

    drop_advice = ", or convert the file to records, which may leave them out (--drop_unmapped)"

    def __init__(
        self,
        annotations: Path,
        images: Path | None,
        *,
        masks: bool = True,
        by_category_id: bool = False,
        field: str = "",
    ) -> None:
        """Read the file; images are opened later, one by one.

        Args:
            annotations: the JSON file.
            images: folder that ``file_name`` starts from; None where only `truth` is asked for.
            masks: turn segmentations into masks, if there are any.
            by_category_id: classes are named by their category ids, "1", "2", ...
            field: the spec field that named the file, for messages.

        Raises:
            DatasetError: the file is missing, no COCO JSON, or refers to what it does not hold; an
                image file is missing.
        """
        self.name = str(annotations)
        self._path = annotations
        self.label_files = [annotations]
        self._folder = images
        self._table = table = read_table(annotations, outlines=masks)
        self.file_names = table.file_names
        self._rows = {str(identity): row for row, identity in enumerate(table.image_ids)}
        self.categories = {i: name for i, name in table.categories.items() if isinstance(i, int)}
        self._class_names = list(table.categories.values())
        if by_category_id:
            self.category_numbers()
            self._class_names = [str(identity) for identity in table.categories]
        without = int((table.places[:, 0] == table.places[:, 1]).sum())
        self.has_masks = without < len(table.ids)
        if self.has_masks and without:
            self._report(without, "without an outline; it is the box")
        if table.odd_areas:
            self._report(table.odd_areas, "with an area that is no number; it is the box's")
        for reason, count in sorted(Counter(table.faults.values()).items()):
            self._report(count, f"left out: {reason}")
        if images is not None:
            _check_files(images, table.file_names, field or self.name)

    def _report(self, objects: int, what: str) -> None:
        log.warning("%s: %d object%s %s", self.name, objects, "s" * (objects > 1), what)

    def __len__(self) -> int:
        return len(self._table.image_ids)

    def __getitem__(self, row: int) -> Sample:
        if self._folder is None:
            raise DatasetError(f"{self.name} was opened without a folder of images")
        path = self._folder / self._table.file_names[row]
        return replace(self.truth(row), encoded=read_bytes(path), path=path)

    def row_of(self, image_id: str, file_name: str) -> int | None:
        """Return the row of an image, None when the file does not list it.

        Args:
            image_id: as text.
            file_name: counts where no image has this id.
        """
        row = self._rows.get(image_id)
        return self._rows_by_file.get(file_name) if row is None else row

    @cached_property
    def _rows_by_file(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self._table.file_names)}

    def truth(self, row: int, *, draw_masks: bool = True) -> Sample:
        """Return the labels of an image, without the image.

        Args:
            row: of the image.
            draw_masks: turn outlines into masks, which takes most of the time.

        Raises:
            DatasetError: the file changed since it was opened, or run lengths are damaged.
        """
        table = self._table
        numbers = range(int(table.first[row]), int(table.first[row + 1]))
        kept = [number for number in numbers if number not in table.faults]
        width, height = table.sizes[row].tolist()
        has_masks = draw_masks and self.has_masks
        masks = list(self._masks(kept, width, height)) if has_masks else []
        return Sample(
            name=table.file_names[row],
            width=width,
            height=height,
            boxes=clip_boxes(table.boxes[kept], width, height),
            class_names=tuple(self._class_names[table.category[number]] for number in kept),
            difficult=np.zeros(len(kept), bool),
            crowd=table.crowd[kept],
            masks=tuple(mask.png for mask in masks) if has_masks else None,
            areas=table.areas[kept],
            source_id=str(table.image_ids[row]),
            dropped=tuple(self._dropped(number) for number in numbers if number in table.faults),
            remarks=(
                *self._box_remarks(numbers, width, height),
                *(remark for mask in masks for remark in mask.remarks),
            ),
        )

    def _place(self, number: int) -> str:
        return f"{self.name} annotation {self._table.ids[number]}"

    def _dropped(self, number: int) -> Dropped:
        table = self._table
        return Dropped(
            place=self._place(number),
            class_name=self._class_names[table.category[number]],
            reason=table.faults[number],
            box=tuple(table.boxes[number].tolist()),
        )

    def _box_remarks(self, numbers: Sequence[int], width: int, height: int) -> Iterator[Remark]:
        table = self._table
        for number in numbers:
            x1, y1, x2, y2 = table.boxes[number].tolist()
            reason = table.faults.get(number, "")
            if reason == NO_OUTLINE:
                yield Remark(object_id=table.ids[number], part="mask", reason=reason)
            elif reason:
                yield Remark(object_id=table.ids[number], part="box", reason=reason)
            elif x1 < 0 or y1 < 0 or x2 > width or y2 > height:
                yield Remark(object_id=table.ids[number], part="box", reason=BEYOND_FRAME)

    def _masks(self, numbers: Sequence[int], width: int, height: int) -> Iterator[_Mask]:
        for number, segmentation in zip(numbers, self._segmentations(numbers), strict=True):
            box, place = self._table.boxes[number].tolist(), self._place(number)
            outline = parse_outline(segmentation, place) if segmentation else box_outline(box)
            if outline is None:
                raise self._changed()
            mask = draw_outline(outline, width, height, place)
            reasons = []
            if isinstance(outline, Polygons) and outline.left_out:
                reasons.append(POINTS_LEFT_OUT)
            if not mask.any():
                reasons.append(MASK_EMPTY)
            elif is_beyond_box(mask, box):
                reasons.append(MASK_BEYOND_BOX)
            identity = self._table.ids[number]
            remarks = (Remark(object_id=identity, part="mask", reason=r) for r in reasons)
            yield _Mask(encode_mask(mask), tuple(remarks))

    def _segmentations(self, numbers: Sequence[int]) -> Iterator[Any]:
        """Yield what the file says about the outlines of some objects, None for nothing."""
        try:
            with self._path.open("rb") as file:
                for number in numbers:
                    start, end = self._table.places[number].tolist()
                    file.seek(start)
                    text = file.read(end - start)
                    yield self._segmentation(number, text) if text else None
        except OSError as err:
            raise DatasetError(f"{self._path} cannot be read: {err.strerror}") from err

    def _segmentation(self, number: int, text: bytes) -> Any:
        try:
            annotation = json.loads(text)
            if annotation["id"] == self._table.ids[number]:
                return annotation["segmentation"]
        except (ValueError, KeyError, TypeError):
            pass
        raise self._changed()

    def _changed(self) -> DatasetError:
        return DatasetError(f"{self.name} was changed while it was in use; start again")

    def object_classes(self, row: int) -> tuple[str, ...]:
        """Return the class name of each usable object of an image, which is not read for it."""
        table = self._table
        numbers = range(int(table.first[row]), int(table.first[row + 1]))
        kept = (number for number in numbers if number not in table.faults)
        return tuple(self._class_names[table.category[number]] for number in kept)

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects that can be used."""
        counts: Counter[str] = Counter()
        for place, count in enumerate(self._category_counts()):
            counts[self._class_names[place]] += count
        return {name: count for name, count in sorted(counts.items()) if count}

    def _category_counts(self) -> list[int]:
        category = self._table.category[self._usable()]
        return np.bincount(category, minlength=len(self._table.categories)).tolist()

    def _usable(self) -> NDArray[np.bool_]:
        usable = np.ones(len(self._table.ids), bool)
        usable[list(self._table.faults)] = False
        return usable

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        before = np.append(0, np.cumsum(self._usable()))
        return int(np.diff(before[self._table.first]).max())

    def category_numbers(self) -> dict[str, int]:
        """Return class name -> category id, for detectors whose classes are these ids.

        Categories without objects, of which exports of labelling tools have some, do not count.

        Raises:
            DatasetError: an id is no number from 1 on, or two have one name.
        """
        numbers: dict[str, int] = {}
        for (identity, name), count in zip(
            self._table.categories.items(), self._category_counts(), strict=True
        ):
            if not count:
                continue
            if not isinstance(identity, int) or identity < 1:
                raise DatasetError(
                    f"{self.name}: category {name!r} has the id {identity!r}, and {count} objects. "
                    "This detector takes ids for class numbers, with 0 for the background: number "
                    "the categories from 1"
                )
            if name in numbers:
                raise DatasetError(
                    f"{self.name}: the categories {numbers[name]} and {identity} are both called "
                    f"{name!r}; give them names of their own, or one id"
                )
            numbers[name] = identity
        return numbers


def _check_files(folder: Path, names: Sequence[str], named_by: str) -> None:
    """Refuse a folder without some of the image files; none is opened.

    Raises:
        DatasetError: names the first that is missing, or cannot be looked for.
    """
    present: dict[Path, set[str]] = {}
    missing = []
    for name in names:
        path = folder / name
        try:
            if path.parent not in present:
                is_folder = path.parent.is_dir()
                near = path.parent.iterdir() if is_folder else ()
                present[path.parent] = {other.name for other in near}
            # A file system that ignores case, or composes letters, knows better than the list.
            if path.name not in present[path.parent] and not path.is_file():
                missing.append(path)
        except OSError as err:
            raise DatasetError(
                f"{path} cannot be read: {err.strerror}; {named_by} lists it"
            ) from err
    if missing:
        more = f" (nor do {len(missing) - 1} more of {len(names)})" if len(missing) > 1 else ""
        raise DatasetError(f"{missing[0]} does not exist{more}; {named_by} lists it")
