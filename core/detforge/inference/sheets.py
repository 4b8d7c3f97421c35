"""Pictures of many images: tiles with captions, on a sheet with a title.

Images are uint8 (H, W, 3), RGB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from detforge.files.atomic import write_atomically
from detforge.inference.drawing import text_width, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

# A small image is enlarged to a longer side of about this.
_MIN_SIDE = 320
_MARGIN, _GAP, _TEXT = 14, 4, 13
_TITLE_TEXT = 22
_PAPER, _INK, _FAINT = (255, 255, 255), (30, 30, 30), (110, 110, 110)
# Width over height that a sheet comes near to.
_SHEET_SHAPE = 1.5


def resized(image: Image, side: float) -> Image:
    """Return an image at a size to look at; pixels of a small one become whole squares.

    Args:
        image: uint8 (H, W, 3).
        side: largest width or height, pixels.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    scale = min(max(_MIN_SIDE // longest, 1), side / longest)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def tile(images: Sequence[Image], caption: str, name: str) -> Image:
    """Return images side by side, above a line that says what they are.

    Args:
        images: at least one.
        caption: begins the line.
        name: follows; its beginning is left out where there is no room.
    """
    height = max(image.shape[0] for image in images)
    gap = np.full((height, _GAP, 3), _PAPER, np.uint8)
    parts: list[Image] = []
    for image in images:
        parts += [_on_paper(image, height, image.shape[1]), gap]
    row = np.concatenate(parts[:-1], axis=1)
    framed = _on_paper(row, height + round(1.6 * _TEXT), row.shape[1])
    text = caption + _fitted(name, row.shape[1] - text_width(caption, _TEXT), _TEXT)
    write_text(framed, text, (0, height + 2), _TEXT, _INK)
    return framed


def sheet(tiles: Sequence[Image], title: str, explanation: str) -> Image:
    """Return tiles in rows of one width, below a title and a line that explains them."""
    height = max(one.shape[0] for one in tiles) + _MARGIN
    width = max(one.shape[1] for one in tiles) + _MARGIN
    columns = round(math.sqrt(len(tiles) * height * _SHEET_SHAPE / width))
    columns = min(max(columns, 1), len(tiles))
    rows = -(-len(tiles) // columns)
    top = round(1.5 * _TITLE_TEXT) + round(1.5 * _TEXT) + _MARGIN
    sheet_width = max(columns * width + _MARGIN, 480)
    paper = np.full((top + rows * height + _MARGIN, sheet_width, 3), _PAPER, np.uint8)
    room = sheet_width - 2 * _MARGIN
    write_text(paper, _fitted(title, room, _TITLE_TEXT), (_MARGIN, 8), _TITLE_TEXT, _INK)
    below = (_MARGIN, 8 + round(1.5 * _TITLE_TEXT))
    write_text(paper, _fitted(explanation, room, _TEXT), below, _TEXT, _FAINT)
    for index, one in enumerate(tiles):
        row, column = divmod(index, columns)
        y, x = top + row * height + _MARGIN // 2, column * width + _MARGIN
        paper[y : y + one.shape[0], x : x + one.shape[1]] = one
    return paper


def write_picture(picture: Image, path: Path) -> None:
    """Write a picture to a file, in the format that its ending names.

    Raises:
        CheckpointError: the file cannot be written.
    """
    encoded = cv2.imencode(path.suffix, picture[..., ::-1])[1]
    write_atomically(path, encoded.tobytes())


def _on_paper(image: Image, height: int, width: int) -> Image:
    paper = np.full((height, width, 3), _PAPER, np.uint8)
    paper[: image.shape[0], : image.shape[1]] = image
    return paper


def _fitted(text: str, width: int, size: int) -> str:
    """Return the end of a text that is not wider than so many pixels."""
    shown = text
    while shown and text_width(shown, size) > width:
        text = text[1:]
        shown = f"…{text}" if text else ""
    return shown
