"""Random views of an image for training: the transforms of a recipe, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from detforge import recipe
from detforge.data.rendering import render_image
from detforge.data.transforms.color_shift import draw_color_shift
from detforge.data.transforms.draft import Draft
from detforge.data.transforms.expand import expand
from detforge.data.transforms.flip import flip_horizontally, flip_vertically
from detforge.data.transforms.iou_crop import crop_by_iou
from detforge.data.transforms.photometric import draw_photometric
from detforge.data.transforms.scale_jitter import jitter_scale
from detforge.data.transforms.spatial import move_about

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detforge.data.placement import Placement
    from detforge.data.rendering import PixelOperation

_MOVES: dict[type, Callable[[Draft, Any, np.random.Generator], Draft]] = {
    recipe.Expand: expand,
    recipe.HorizontalFlip: flip_horizontally,
    recipe.IouCrop: crop_by_iou,
    recipe.ScaleJitter: jitter_scale,
    recipe.Spatial: move_about,
    recipe.VerticalFlip: flip_vertically,
}
_COLORS: dict[type, Callable[[Any, np.random.Generator], list[PixelOperation]]] = {
    recipe.ColorShift: draw_color_shift,
    recipe.Photometric: draw_photometric,
}
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

    def __init__(
        self,
        transforms: Sequence[recipe.Transform],
        format: recipe.InputFormat,
        *,
        min_size: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Take the transforms of a recipe.

        Args:
            transforms: applied in this order. Colour touches the pixels of the image only, not
                what lies around it.
            format: window and size of the network input; its mean colour fills what lies outside
                the image.
            min_size: (width, height) of the smallest object to keep, network-input pixels; less
                than a pixel is never kept.

        Raises:
            TypeError: there is no such transform.
        """
        for transform in transforms:
            if (
                type(transform) not in _MOVES | _COLORS
                and transform != recipe.RandomInterpolation()
            ):
                raise TypeError(f"there is no augmentation {type(transform).__name__}")
        self._transforms = tuple(transforms)
        self._format = format
        self._fill = fill_color(format)
        self._min_size = np.maximum(min_size, _MIN_SIDE_PX)

    def __call__(
        self, image_rgb: NDArray[np.uint8], boxes: NDArray[np.float32], rng: np.random.Generator
    ) -> View:
        """Return a view.

        Boxes are clipped to what is seen; an object goes when too little of it is left.

        Args:
            image_rgb: uint8 (h, w, 3), RGB.
            boxes: float32 (N, 4), xyxy, source pixels.
            rng: decides everything.
        """
        draft = Draft.begin(image_rgb.shape[1::-1], boxes, self._format)
        operations: list[PixelOperation] = []
        interpolation = cv2.INTER_LINEAR
        for transform in self._transforms:
            if move := _MOVES.get(type(transform)):
                draft = move(draft, transform, rng)
            elif change := _COLORS.get(type(transform)):
                operations += change(transform, rng)
            else:
                interpolation = _INTERPOLATIONS[int(rng.integers(len(_INTERPOLATIONS)))]
        draft = draft.on_network().on_whole_pixels()
        image = render_image(
            image_rgb,
            draft.placement,
            fill=self._fill,
            interpolation=interpolation,
            operations=operations,
        )
        boxes = draft.boxes.astype(np.float32)
        large = (boxes[:, 2:] - boxes[:, :2] >= self._min_size).all(axis=1)
        return View(image, boxes[large], draft.kept[large], draft.placement)


def fill_color(format: recipe.InputFormat) -> NDArray[np.uint8]:
    """Return uint8 (3,), RGB: the colour that the mean of a network input makes nearly zero."""
    mean = format.mean * 3 if len(format.mean) == 1 else format.mean
    if format.color_order == "bgr":
        mean = mean[::-1]
    return np.clip(np.round(mean), 0, 255).astype(np.uint8)
