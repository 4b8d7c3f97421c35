"""A view of an image as far as it has been decided.

No pixel is touched before the last draw is made: what moves an image only moves its placement and
the boxes. A canvas four times the size of an image is never allocated. Shape legend: M objects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from detforge.data.affine import inverse, move_boxes
from detforge.data.framing import cut_window, network_size, onto_network
from detforge.data.placement import Placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.affine import Map
    from detforge.recipe import InputFormat


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """An image on a canvas, and the objects on it.

    Attributes:
        placement: where the image lies.
        boxes: float64 (M, 4), xyxy, canvas pixels, within the canvas.
        kept: int64 (M,), which of the image's objects they are.
        network: (width, height) that the canvas will have in the end.
        resize: how it gets there; see `detforge.recipe.InputFormat`.
    """

    placement: Placement
    boxes: NDArray[np.float64]
    kept: NDArray[np.int64]
    network: tuple[int, int]
    resize: Literal["stretch", "fit", "pad"]

    @classmethod
    def begin(
        cls, image_size: tuple[int, int], boxes: NDArray[np.floating], format: InputFormat
    ) -> Draft:
        """Return the window of an image that the recipe is about, and its objects.

        Args:
            image_size: (width, height), pixels.
            boxes: (N, 4), xyxy, source pixels.
            format: window and size of the network input.
        """
        whole = Placement.whole(*image_size)
        draft = cls(
            placement=whole,
            boxes=np.asarray(boxes, np.float64).reshape(-1, 4),
            kept=np.arange(len(boxes)),
            network=network_size(format, *image_size),
            resize=format.resize,
        )
        window = cut_window(whole, format)
        return draft if window is whole else draft.moved(window.matrix, window.size)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the canvas."""
        return self.placement.size

    def moved(self, matrix: Map, size: tuple[float, float]) -> Draft:
        """Return the draft on another canvas; boxes are clipped, and go where nothing is left.

        Args:
            matrix: from this canvas to the other.
            size: (width, height) of the other.
        """
        placement = self.placement.then(matrix, size)
        boxes = np.clip(move_boxes(matrix, self.boxes), 0, (*size, *size))
        draft = replace(self, placement=placement, boxes=boxes)
        return draft.holding(np.all(boxes[:, 2:] > boxes[:, :2], axis=1))

    def holding(self, chosen: NDArray[np.bool_]) -> Draft:
        """Return the draft with the chosen ones, bool (M,), of its objects alone."""
        return replace(self, boxes=self.boxes[chosen], kept=self.kept[chosen])

    def on_network(self) -> Draft:
        """Return the draft on a canvas of the size of the network input."""
        if self.size == self.network:
            return self
        return self.moved(onto_network(self.size, self.network, self.resize), self.network)

    def on_whole_pixels(self) -> Draft:
        """Return the draft as it can be drawn; see `Placement.on_whole_pixels`."""
        placement = self.placement.on_whole_pixels()
        change = placement.matrix @ inverse(self.placement.matrix)
        boxes = np.clip(move_boxes(change, self.boxes), 0, (*self.size, *self.size))
        return replace(self, placement=placement, boxes=boxes)
