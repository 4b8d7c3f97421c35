"""Objects drawn into an image, readable at any size and in any script.

OpenCV 5 brings its own fonts with Latin, Greek, Cyrillic, Hebrew and CJK letters; what they lack
appears as a question mark, and Arabic letters stand apart from each other.
"""

from __future__ import annotations

import colorsys
import re
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from detforge.data.boxes import clip_boxes
from detforge.inference.masks import paste_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Color = tuple[int, int, int]

_GOLDEN_RATIO = 0.618034
_LIGHTNESSES = (0.5, 0.35, 0.68)
_GREY = (128, 128, 128)
_MASK_OPACITY = 0.45
_FONT_WEIGHT = 500
# Least side of a box over the width of its line.
_SIDE_PER_LINE = 10
# Of the dashes around a muted object, in line widths.
_DASH, _GAP = 4, 5
# An image is looked at as a whole: text is a fixed share of its shorter side, within limits.
_TEXT_SHARE, _MIN_TEXT, _MAX_TEXT = 0.03, 11, 64
# A text of which more lies below others is left out: it could not be read, and hides the image.
_MAX_COVERED = 0.1

# Hebrew, Arabic and what is between their words.
_LETTERS = r"\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_RIGHT_TO_LEFT = re.compile(rf"[{_LETTERS}]([{_LETTERS} -]*[{_LETTERS}])?")


class _Tag(NamedTuple):
    """A label to write: where its background lies, in pixels, and what stands in it."""

    left: int
    top: int
    right: int
    bottom: int
    text: str

    def overlap(self, other: _Tag) -> int:
        """Return the pixels that two backgrounds share."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(across, 0) * max(down, 0)


def draw_detections(
    image_rgb: NDArray[np.uint8],
    boxes_xyxy: np.ndarray,
    names: Sequence[str],
    scores: np.ndarray,
    labels: np.ndarray,
    masks: np.ndarray | None = None,
    *,
    captions: bool = True,
) -> NDArray[np.uint8]:
    """Return a copy of an image with boxes, names and scores.

    Args:
        image_rgb: uint8 (H, W, 3).
        boxes_xyxy: float (N, 4), pixels of the image, best first.
        names: N class names, in any script.
        scores: float (N,), in [0, 1].
        labels: int (N,); each label has a colour of its own.
        masks: float (N, h, w), probabilities inside the box; None for none.
        captions: write names and scores; without, colours alone tell the classes.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    texts = [
        f"{name} {score:.2f}" if captions else "" for name, score in zip(names, scores, strict=True)
    ]
    return draw_objects(image_rgb, boxes_xyxy, texts, labels, masks)


