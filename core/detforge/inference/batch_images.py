"""The images of a training batch, back in pixels and with their objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.inference.drawing import draw_objects
from detforge.inference.sheets import resized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detforge.recipe import InputFormat

    Image = NDArray[np.uint8]

# Least side of a box that gets a name, pixels of the picture; a name hides smaller ones.
_NAMED_PX = 12


class BatchImage(NamedTuple):
    """One image of a batch, without padding of the objects.

    Attributes:
        row: its number in the data.
        image: uint8 (H, W, 3), RGB.
        boxes: float32 (N, 4), xyxy, pixels of the image.
        labels: int32 (N,).
        ignore: bool (N,), objects that do not train.
        masks: float32 (N, m, m), inside the box; None for none.
    """

    row: int
    image: Image
    boxes: NDArray[np.float32]
    labels: NDArray[np.int32]
    ignore: NDArray[np.bool_]
    masks: NDArray[np.float32] | None


def image_of(batch: Mapping[str, NDArray], index: int, format: InputFormat) -> BatchImage:
    """Return one image of a batch.

    Args:
        batch: arrays of `detforge.model.Batch`, with ``row``.
        index: of the image in the batch.
        format: how mean and scale were applied.
    """
    present = batch["labels"][index] >= 0
    return BatchImage(
        row=int(batch["row"][index]),
        image=to_pixels(batch["images"][index], format),
        boxes=batch["boxes"][index][present],
        labels=batch["labels"][index][present],
        ignore=batch["ignore"][index][present],
        masks=batch["masks"][index][present] if "masks" in batch else None,
    )


def to_pixels(image: NDArray[np.float32], format: InputFormat) -> Image:
    """Return what a network input shows, uint8 (H, W, 3), RGB; the mean where it is padded.

    Args:
        image: float32 (H, W, C), mean and scale applied.
        format: how they were applied.
    """
    pixels = image / np.array(format.scale, np.float32) + np.array(format.mean, np.float32)
    pixels = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    if format.color_order == "grey":
        return np.repeat(pixels, 3, axis=-1)
    return np.ascontiguousarray(pixels[..., ::-1] if format.color_order == "bgr" else pixels)


def draw_batch_image(shown: BatchImage, names: Sequence[str], side: float) -> Image:
    """Return an image with its objects, small ones on top of large ones.

    Args:
        shown: the image.
        names: of the classes.
        side: largest width or height of the picture, pixels.
    """
    image = resized(shown.image, side)
    boxes = shown.boxes * np.tile(np.divide(image.shape[1::-1], shown.image.shape[1::-1]), 2)
    sides = boxes[:, 2:] - boxes[:, :2]
    order = np.argsort(sides.prod(axis=1), kind="stable")
    texts = [
        names[int(label)] if longest >= _NAMED_PX else ""
        for label, longest in zip(shown.labels, sides.max(axis=1, initial=0), strict=True)
    ]
    return draw_objects(
        image,
        boxes[order],
        [texts[index] for index in order],
        shown.labels[order],
        None if shown.masks is None else shown.masks[order],
        shown.ignore[order],
    )
