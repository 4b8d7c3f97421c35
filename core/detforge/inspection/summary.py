"""The numbers of a data set: what there is, how large and of what shape.

Widths, heights and sides are pixels of the source image unless a name says otherwise; the side of
a box is the root of its area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detforge.inspection.fitting import network_sides

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from detforge.inspection.measures import Measures
    from detforge.recipe import InputFormat

# COCO's evaluation (pycocotools, Params.areaRng): small below 32 x 32, large from 96 x 96 on.
COCO_SMALL, COCO_LARGE = 32.0**2, 96.0**2
# Of the image's area.
SHARE_SMALL, SHARE_LARGE = 0.01, 0.1
_QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One source of a part.

    Attributes:
        name: pattern, folder or file.
        images: readable ones.
        empty: images without objects.
        objects: in all of them.
    """

    name: str
    images: int
    empty: int
    objects: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassSummary:
    """One class of a part.

    Attributes:
        objects: of the class.
        images: that show at least one.
        width: median, pixels.
        height: median, pixels.
    """

    objects: int
    images: int
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """One part of a data set: all of it, or what a spec trains or validates on.

    Attributes:
        images: readable ones.
        empty: images without objects.
        objects: DontCare regions are none.
        difficult: objects marked so.
        crowd: objects marked so.
        masked: objects with a mask.
        ignored_regions: DontCare boxes.
        sources: where the images come from.
        classes: class name -> its numbers.
        per_image: objects per image: "min", "mean", "max".
        image_sizes: "640x480" -> images, the most frequent first.
        boxes: measure -> "min", quantiles and "max"; the measures are "width", "height", "side",
            "aspect_ratio" (width / height), "image_share" (of the area), and with a spec
            "network_width", "network_height" and "network_side". Empty without objects.
        coco_sizes: "small", "medium", "large" -> objects, by COCO's areas.
        has_areas: those areas are as annotated; else they are the boxes'.
        share_sizes: likewise by the share of the image's area.
    """

    images: int
    empty: int
    objects: int
    difficult: int
    crowd: int
    masked: int
    ignored_regions: int
    sources: tuple[Source, ...]
    classes: Mapping[str, ClassSummary]
    per_image: Mapping[str, float]
    image_sizes: Mapping[str, int]
    boxes: Mapping[str, Mapping[str, float]]
    coco_sizes: Mapping[str, int]
    has_areas: bool
    share_sizes: Mapping[str, int]


def summarise(measures: Measures, format: InputFormat | None = None) -> Summary:
    """Return the numbers of a part.

    Args:
        measures: of all its sources.
        format: the network's input, for sizes in there.
    """
    areas = box_areas(measures)
    annotated = ~np.isnan(measures.areas)
    return Summary(
        images=len(measures.counts),
        empty=int((measures.counts == 0).sum()),
        objects=len(measures.boxes),
        difficult=int(measures.difficult.sum()),
        crowd=int(measures.crowd.sum()),
        masked=int(measures.masked.sum()),
        ignored_regions=measures.ignored_regions,
        sources=tuple(_source(measures, number) for number in range(len(measures.sources))),
        classes=dict(_classes(measures)),
        per_image=_per_image(measures.counts),
        image_sizes=_image_sizes(measures.sizes),
        boxes=_spreads(measures, format),
        coco_sizes=_sizes(np.where(annotated, measures.areas, areas), COCO_SMALL, COCO_LARGE),
        has_areas=bool(annotated.any()),
        share_sizes=_sizes(image_shares(measures), SHARE_SMALL, SHARE_LARGE),
    )


def box_areas(measures: Measures) -> NDArray[np.float64]:
    """Return float64 (N,), pixels."""
    return measures.sides.astype(np.float64).prod(axis=1)


def image_shares(measures: Measures) -> NDArray[np.float64]:
    """Return float64 (N,): the area of each box over that of its image."""
    images = measures.sizes.astype(np.float64).prod(axis=1)
    return box_areas(measures) / images[measures.image]


def box_measures(
    measures: Measures, format: InputFormat | None
) -> Iterator[tuple[str, NDArray[np.floating]]]:
    """Yield the name of each of `Summary.boxes` and its values, (N,)."""
    width, height = measures.sides.T
    yield "width", width
    yield "height", height
    yield "side", np.sqrt(box_areas(measures))
    yield "aspect_ratio", width / height
    yield "image_share", image_shares(measures)
    if format is not None:
        sides = network_sides(measures, format)
        yield "network_width", sides[:, 0]
        yield "network_height", sides[:, 1]
        yield "network_side", np.sqrt(sides.prod(axis=1))


def _spreads(measures: Measures, format: InputFormat | None) -> dict[str, dict[str, float]]:
    if not len(measures.boxes):
        return {}
    names, points = ("min", *_QUANTILES, "max"), [0.0, *_QUANTILES.values(), 1.0]
    return {
        measure: dict(zip(names, np.quantile(values, points).tolist(), strict=True))
        for measure, values in box_measures(measures, format)
    }


def _source(measures: Measures, number: int) -> Source:
    counts = measures.counts[measures.source == number]
    return Source(
        name=measures.sources[number],
        images=len(counts),
        empty=int((counts == 0).sum()),
        objects=int(counts.sum()),
    )


def _classes(measures: Measures) -> Iterator[tuple[str, ClassSummary]]:
    # Sorted once, so that the objects of a class lie together, image after image.
    order = np.argsort(measures.classes, kind="stable")
    counts = np.bincount(measures.classes, minlength=len(measures.class_names))
    ends = np.cumsum(counts)
    for index, name in enumerate(measures.class_names):
        objects = order[ends[index] - counts[index] : ends[index]]
        width, height = np.median(measures.sides[objects], axis=0).tolist()
        yield (
            name,
            ClassSummary(
                objects=len(objects),
                images=len(np.unique(measures.image[objects])),
                width=width,
                height=height,
            ),
        )


def _per_image(counts: NDArray[np.int32]) -> dict[str, float]:
    if not len(counts):
        return {}
    return {"min": int(counts.min()), "mean": float(counts.mean()), "max": int(counts.max())}


def _image_sizes(sizes: NDArray[np.int32]) -> dict[str, int]:
    found, counts = np.unique(sizes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {f"{found[i, 0]}x{found[i, 1]}": int(counts[i]) for i in order}


def _sizes(areas: NDArray[np.floating], small: float, large: float) -> dict[str, int]:
    few, many = int((areas < small).sum()), int((areas >= large).sum())
    return {"small": few, "medium": len(areas) - few - many, "large": many}
