"""Random views of an image for training: the SSD chain on albumentations' image operations.

Colour, mirroring and resizing are albumentations' functions; the zoom-out and the crop that looks
at overlaps are not among its transforms and live in `windows`. The functions are called with
draws of our own rather than through ``albumentations.Compose``: one generator per image decides
everything, so that the result does not depend on which thread does the work.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from detforge.data.windows import (
    Placement,
    Window,
    draw_expansion,
    draw_iou_crop,
    holds_centre,
    place,
)
from detforge.recipe import Expand, HorizontalFlip, IouCrop, Photometric, RandomInterpolation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detforge.recipe import InputFormat, Transform

    PixelOperation = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

# ImageNet's mean colour, red, green, blue: what SSD fills a zoomed-out canvas with.
_MEAN_COLOR = (123.68, 116.779, 103.939)
_INTERPOLATIONS = (
    cv2.INTER_NEAREST,
    cv2.INTER_LINEAR,
    cv2.INTER_CUBIC,
    cv2.INTER_AREA,
    cv2.INTER_LANCZOS4,
)
_MIN_SIDE_PX = 1.0


class View(NamedTuple):
    """An image as the network will see it, before mean and scale.

    Attributes:
        image: uint8 (H, W, 3), RGB, at the size of the network input.
        boxes: float32 (M, 4), xyxy, network-input pixels, clipped.
        kept: int64 (M,), which of the objects the boxes are.
        placement: where the pixels came from; masks follow it.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    kept: NDArray[np.int64]
    placement: Placement


class Augmenter:
    """Draws a random view of an image; without transforms, the view that evaluation uses.

    Safe to call from several threads.
    """

    def __init__(self, transforms: Sequence[Transform], format: InputFormat) -> None:
        """Take the transforms of a recipe.

        Args:
            transforms: applied in this order. Colour touches the pixels of the image only, not
                what a zoom-out adds around it.
            format: size of the network input; its mean colour fills what lies outside the image.
        """
        self._transforms = tuple(transforms)
        self._size = (format.width, format.height)
        self._fill = _fill_color(format)
        self._operations = _operations()

    def __call__(
        self, image_rgb: NDArray[np.uint8], boxes: NDArray[np.float32], rng: np.random.Generator
    ) -> View:
        """Return a view.

        An object stays when its centre lies in every crop; what is left of it is then clipped,
        and goes when it is less than a pixel wide or high in the network input.

        Args:
            image_rgb: uint8 (h, w, 3), RGB.
            boxes: float32 (N, 4), xyxy, source pixels.
            rng: decides everything.
        """
        height, width = image_rgb.shape[:2]
        window = Window(0.0, 0.0, float(width), float(height))
        kept = np.arange(len(boxes))
        left = boxes.astype(np.float64).reshape(-1, 4)
        operations: list[PixelOperation] = []
        flipped = False
        interpolation = cv2.INTER_LINEAR
        for transform in self._transforms:
            if isinstance(transform, Photometric):
                operations += self._operations.draw_photometric(transform, rng)
            elif isinstance(transform, Expand):
                window = draw_expansion(window, transform, rng)
            elif isinstance(transform, IouCrop):
                window = draw_iou_crop(window, left, transform, rng)
                inside = holds_centre(window, left)
                left, kept = left[inside], kept[inside]
                left = np.clip(left, np.tile(window[:2], 2), np.tile(window[2:], 2))
            elif isinstance(transform, HorizontalFlip):
                flipped ^= bool(rng.random() < transform.probability)
            elif isinstance(transform, RandomInterpolation):
                interpolation = _INTERPOLATIONS[int(rng.integers(len(_INTERPOLATIONS)))]
            else:
                raise TypeError(f"there is no augmentation {type(transform).__name__}")
        placement = place(window, (width, height), self._size, flipped=flipped)
        image = self._render(image_rgb, placement, operations, interpolation)
        return _view(image, left, kept, placement)

    def _render(
        self,
        image_rgb: NDArray[np.uint8],
        placement: Placement,
        operations: Sequence[PixelOperation],
        interpolation: int,
    ) -> NDArray[np.uint8]:
        left, top, right, bottom = placement.source
        x1, y1, x2, y2 = placement.target
        part = np.ascontiguousarray(image_rgb[top:bottom, left:right])
        part = self._operations.resize(part, (y2 - y1, x2 - x1), interpolation)
        # After the resize, where there are several times fewer pixels to change.
        for operation in operations:
            part = operation(part)
        if part.shape[1::-1] != self._size:
            canvas = np.empty((self._size[1], self._size[0], 3), np.uint8)
            canvas[:] = self._fill
            canvas[y1:y2, x1:x2] = part
            part = canvas
        return self._operations.hflip(part) if placement.flipped else part


