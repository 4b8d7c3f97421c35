"""The part of an image that fills the network input, drawn at random as SSD draws it.

Zooming out, cropping and mirroring only move a window over the source image; pixels are touched
once, when the window is known. A canvas four times the size of an image is never allocated.

All coordinates are pixels of the source image unless a name says otherwise; a window may stick
out of the image. Shape legend: N boxes, T tries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.boxes import iou_matrix_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.recipe import Expand, IouCrop

# SSD, section 2.2 (arXiv:1512.02325): the whole image, a patch with one of these overlaps, or any
# patch; each with the same chance.
_MIN_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
_TRIES = 50
_ROUNDS = 50
_EXPAND_PROBABILITY = 0.5


class Window(NamedTuple):
    """An upright rectangle, xyxy."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Pixels."""
        return self.y2 - self.y1


def draw_expansion(window: Window, transform: Expand, rng: np.random.Generator) -> Window:
    """Return a larger window with the given one at a random place in it, or the same one.

    SSD, section 3.6 (arXiv:1512.02325).
    """
    if rng.random() >= _EXPAND_PROBABILITY:
        return window
    ratio = rng.uniform(transform.min_ratio, transform.max_ratio)
    width, height = window.width * ratio, window.height * ratio
    x1 = window.x1 - rng.random() * (width - window.width)
    y1 = window.y1 - rng.random() * (height - window.height)
    return Window(x1, y1, x1 + width, y1 + height)


def draw_iou_crop(
    window: Window, boxes: NDArray[np.float64], transform: IouCrop, rng: np.random.Generator
) -> Window:
    """Return a patch of a window that overlaps an object enough and holds the centre of one.

    How much is enough is drawn anew until a patch is found; "the whole window" is among the
    draws. Departs from SSD in one point: a patch without the centre of any object, which would
    leave an image without objects, is not taken.

    Args:
        window: what there is to crop.
        boxes: float64 (N, 4), xyxy.
        transform: sizes and shapes of the patch.
        rng: where all draws come from.
    """
    if not len(boxes):
        return window
    for _ in range(_ROUNDS):
        choice = int(rng.integers(len(_MIN_IOUS) + 1))
        if choice == len(_MIN_IOUS):
            break
        patches = _draw_patches(window, transform, rng)
        is_good = (iou_matrix_numpy(patches, boxes) > _MIN_IOUS[choice]).any(axis=1)
        is_good &= holds_centre(patches[:, np.newaxis], boxes).any(axis=1)
        if is_good.any():
            return Window(*patches[int(is_good.argmax())].tolist())
    return window


def _draw_patches(
    window: Window, transform: IouCrop, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return float64 (up to T, 4): patches of an allowed shape inside a window, xyxy."""
    draws = rng.random((_TRIES, 4))
    scales = transform.min_scale + draws[:, :2] * (transform.max_scale - transform.min_scale)
    sizes = scales * (window.width, window.height)
    starts = (window.x1, window.y1) + draws[:, 2:] * ((window.width, window.height) - sizes)
    ratios = sizes[:, 0] / sizes[:, 1]
    allowed = (ratios >= transform.min_aspect_ratio) & (ratios <= transform.max_aspect_ratio)
    return np.concatenate([starts, starts + sizes], axis=1)[allowed]


def holds_centre(
    window: NDArray[np.float64] | Window, boxes: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which boxes have their centre in a window.

    Args:
        window: xyxy, or float64 (..., 1, 4) for several.
        boxes: float64 (N, 4), xyxy.

    Returns:
        bool (N,), or (..., N).
    """
    window = np.asarray(window)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (centres >= window[..., :2]) & (centres < window[..., 2:])
    return np.asarray(inside.all(axis=-1))


class Placement(NamedTuple):
    """Which source pixels go to which pixels of the network input.

    Both rectangles have whole pixels, so that boxes and pixels move by exactly the same map.

    Attributes:
        source: xyxy, whole pixels of the source image.
        target: xyxy, whole pixels of the network input, before mirroring.
        size: (width, height) of the network input.
        flipped: mirrored left and right, after all else.
    """

    source: tuple[int, int, int, int]
    target: tuple[int, int, int, int]
    size: tuple[int, int]
    flipped: bool = False

    def to_network(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return boxes, (N, 4) xyxy, in pixels of the network input; not clipped."""
        scale, shift = self._map()
        moved = boxes.astype(np.float64) * scale + shift
        return self._mirror(moved) if self.flipped else moved

    def to_source(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return boxes of the network input, (N, 4) xyxy, in pixels of the source."""
        scale, shift = self._map()
        boxes = boxes.astype(np.float64)
        return ((self._mirror(boxes) if self.flipped else boxes) - shift) / scale

    def _map(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        source, target = np.array(self.source, float), np.array(self.target, float)
        scale = (target[2:] - target[:2]) / (source[2:] - source[:2])
        return np.tile(scale, 2), np.tile(target[:2] - source[:2] * scale, 2)

    def _mirror(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        width = self.size[0]
        x1, y1, x2, y2 = boxes.T
        return np.stack([width - x2, y1, width - x1, y2], axis=1)


def place(
    window: Window, image_size: tuple[int, int], size: tuple[int, int], *, flipped: bool = False
) -> Placement:
    """Return the placement of a window, moved by less than a pixel onto whole pixels.

    Args:
        window: overlaps the image.
        image_size: (width, height) of the source image.
        size: (width, height) of the network input.
        flipped: mirror left and right.
    """
    x = _place_axis(window.x1, window.x2, image_size[0], size[0])
    y = _place_axis(window.y1, window.y2, image_size[1], size[1])
    source = (x[0], y[0], x[1], y[1])
    target = (x[2], y[2], x[3], y[3])
    return Placement(source, target, size, flipped)


def _place_axis(start: float, stop: float, length: int, cells: int) -> tuple[int, int, int, int]:
    """Return first and last source pixel, first and last network pixel, along one axis."""
    scale = cells / (stop - start)
    source_start = min(max(round(start), 0), length - 1)
    source_stop = max(min(round(stop), length), source_start + 1)
    target_start = min(round(max(-start, 0) * scale), cells - 1)
    target_stop = max(cells - round(max(stop - length, 0) * scale), target_start + 1)
    return source_start, source_stop, target_start, target_stop
