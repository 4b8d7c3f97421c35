"""Shift, zoom and rotation of the image on a canvas of its size, as DetectNet-style specs ask.

Everything happens on the network input, so that pixels and angles are those of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.affine import rotation, scaling, shifting

if TYPE_CHECKING:
    import numpy as np

    from detforge.data.affine import Map
    from detforge.data.transforms.draft import Draft
    from detforge.recipe import Spatial


def move_about(draft: Draft, transform: Spatial, rng: np.random.Generator) -> Draft:
    """Return the draft on the network input, shifted, zoomed and rotated around the middle."""
    draft = draft.on_network()
    return draft.moved(draw_movement(draft.network, transform, rng), draft.network)


def draw_movement(size: tuple[int, int], transform: Spatial, rng: np.random.Generator) -> Map:
    """Return where a canvas goes.

    A shift is by whole pixels. The zoomed copy lies anywhere inside the canvas where it is the
    smaller one, and anywhere over it where it is the larger one.

    Args:
        size: (width, height) of the canvas.
        transform: the limits.
        rng: where all draws come from.
    """
    width, height = size
    most = int(transform.max_shift_x), int(transform.max_shift_y)
    right, down = (-float(rng.integers(-limit, limit, endpoint=True)) for limit in most)
    shrink = rng.uniform(transform.min_shrink, transform.max_shrink)
    place = rng.random() * (width - width / shrink), rng.random() * (height - height / shrink)
    zoom = shifting(*place) @ scaling(1 / shrink, 1 / shrink)
    angle = rng.uniform(-transform.max_rotation, transform.max_rotation)
    if rng.random() > transform.rotation_probability:
        angle = 0.0
    return rotation(angle, (width / 2, height / 2)) @ zoom @ shifting(right, down)
