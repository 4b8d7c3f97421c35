"""Labelled images as arrays: a few bytes for each object, however many there are.

Shape legend: I images, N objects of all images together.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from array import array
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.labels import is_ignore_marker
from detforge.data.ordered import map_ordered, thread_count
from detforge.data.progress import Progress
from detforge.data.samples import Dropped
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from detforge.data.samples import Remark, Sample, SampleSource

log = logging.getLogger(__name__)

UNREADABLE = "cannot be read"
DIGEST_BYTES = 16
# Images that are read ahead of the one being counted.
_AHEAD_PER_THREAD = 4


class ImageRemark(NamedTuple):
    """A remark of a reader and the image it is about."""

    image: int
    remark: Remark


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """What there is in a data set, image by image and object by object.

    KITTI's DontCare regions are no objects and are only counted.

    Attributes:
        sources: names of the sources.
        class_names: as written in the data.
        image_names: I file names.
        source: int32 (I,), which of the sources an image belongs to.
        row: int32 (I,), its number in there.
        sizes: int32 (I, 2), width and height in pixels.
        counts: int32 (I,), objects.
        digests: uint8 (I, 16), of the image files; None where they were not asked for.
        boxes: float32 (N, 4), xyxy, pixels, clipped to the image.
        classes: int32 (N,), index of `class_names`.
        areas: float32 (N,), as annotated; NaN where the data say nothing.
        difficult: bool (N,).
        crowd: bool (N,).
        masked: bool (N,), has a mask.
        ignored_regions: number of DontCare boxes.
        dropped: objects, labels and images that are not in the arrays, and why.
        remarks: what the readers found odd.
    """

    sources: tuple[str, ...]
    class_names: tuple[str, ...]
    image_names: Sequence[str]
    source: NDArray[np.int32]
    row: NDArray[np.int32]
    sizes: NDArray[np.int32]
    counts: NDArray[np.int32]
    digests: NDArray[np.uint8] | None
    boxes: NDArray[np.float32]
    classes: NDArray[np.int32]
    areas: NDArray[np.float32]
    difficult: NDArray[np.bool_]
    crowd: NDArray[np.bool_]
    masked: NDArray[np.bool_]
    ignored_regions: int
    dropped: tuple[Dropped, ...]
    remarks: tuple[ImageRemark, ...]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 (I + 1,): where the objects of each image start, and where the last ones end."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    @cached_property
    def image(self) -> NDArray[np.int32]:
        """int32 (N,): the image of each object."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    @cached_property
    def sides(self) -> NDArray[np.float32]:
        """float32 (N, 2): width and height of each box, pixels."""
        return self.boxes[:, 2:] - self.boxes[:, :2]


def with_class_names(measures: Measures, names: Mapping[str, str]) -> Measures:
    """Return measures whose classes have other names; those that `names` lacks keep theirs."""
    renamed = tuple(names.get(name, name) for name in measures.class_names)
    return replace(measures, class_names=renamed)


class _Row(NamedTuple):
    """One image as its thread has read it; without the image."""

    name: str
    size: tuple[int, int]
    boxes: NDArray[np.float32]
    class_names: tuple[str, ...]
    areas: NDArray[np.float32]
    flags: NDArray[np.uint8]
    ignored: int
    digest: bytes
    dropped: tuple[Dropped, ...]
    remarks: tuple[Remark, ...]


def measure(
    sources: Sequence[SampleSource],
    *,
    digests: bool = False,
    workers: int = 0,
) -> Measures:
    """Read all labels of some sources, and of the images what the readers need.

    An image that cannot be read becomes one of the things left out; the rest is measured.

    Args:
        sources: one after the other.
        digests: digest each image file, which reads all of it.
        workers: threads; 0 for one per core.
    """
    collected = _Collector()
    with Progress("reading labels", sum(map(len, sources)), log) as progress:
        for number, source in enumerate(sources):
            collected.dropped += source.left_out
            for row, found in enumerate(_rows(source, digests, workers)):
                collected.add(found, number, row)
                progress.advance(1)
    return collected.measures(tuple(source.name for source in sources), digests=digests)


