"""Text in charts of matplotlib, in any script.

Names are drawn by OpenCV, whose fonts have the letters that those of matplotlib lack.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detforge.inference.drawing import text_width, write_text

DPI = 110

_INK = (51, 51, 51)
_LONGEST_NAME = 32


def text_artist(
    text: str,
    size: int,
    place: tuple[float, float],
    alignment: tuple[float, float],
    coordinates: Any,
    *,
    upwards: bool = False,
) -> Any:
    """Return an artist: a line of text, for a figure of `DPI`.

    Args:
        text: the line.
        size: pixels.
        place: of the point that `alignment` names, in `coordinates`.
        alignment: 0 to 1, from the left and from below.
        coordinates: matplotlib's words for the two coordinates of `place`.
        upwards: turned, to be read from below.
    """
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    canvas = np.full((round(size * 1.35), text_width(text, size) + 4, 3), 255, np.uint8)
    write_text(canvas, text, (2, 0), size, _INK)
    # One pixel of the text is one of the picture.
    turned = np.rot90(canvas) if upwards else canvas
    image = OffsetImage(turned, zoom=72 / DPI, interpolation="nearest")
    return AnnotationBbox(
        image, place, xycoords=coordinates, box_alignment=alignment, frameon=False, pad=0
    )


def shortened(name: str) -> str:
    """Return a name whose middle is left out when it is long: paths differ at their end."""
    if len(name) <= _LONGEST_NAME:
        return name
    head = _LONGEST_NAME // 3
    return f"{name[:head]}…{name[head + 1 - _LONGEST_NAME :]}"