def _view(
    image: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    kept: NDArray[np.int64],
    placement: Placement,
) -> View:
    limit = np.tile(np.array(placement.size, np.float64), 2)
    moved = np.clip(placement.to_network(boxes), 0, limit).astype(np.float32)
    large = (moved[:, 2:] - moved[:, :2] >= _MIN_SIDE_PX).all(axis=1)
    return View(image, moved[large], kept[large], placement)


class _Operations(NamedTuple):
    """What is used of albumentations."""

    multiply_add: Callable[..., NDArray[np.uint8]]
    hflip: PixelOperation
    resize: Callable[[NDArray[np.uint8], tuple[int, int], int], NDArray[np.uint8]]
    adjust_saturation: Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]
    adjust_hue: Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

    def draw_photometric(
        self, transform: Photometric, rng: np.random.Generator
    ) -> list[PixelOperation]:
        """Return the colour changes of one image; each happens half of the time.

        Brightness, then contrast, saturation and hue in this order or with contrast last, as in
        SSD's own data layer. Contrast turns around mid-grey; saturation mixes with the grey image.
        """
        happens = rng.random(4) < 0.5
        is_contrast_last = rng.random() < 0.5
        shift = rng.uniform(-transform.brightness, transform.brightness)
        contrast = 1 + rng.uniform(-transform.contrast, transform.contrast)
        saturation = 1 + rng.uniform(-transform.saturation, transform.saturation)
        hue = rng.uniform(-transform.hue, transform.hue) / 180  # OpenCV's circle has 180 steps.
        changes: list[PixelOperation] = [
            lambda image: self.multiply_add(image, 1.0, shift, inplace=False),
            lambda image: self.multiply_add(image, contrast, 127.5 * (1 - contrast), inplace=False),
            lambda image: self.adjust_saturation(image, saturation),
            lambda image: self.adjust_hue(image, hue),
        ]
        order = (0, 2, 3, 1) if is_contrast_last else (0, 1, 2, 3)
        return [changes[index] for index in order if happens[index]]


@cache
def _operations() -> _Operations:
    # Without it, importing albumentations asks a server for a newer version.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albucore
    from albumentations.augmentations.geometric import functional as geometric
    from albumentations.augmentations.pixel import functional as pixel

    return _Operations(
        multiply_add=albucore.multiply_add,
        hflip=albucore.hflip,
        resize=geometric.resize,
        adjust_saturation=pixel.adjust_saturation_torchvision,
        adjust_hue=pixel.adjust_hue_torchvision,
    )


def _fill_color(format: InputFormat) -> NDArray[np.uint8]:
    """Return uint8 (3,), RGB: what becomes zero in the network, or ImageNet's mean colour."""
    mean = format.mean if any(format.mean) else _MEAN_COLOR
    if len(mean) == 1:
        mean = mean * 3
    elif format.color_order == "bgr" and any(format.mean):
        mean = mean[::-1]
    return np.clip(np.round(mean), 0, 255).astype(np.uint8)
