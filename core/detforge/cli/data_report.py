"""The statistics of a data set as text for people."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from detforge.inspection.summary import COCO_LARGE, COCO_SMALL, SHARE_LARGE, SHARE_SMALL
from detforge.text_table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detforge.inspection.report import Statistics
    from detforge.inspection.summary import Summary
    from detforge.inspection.suspicious import Finding
    from detforge.recipe import InputFormat

    Summaries = Mapping[str, Summary]

_MOST_PLACES = 3
_MOST_CLASSES = 40
_MOST_SIZES = 3

_MEASURES = {
    "width": "width",
    "height": "height",
    "side": "side (root of the area)",
    "aspect_ratio": "width / height",
    "image_share": "% of the image's area",
    "network_width": "width in the network",
    "network_height": "height in the network",
    "network_side": "side in the network",
}
_COLUMNS = {
    "min": "least",
    "p5": "5%",
    "p25": "25%",
    "median": "median",
    "p75": "75%",
    "p95": "95%",
    "max": "most",
}


def describe(statistics: Statistics) -> str:
    """Return the numbers and the suspicious labels as lines of text."""
    summaries, recipe = statistics.summaries, statistics.subject.recipe
    sections = [
        _images(summaries),
        "\n".join(_remarks(summaries)),
        _classes(summaries),
        *(_boxes(part, summaries) for part, found in summaries.items() if found.boxes),
        _sizes(summaries),
        f"The network sees {_network(recipe.input)}." if recipe else "",
        "\n".join(_suspicious(statistics)),
    ]
    return "\n\n".join(section for section in sections if section)


def _images(summaries: Summaries) -> str:
    rows = []
    for part, found in summaries.items():
        numbers = found.per_image
        spread = f"{numbers['min']} to {numbers['max']}, {numbers['mean']:.1f}" if numbers else ""
        counts = (found.images, found.empty, found.objects)
        flags = (found.difficult, found.crowd, found.masked)
        rows.append([part, *map(_count, counts), spread, *map(_count, flags)])
        for source in found.sources if len(found.sources) > 1 else ():
            counts = (source.images, source.empty, source.objects)
            rows.append([f"  {source.name}", *map(_count, counts), "", "", "", ""])
    header = ["", "images", "empty", "objects", "per image", "difficult", "crowd", "with mask"]
    return table(header, rows)


def _remarks(summaries: Summaries) -> Iterator[str]:
    """Yield what needs a sentence: where a part comes from, how large its images are."""
    for part, found in summaries.items():
        if len(found.sources) == 1:
            yield f"{_start(part, summaries)}{found.sources[0].name}"
    for part, found in summaries.items():
        of = f" of {part}" if len(summaries) > 1 else ""
        sizes = list(found.image_sizes.items())
        shown = ", ".join(f"{size} ({_count(images)})" for size, images in sizes[:_MOST_SIZES])
        more = f", {len(sizes) - _MOST_SIZES} more sizes" if len(sizes) > _MOST_SIZES else ""
        yield f"Image sizes{of}: {shown or 'none'}{more}"
        if found.ignored_regions:
            yield f"DontCare regions{of}: {_count(found.ignored_regions)}; they are no objects"


def _start(part: str, summaries: Summaries) -> str:
    """Return the name of a part as the start of a line, '' for the only one."""
    return f"{part}: " if len(summaries) > 1 else ""


def _classes(summaries: Summaries) -> str:
    totals: dict[str, int] = {}
    for found in summaries.values():
        for name, numbers in found.classes.items():
            totals[name] = totals.get(name, 0) + numbers.objects
    names = sorted(totals, key=lambda name: (-totals[name], name))
    header = ["Classes"]
    for part in summaries:
        header += [f"{part} objects" if len(summaries) > 1 else "objects", "images", "median size"]
    rows = [[name, *_class_cells(name, summaries)] for name in names[:_MOST_CLASSES]]
    lines = [table(header, rows)]
    if len(names) > _MOST_CLASSES:
        rest = sum(totals[name] for name in names[_MOST_CLASSES:])
        lines.append(f"{len(names) - _MOST_CLASSES} more classes with {_count(rest)} objects")
    return "\n".join(lines)


def _class_cells(name: str, summaries: Summaries) -> Iterator[str]:
    for found in summaries.values():
        if name in found.classes:
            numbers = found.classes[name]
            yield from (_count(numbers.objects), _count(numbers.images))
            yield f"{numbers.width:.0f} x {numbers.height:.0f}"
        else:
            yield from ("0", "0", "")


def _boxes(part: str, summaries: Summaries) -> str:
    rows = []
    for measure, spread in summaries[part].boxes.items():
        factor = 100 if measure == "image_share" else 1
        rows.append([_MEASURES[measure], *(_number(spread[key] * factor) for key in _COLUMNS)])
    of = f" of {part}" if len(summaries) > 1 else ""
    return table([f"Boxes{of}, pixels", *_COLUMNS.values()], rows)


def _sizes(summaries: Summaries) -> str:
    coco = ", ".join(f"{area**0.5:.0f}x{area**0.5:.0f}" for area in (COCO_SMALL, COCO_LARGE))
    share = f"{SHARE_SMALL:.0%}, {SHARE_LARGE:.0%}"
    rows = []
    for part, found in summaries.items():
        start = _start(part, summaries)
        source = "annotated areas" if found.has_areas else "box areas"
        rows.append([f"{start}COCO's limits {coco} ({source})", *_shares(found.coco_sizes)])
        rows.append([f"{start}{share} of the image's area", *_shares(found.share_sizes)])
    return table(["Sizes", "small", "medium", "large"], rows)


def _shares(sizes: Mapping[str, int]) -> Iterator[str]:
    total = max(sum(sizes.values()), 1)
    for count in sizes.values():
        yield f"{_count(count)} ({count / total:.0%})"


def _network(format: InputFormat) -> str:
    if format.shorter_side:
        longest = f", the longer one at most {format.longer_side}" if format.longer_side else ""
        return f"images with a shorter side of {format.shorter_side} pixels{longest}"
    how = {
        "stretch": "stretched to that",
        "fit": "shrunk or enlarged to fit, and padded",
        "pad": "unscaled, padded or cut",
    }
    return f"{format.width}x{format.height} pixels; images are {how[format.resize]}"


def _suspicious(statistics: Statistics) -> Iterator[str]:
    if not any(statistics.findings.values()):
        yield "Nothing suspicious."
        return
    yield "Suspicious"
    several = len(statistics.summaries) > 1
    for part, findings in statistics.findings.items():
        for finding in findings:
            where = f", {part}" if part and several else ""
            advice = f" ({finding.advice})" if finding.advice else ""
            yield f"{_count(finding.count):>7}  {finding.title}{where}{advice}"
            yield from (f"         {place}" for place in _places(finding))


def _places(finding: Finding) -> Iterator[str]:
    for place in itertools.islice(finding.places(), _MOST_PLACES):
        yield _place(place)
    if finding.count > _MOST_PLACES:
        yield "..."


def _place(place: Mapping[str, Any]) -> str:
    """Return a place of `detforge.inspection.suspicious` in words."""
    if "place" in place:  # of something left out
        return " ".join(filter(None, [place["place"], place["class"], _box(place["box_xyxy"])]))
    if "classes" in place:
        return ", ".join(f"{name} ({_count(count)})" for name, count in place["classes"].items())
    if "image" not in place:
        return f"{place['class']} ({_count(place['objects'])} objects)"
    words = [place["image"]]
    if "part" in place:
        words.append(f"({place['part']})")
    if "class" in place:
        words += [place["class"], _box(place["box_xyxy"])]
    elif "object" in place:
        words.append(f"annotation {place['object']}")
    elif "objects" in place:
        words.append(f"{_count(place['objects'])} objects")
    if other := place.get("same_as"):
        words += ["like", *_other(place, other)]
    return " ".join(words)


def _other(place: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Yield what tells a place from the one that it equals."""
    if "class" not in other:
        yield other["image"]
        yield f"({other['part']})"
        return
    if other["class"] != place["class"]:
        yield other["class"]
    yield _box(other["box_xyxy"])


def _box(box: list[float | str]) -> str:
    if not box:
        return ""
    return f"[{', '.join(v if isinstance(v, str) else f'{v:g}' for v in box)}]"


def _count(value: int) -> str:
    return f"{value:,}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