def draw_objects(
    image_rgb: NDArray[np.uint8],
    boxes_xyxy: np.ndarray,
    texts: Sequence[str],
    labels: np.ndarray,
    masks: np.ndarray | None = None,
    muted: np.ndarray | None = None,
    colors: Sequence[Color] | None = None,
) -> NDArray[np.uint8]:
    """Return a copy of an image with boxes, and a text at each.

    Args:
        image_rgb: uint8 (H, W, 3).
        boxes_xyxy: float (N, 4), pixels of the image, the most important first.
        texts: N texts, in any script. An empty one is not drawn, nor is one of which texts of more
            important boxes would cover a tenth.
        labels: int (N,); each label has a colour of its own.
        masks: float (N, h, w), probabilities inside the box; None for none.
        muted: bool (N,), objects with a dashed outline and without colour in their mask and text;
            None for none.
        colors: N colours, RGB; None for those of the labels.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    canvas = np.ascontiguousarray(image_rgb).copy()
    height, width = canvas.shape[:2]
    text_size = _text_size(height, width)
    thickness = round(text_size / 7)
    clipped = clip_boxes(boxes_xyxy, width, height)
    if colors is None:
        colors = [class_color(int(label)) for label in labels]
    is_muted = np.zeros(len(texts), bool) if muted is None else np.asarray(muted, bool)
    if masks is not None:
        for box, mask, color, mute in zip(boxes_xyxy, masks, colors, is_muted, strict=True):
            _blend_mask(canvas, box, mask, _GREY if mute else color)
    # The best last, so that it lies on top.
    for box, color, mute in reversed(list(zip(clipped, colors, is_muted, strict=True))):
        left, top, right, bottom = (round(float(value)) for value in box)
        corner = (max(right - 1, left), max(bottom - 1, top))
        outline = _dashed_rectangle if mute else cv2.rectangle
        # A thick line would hide a small object.
        line = min(thickness, max(min(right - left, bottom - top) // _SIDE_PER_LINE, 1))
        outline(canvas, (left, top), corner, color, line)
    tags = _place_tags(clipped, texts, text_size, width, height)
    for tag, color, mute in reversed(list(zip(tags, colors, is_muted, strict=True))):
        if tag.text:
            _write_tag(canvas, tag, _GREY if mute else color, text_size)
    return canvas


def class_color(label: int) -> Color:
    """Return the RGB colour of a label: neighbouring labels lie far apart on the colour wheel."""
    # Three lightnesses in turn, because hues alone repeat visibly after about ten.
    hue, lightness = label * _GOLDEN_RATIO % 1.0, _LIGHTNESSES[label % len(_LIGHTNESSES)]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def _text_size(height: int, width: int) -> int:
    return round(min(max(min(height, width) * _TEXT_SHARE, _MIN_TEXT), _MAX_TEXT))


def _place_tags(
    boxes: np.ndarray, texts: Sequence[str], text_size: int, width: int, height: int
) -> list[_Tag]:
    """Return a place for each text, inside the image and off the better ones.

    One for which there is none becomes empty.
    """
    tags: list[_Tag] = []
    for box, text in zip(boxes, texts, strict=True):
        tag_width = text_width(text, text_size) + text_size // 2 if text else 0
        tag_height = round(text_size * 1.35)
        left, top, _, bottom = (round(float(value)) for value in box)
        left = max(0, min(left, width - tag_width))
        tops = (top - tag_height, top, bottom, bottom - tag_height)
        places = [
            _Tag(left, y, left + tag_width, y + tag_height, text)
            for y in (max(0, min(y, height - tag_height)) for y in tops)
        ]
        # The first of the least crowded places: above the box, inside, below.
        covered, place = min(
            ((sum(place.overlap(tag) for tag in tags), place) for place in places),
            key=lambda candidate: candidate[0],
        )
        if covered > _MAX_COVERED * tag_width * tag_height:
            place = place._replace(right=place.left, text="")
        tags.append(place)
    return tags


def _write_tag(canvas: NDArray[np.uint8], tag: _Tag, color: Color, text_size: int) -> None:
    cv2.rectangle(canvas, (tag.left, tag.top), (tag.right - 1, tag.bottom - 1), color, cv2.FILLED)
    red, green, blue = color
    # Luma (ITU-R BT.601) decides between black and white text.
    dark = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    ink = (0, 0, 0) if dark else (255, 255, 255)
    write_text(canvas, tag.text, (tag.left + text_size // 4, tag.top), text_size, ink)


def text_width(text: str, size: int) -> int:
    """Return the pixels that a text takes from left to right."""
    return cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), size, _FONT_WEIGHT)[2]


def write_text(
    canvas: NDArray[np.uint8], text: str, corner: tuple[int, int], size: int, color: Color
) -> None:
    """Write a line of text in any script into an image.

    Args:
        canvas: uint8 (H, W, 3), RGB; changed.
        text: one line.
        corner: x and y of the upper left corner, pixels; the line is 1.35 sizes high.
        size: pixels.
        color: RGB.
    """
    origin = (corner[0], corner[1] + round(size * 1.03))
    # OpenCV writes all letters from left to right.
    text = _RIGHT_TO_LEFT.sub(lambda run: run[0][::-1], text)
    cv2.putText(canvas, text, origin, color, cv2.FontFace("sans"), size, _FONT_WEIGHT)


def _dashed_rectangle(
    canvas: NDArray[np.uint8],
    start: tuple[int, int],
    end: tuple[int, int],
    color: Color,
    thickness: int,
) -> None:
    """Draw what ``cv2.rectangle`` does, in dashes."""
    (left, top), (right, bottom) = start, end
    step = (_DASH + _GAP) * thickness
    for x in range(left, right + 1, step):
        stop = min(x + _DASH * thickness, right)
        for y in (top, bottom):
            cv2.line(canvas, (x, y), (stop, y), color, thickness)
    for y in range(top, bottom + 1, step):
        stop = min(y + _DASH * thickness, bottom)
        for x in (left, right):
            cv2.line(canvas, (x, y), (x, stop), color, thickness)


def _blend_mask(canvas: NDArray[np.uint8], box: np.ndarray, mask: np.ndarray, color: Color) -> None:
    """Tint the pixels that the mask claims."""
    left, top, claimed = paste_mask(mask, box, canvas.shape[1], canvas.shape[0])
    region = canvas[top : top + claimed.shape[0], left : left + claimed.shape[1]]
    tinted = region[claimed] * (1 - _MASK_OPACITY) + np.array(color) * _MASK_OPACITY
    region[claimed] = tinted.astype(np.uint8)
