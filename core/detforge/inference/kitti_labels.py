"""Detections as KITTI label text.

One line per object, 16 columns: type, truncated, occluded, alpha, x1, y1, x2, y2, three
dimensions, three locations, rotation, score. A detector of boxes in the image knows the type, the
box and the score; every other column is zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_COLUMNS = 16


def format_kitti_labels(boxes_xyxy: np.ndarray, names: Sequence[str], scores: np.ndarray) -> str:
    """Return label lines, each with its newline; empty for no objects.

    Columns are separated by spaces, so white space in a class name becomes an underscore:
    "traffic light" is written as ``traffic_light``.

    Args:
        boxes_xyxy: float (N, 4), source pixels.
        names: N class names.
        scores: float (N,), in [0, 1].
    """
    return "".join(
        _line(box, name, float(score))
        for box, name, score in zip(boxes_xyxy, names, scores, strict=True)
    )


def is_detections_file(content: bytes) -> bool:
    """Tell whether a label file may be one of ours: nothing but lines with a score, or no line.

    Args:
        content: the whole file.
    """
    return all(len(line.split()) in (0, _COLUMNS) for line in content.splitlines())


def _line(box: np.ndarray, name: str, score: float) -> str:
    corners = " ".join(f"{float(value):.3f}" for value in box)
    rest = " ".join(["0.00"] * 7)
    return f"{'_'.join(name.split())} 0.00 0 0.00 {corners} {rest} {score:.4f}\n"