def _rows(source: SampleSource, digests: bool, workers: int) -> Iterator[_Row | Dropped]:
    def read(row: int) -> _Row | Dropped:
        try:
            return _read_row(source[row], digests)
        except DatasetError as err:
            return Dropped(place=str(err), class_name="", reason=UNREADABLE)

    threads = thread_count(workers)
    ahead = _AHEAD_PER_THREAD * threads
    rows = map_ordered(read, range(len(source)), workers=threads, ahead=ahead)
    with contextlib.closing(rows):
        yield from rows


def _read_row(sample: Sample, digests: bool) -> _Row:
    ignored = np.array([is_ignore_marker(name) for name in sample.class_names], bool)
    kept = sample.select(~ignored) if ignored.any() else sample
    count = len(kept.class_names)
    is_masked = np.full(count, kept.masks is not None)
    areas = np.full(count, np.nan) if kept.areas is None else kept.areas
    return _Row(
        name=sample.name,
        size=(sample.width, sample.height),
        boxes=np.asarray(kept.boxes, np.float32),
        class_names=kept.class_names,
        areas=np.asarray(areas, np.float32),
        flags=np.packbits([kept.difficult, kept.crowd, is_masked], axis=0).reshape(count),
        ignored=int(ignored.sum()),
        digest=_digest(sample.data()) if digests else b"",
        dropped=sample.dropped,
        remarks=sample.remarks,
    )


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


class _Collector:
    """The columns of `Measures` while they grow, at the size that they have in the end."""

    def __init__(self) -> None:
        self.dropped: list[Dropped] = []
        self._remarks: list[ImageRemark] = []
        self._names: list[str] = []
        self._source, self._row, self._sizes, self._counts = (array("i") for _ in range(4))
        self._boxes, self._areas = array("f"), array("f")
        self._classes, self._flags = array("i"), array("B")
        self._digests = bytearray()
        self._class_index: dict[str, int] = {}
        self._ignored = 0

    def add(self, found: _Row | Dropped, source: int, row: int) -> None:
        if isinstance(found, Dropped):
            self.dropped.append(found)
            return
        self.dropped += found.dropped
        self._remarks += (ImageRemark(len(self._names), remark) for remark in found.remarks)
        self._names.append(found.name)
        self._source.append(source)
        self._row.append(row)
        self._sizes.extend(found.size)
        self._counts.append(len(found.class_names))
        self._boxes.frombytes(found.boxes.tobytes())
        self._areas.frombytes(found.areas.tobytes())
        self._flags.frombytes(found.flags.tobytes())
        self._digests += found.digest
        index = self._class_index
        self._classes.extend(index.setdefault(name, len(index)) for name in found.class_names)
        self._ignored += found.ignored

    def measures(self, sources: tuple[str, ...], *, digests: bool) -> Measures:
        names = sorted(self._class_index)
        # From the order in which the names were met to their own.
        place = {name: index for index, name in enumerate(names)}
        order = np.array([place[name] for name in self._class_index], np.int32)
        flags = np.unpackbits(np.array(self._flags, np.uint8)[np.newaxis], axis=0)[:3].astype(bool)
        digest = np.array(self._digests, np.uint8).reshape(-1, DIGEST_BYTES) if digests else None
        return Measures(
            sources=sources,
            class_names=tuple(names),
            image_names=self._names,
            source=np.array(self._source, np.int32),
            row=np.array(self._row, np.int32),
            sizes=np.array(self._sizes, np.int32).reshape(-1, 2),
            counts=np.array(self._counts, np.int32),
            digests=digest,
            boxes=np.array(self._boxes, np.float32).reshape(-1, 4),
            classes=order[np.array(self._classes, np.int32)],
            areas=np.array(self._areas, np.float32),
            difficult=flags[0],
            crowd=flags[1],
            masked=flags[2],
            ignored_regions=self._ignored,
            dropped=tuple(self.dropped),
            remarks=tuple(self._remarks),
        )
