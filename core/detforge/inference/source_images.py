"""The images to find objects in: files, pixels, network inputs, and what was found in them."""

from __future__ import annotations

import collections
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detforge.data.images import IMAGE_EXTENSIONS, read_image, to_network_input
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from detforge.recipe import InputFormat

log = logging.getLogger(__name__)

# Two or three batches are under way at a time: pixels of a larger image are not kept with them.
_KEPT_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, eq=False)
class SourceImage:
    """An image file: what the network gets of it, or why there is nothing.

    Attributes:
        path: the file.
        width: pixels.
        height: pixels.
        network_input: float32 (H, W, C); None when the file cannot be read.
        kept_pixels: uint8 (height, width, 3), RGB; None of a very large image.
        problem: why the file cannot be read; empty when it can.
    """

    path: Path
    width: int = 0
    height: int = 0
    network_input: NDArray[np.float32] | None = None
    kept_pixels: NDArray[np.uint8] | None = None
    problem: str = ""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the network input; empty without one."""
        return () if self.network_input is None else self.network_input.shape

    def pixels(self) -> NDArray[np.uint8]:
        """Return uint8 (height, width, 3), RGB; a very large image is decoded again.

        Raises:
            DatasetError: the file is no longer what it was.
        """
        return read_image(self.path) if self.kept_pixels is None else self.kept_pixels


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Objects of one image, best first.

    Attributes:
        image: where they are.
        boxes: float32 (N, 4), xyxy, source pixels, not clipped.
        scores: float32 (N,).
        labels: int (N,).
        masks: float32 (N, h, w), probabilities inside the box; None from a model without masks.
    """

    image: SourceImage
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.integer]
    masks: NDArray[np.float32] | None = None


def find_images(source: Path) -> list[Path]:
    """Return the images of a folder by name, or the one file given.

    Args:
        source: a folder, not searched further down, or one file of any name.

    Raises:
        DatasetError: it does not exist, or the folder holds no image.
    """
    if source.is_file():
        return [source]
    try:
        entries = sorted(source.iterdir())
    except FileNotFoundError as err:
        raise DatasetError(f"there is no {source}; name a folder of images or one image") from err
    except OSError as err:
        raise DatasetError(f"{source} cannot be read: {err.strerror or err}") from err
    found = [path for path in entries if path.suffix.lower() in IMAGE_EXTENSIONS]
    if not found:
        raise DatasetError(
            f"{source} holds no image ({', '.join(IMAGE_EXTENSIONS)}); subfolders are not searched"
        )
    return found


def label_stems(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each image's label file, without ``.txt``; no two are the same.

    Images that differ in their extension alone keep it.
    """
    counts = collections.Counter(path.stem for path in paths)
    names = {path.name for path in paths}
    return {
        path: path.stem if counts[path.stem] == 1 and path.stem not in names else path.name
        for path in paths
    }


def load_image(path: Path, input_format: InputFormat) -> SourceImage:
    """Return an image; one that cannot be read is logged and carries the reason."""
    try:
        pixels = read_image(path)
    except DatasetError as err:
        log.warning("%s", err)
        return SourceImage(path, problem=str(err))
    height, width = pixels.shape[:2]
    kept = pixels if pixels.nbytes <= _KEPT_BYTES else None
    return SourceImage(path, width, height, to_network_input(pixels, input_format), kept)
