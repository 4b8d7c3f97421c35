"""How an image comes into the network input when nothing is left to chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.affine import scaling, shifting
from detforge.data.placement import Placement

if TYPE_CHECKING:
    from detforge.data.affine import Map
    from detforge.recipe import InputFormat

Size = tuple[int, int]


def network_size(format: InputFormat, width: int, height: int) -> Size:
    """Return the size, (width, height), of the network input for an image.

    The recipe's own, except where the shorter side of the image decides.
    """
    if not format.shorter_side:
        return format.width, format.height
    if format.window:
        left, top, right, bottom = format.window
        width, height = right - left, bottom - top
    longest = format.longer_side or max(width, height) * format.shorter_side
    if width < height:
        return fitted_size((width, height), (format.shorter_side, longest))
    return fitted_size((width, height), (longest, format.shorter_side))


def fitted_size(size: tuple[float, float], limit: tuple[float, float]) -> Size:
    """Return the largest size of the same shape inside a limit; both are (width, height).

    Sides are cut down to whole pixels, and are at least 1.
    """
    (width, height), (most_across, most_down) = size, limit
    # Without a scale in between, which rounding may push below a whole pixel.
    if width * most_down <= height * most_across:
        across, down = width * most_down // height, most_down
    else:
        across, down = most_across, height * most_across // width
    return max(1, int(across)), max(1, int(down))


def cut_window(placement: Placement, format: InputFormat) -> Placement:
    """Return what a recipe's window leaves of an image."""
    if not format.window:
        return placement
    left, top, right, bottom = format.window
    return placement.then(shifting(-left, -top), (right - left, bottom - top))


def onto_network(size: tuple[float, float], network: Size, how: str) -> Map:
    """Return the map from a canvas to the network input.

    Args:
        size: (width, height) of the canvas.
        network: (width, height) of the network input.
        how: "stretch", "fit" or "pad"; see `detforge.recipe.InputFormat`.
    """
    if how == "pad":
        return np.eye(3)
    across, down = network if how == "stretch" else fitted_size(size, network)
    return scaling(across / size[0], down / size[1])


def still_placement(format: InputFormat, width: int, height: int) -> Placement:
    """Return where evaluation and inference put an image.

    Args:
        format: what the network expects.
        width: of the image, pixels.
        height: of the image, pixels.
    """
    canvas = cut_window(Placement.whole(width, height), format)
    network = network_size(format, width, height)
    matrix = onto_network(canvas.size, network, format.resize)
    return canvas.then(matrix, network).on_whole_pixels()
