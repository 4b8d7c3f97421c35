"""Resize by a random factor, then cut or pad, as in the code of EfficientDet's authors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.affine import scaling, shifting
from detforge.data.framing import fitted_size

if TYPE_CHECKING:
    import numpy as np

    from detforge.data.affine import Map
    from detforge.data.transforms.draft import Draft
    from detforge.recipe import ScaleJitter


def jitter_scale(draft: Draft, transform: ScaleJitter, rng: np.random.Generator) -> Draft:
    """Return the draft on the network input, resized in its own shape.

    A smaller image lies in the top left corner; of a larger one a random part remains.
    """
    scale = rng.uniform(transform.min_scale, transform.max_scale)
    place = rng.random(), rng.random()
    return draft.moved(jittered(draft.size, draft.network, scale, place), draft.network)


def jittered(
    size: tuple[float, float],
    network: tuple[int, int],
    scale: float,
    place: tuple[float, float],
) -> Map:
    """Return where a canvas goes.

    Args:
        size: (width, height) of the canvas.
        network: (width, height) of the network input.
        scale: side of the box, over that of the network input, into which the canvas is fitted.
        place: (across, down), in [0, 1): what is cut off on the left and at the top, as a share
            of all that is cut off.
    """
    limit = max(1, int(scale * network[0])), max(1, int(scale * network[1]))
    width, height = fitted_size(size, limit)
    left = int(max(0, width - network[0]) * place[0])
    top = int(max(0, height - network[1]) * place[1])
    return shifting(-left, -top) @ scaling(width / size[0], height / size[1])
