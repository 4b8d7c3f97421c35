"""Detections drawn into an image, readable at any size and in any script.

OpenCV 5 brings its own fonts with Latin, Greek, Cyrillic, Arabic and CJK letters; what they lack
appears as a question mark.
"""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from detforge.data.boxes import clip_boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Color = tuple[int, int, int]

_GOLDEN_RATIO = 0.618034
_LIGHTNESSES = (0.5, 0.35, 0.68)
_MASK_OPACITY = 0.45
_MASK_THRESHOLD = 0.5
_FONT_WEIGHT = 500
# An image is looked at as a whole: text is a fixed share of its shorter side, within limits.
_TEXT_SHARE, _MIN_TEXT, _MAX_TEXT = 0.03, 11, 64


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
) -> NDArray[np.uint8]:
    """Return a copy of an image with boxes, names and scores.

    Args:
        image_rgb: uint8 (H, W, 3).
        boxes_xyxy: float (N, 4), pixels of the image, best first.
        names: N class names, in any script.
        scores: float (N,), in [0, 1].
        labels: int (N,); each label has a colour of its own.
        masks: float (N, h, w), probabilities inside the box; None for none.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    canvas = np.ascontiguousarray(image_rgb).copy()
    height, width = canvas.shape[:2]
    text_size = _text_size(height, width)
    thickness = round(text_size / 7)
    clipped = clip_boxes(boxes_xyxy, width, height)
    colors = [class_color(int(label)) for label in labels]
    if masks is not None:
        for box, mask, color in zip(boxes_xyxy, masks, colors, strict=True):
            _blend_mask(canvas, box, mask, color)
    # The best last, so that it lies on top.
    for box, color in reversed(list(zip(clipped, colors, strict=True))):
        left, top, right, bottom = (round(float(value)) for value in box)
        corner = (max(right - 1, left), max(bottom - 1, top))
        cv2.rectangle(canvas, (left, top), corner, color, thickness)
    texts = [f"{name} {score:.2f}" for name, score in zip(names, scores, strict=True)]
    tags = _place_tags(clipped, texts, text_size, width, height)
    for tag, color in reversed(list(zip(tags, colors, strict=True))):
        _write_tag(canvas, tag, color, text_size)
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
    """Return a place for each text, inside the image and off the better ones if possible."""
    font = cv2.FontFace("sans")
    tags: list[_Tag] = []
    for box, text in zip(boxes, texts, strict=True):
        extent = cv2.getTextSize((0, 0), text, (0, 0), font, text_size, _FONT_WEIGHT)
        tag_width, tag_height = extent[2] + text_size // 2, round(text_size * 1.35)
        left, top, _, bottom = (round(float(value)) for value in box)
        left = max(0, min(left, width - tag_width))
        tops = (top - tag_height, top, bottom, bottom - tag_height)
        places = [
            _Tag(left, y, left + tag_width, y + tag_height, text)
            for y in (max(0, min(y, height - tag_height)) for y in tops)
        ]
        # The first of the least crowded places: above the box, inside, below.
        tags.append(min(places, key=lambda place: sum(place.overlap(tag) for tag in tags)))
    return tags


def _write_tag(canvas: NDArray[np.uint8], tag: _Tag, color: Color, text_size: int) -> None:
    cv2.rectangle(canvas, (tag.left, tag.top), (tag.right - 1, tag.bottom - 1), color, cv2.FILLED)
    red, green, blue = color
    # Luma (ITU-R BT.601) decides between black and white text.
    dark = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    ink = (0, 0, 0) if dark else (255, 255, 255)
    origin = (tag.left + text_size // 4, tag.top + round(text_size * 1.03))
    cv2.putText(canvas, tag.text, origin, ink, cv2.FontFace("sans"), text_size, _FONT_WEIGHT)


def _blend_mask(canvas: NDArray[np.uint8], box: np.ndarray, mask: np.ndarray, color: Color) -> None:
    """Tint the pixels of the box that the mask claims."""
    left, top, right, bottom = (round(float(value)) for value in box)
    if right <= left or bottom <= top:
        return
    inside = clip_boxes([(left, top, right, bottom)], canvas.shape[1], canvas.shape[0])
    x1, y1, x2, y2 = (int(value) for value in inside[0])
    if x2 <= x1 or y2 <= y1:
        return
    whole = cv2.resize(np.asarray(mask, np.float32), (right - left, bottom - top))
    claimed = whole[y1 - top : y2 - top, x1 - left : x2 - left] > _MASK_THRESHOLD
    region = canvas[y1:y2, x1:x2]
    tinted = region[claimed] * (1 - _MASK_OPACITY) + np.array(color) * _MASK_OPACITY
    region[claimed] = tinted.astype(np.uint8)
