"""Brightness, contrast, saturation and hue as SSD changes them, with albumentations' functions.

The functions are called with draws of our own rather than through ``albumentations.Compose``: one
generator per image decides everything, so that the result does not depend on which thread does
the work.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from detforge.data.rendering import PixelOperation
    from detforge.recipe import Photometric

    Pixels = NDArray[np.uint8]


def draw_photometric(transform: Photometric, rng: np.random.Generator) -> list[PixelOperation]:
    """Return the colour changes of one image; each happens half of the time.

    Brightness, then contrast, saturation and hue in this order or with contrast last, as in
    SSD's own data layer. Contrast turns around mid-grey; saturation mixes with the grey image.
    """
    use = _functions()
    happens = rng.random(4) < 0.5
    is_contrast_last = rng.random() < 0.5
    shift = rng.uniform(-transform.brightness, transform.brightness)
    contrast = 1 + rng.uniform(-transform.contrast, transform.contrast)
    saturation = 1 + rng.uniform(-transform.saturation, transform.saturation)
    hue = rng.uniform(-transform.hue, transform.hue) / 180  # OpenCV's circle has 180 steps.
    changes: list[PixelOperation] = [
        lambda image: use.multiply_add(image, 1.0, shift, inplace=False),
        lambda image: use.multiply_add(image, contrast, 127.5 * (1 - contrast), inplace=False),
        lambda image: use.adjust_saturation(image, saturation),
        lambda image: use.adjust_hue(image, hue),
    ]
    order = (0, 2, 3, 1) if is_contrast_last else (0, 1, 2, 3)
    return [changes[index] for index in order if happens[index]]


class _Functions(NamedTuple):
    """What is used of albumentations."""

    multiply_add: Callable[..., Pixels]
    adjust_saturation: Callable[[Pixels, float], Pixels]
    adjust_hue: Callable[[Pixels, float], Pixels]


@cache
def _functions() -> _Functions:
    # Without it, importing albumentations asks a server for a newer version.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albucore
    from albumentations.augmentations.pixel import functional

    return _Functions(
        multiply_add=albucore.multiply_add,
        adjust_saturation=functional.adjust_saturation_torchvision,
        adjust_hue=functional.adjust_hue_torchvision,
    )
