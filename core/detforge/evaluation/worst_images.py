"""The images with the most mistakes, side by side, with what was found and what was missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.inference.drawing import draw_objects
from detforge.inference.sheets import resized, sheet, tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detforge.data.samples import Sample, SampleSource
    from detforge.evaluation.mistakes import Mistaken, Mistakes

    Image = NDArray[np.uint8]

_FALSE, _MISSED, _RIGHT = (214, 40, 40), (255, 196, 0), (70, 160, 80)
_SIDE = 560
# More names than these would hide the image.
_NAMED = 15


def draw_worst(mistakes: Mistakes, source: SampleSource, names: Sequence[str], iou: float) -> Image:
    """Return one picture, uint8 (H, W, 3) RGB.

    Args:
        mistakes: with at least one image that has some.
        source: reads the images again.
        names: of the classes.
        iou: least IoU that counted as found.

    Raises:
        DatasetError: an image cannot be read.
    """
    tiles = [_tile(found, source[found.image.row], names) for found in mistakes.worst]
    explanation = (
        f"from score {mistakes.least_score:g} on, IoU {iou:g}; red: false, the best with score; "
        "yellow, dashed: missed; green: found"
    )
    return sheet(tiles, "The images with the most mistakes", explanation)


def _tile(found: Mistaken, sample: Sample, names: Sequence[str]) -> Image:
    image = resized(sample.image(), _SIDE)
    result = found.image
    boxes = np.concatenate(
        [result.boxes[found.wrong], result.gt_boxes[found.missed], result.boxes[found.right]]
    )
    wrong = [f"{names[int(result.labels[k])]} {result.scores[k]:.2f}" for k in found.wrong[:_NAMED]]
    wrong += [""] * (len(found.wrong) - len(wrong))
    missed = [names[int(result.gt_labels[k])] for k in found.missed]
    colors = [_FALSE] * len(wrong) + [_MISSED] * len(missed) + [_RIGHT] * len(found.right)
    drawn = draw_objects(
        image,
        boxes * (image.shape[1] / sample.width),
        [*wrong, *missed, *("" for _ in found.right)],
        np.zeros(len(boxes), np.int64),
        muted=np.repeat([False, True, False], [len(wrong), len(missed), len(found.right)]),
        colors=colors,
    )
    caption = f"{len(missed)} missed, {len(wrong)} false, {len(found.right)} found  "
    return tile([drawn], caption, sample.name)
