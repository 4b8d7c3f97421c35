"""Random changes of training images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Photometric:
    """Random brightness, contrast, saturation and hue (SSD, arXiv:1512.02325, section 2.2).

    Attributes:
        brightness: largest shift, grey levels of 0..255.
        contrast: largest relative change.
        saturation: largest relative change.
        hue: largest shift, half degrees (the full circle is 180).
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Expand:
    """Zoom out: place the image on a larger canvas, half of the time (SSD, section 3.6).

    Attributes:
        min_ratio: smallest canvas side over image side, at least 1.
        max_ratio: largest canvas side over image side.
    """

    min_ratio: float
    max_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class IouCrop:
    """Zoom in: a patch that overlaps at least one object enough (SSD, section 2.2).

    Attributes:
        min_scale: smallest patch side over image side.
        max_scale: largest patch side over image side.
        min_aspect_ratio: smallest width / height of the patch relative to square.
        max_aspect_ratio: largest width / height.
    """

    min_scale: float
    max_scale: float
    min_aspect_ratio: float
    max_aspect_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HorizontalFlip:
    """Mirror left and right.

    Attributes:
        probability: in [0, 1].
    """

    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VerticalFlip:
    """Mirror top and bottom.

    Attributes:
        probability: in [0, 1].
    """

    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spatial:
    """Random shift, zoom and rotation, in this order, on the network input.

    Attributes:
        min_shrink: least side of the image over that of its copy; below 1 the copy is larger.
        max_shrink: most; drawn evenly between the two.
        max_shift_x: pixels of the network input, to either side.
        max_shift_y: pixels, up or down.
        max_rotation: radians, to either side.
        rotation_probability: in [0, 1].
    """

    min_shrink: float = 1.0
    max_shrink: float = 1.0
    max_shift_x: float = 0.0
    max_shift_y: float = 0.0
    max_rotation: float = 0.0
    rotation_probability: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ColorShift:
    """Random shift of the channels, rotation of the hue, change of saturation and contrast.

    Attributes:
        shift_stddev: of the shift of each channel, on the 0..1 range.
        max_hue_rotation: degrees of 360.
        max_saturation_shift: relative change.
        max_contrast_scale: relative change.
        contrast_center: grey value that contrast leaves as it is, on the 0..1 range.
    """

    shift_stddev: float = 0.0
    max_hue_rotation: float = 0.0
    max_saturation_shift: float = 0.0
    max_contrast_scale: float = 0.0
    contrast_center: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaleJitter:
    """Resize by a random factor, then cut or pad to the network input.

    Attributes:
        min_scale: smallest side of the resized image over that of the network input.
        max_scale: largest.
    """

    min_scale: float
    max_scale: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomInterpolation:
    """Resize with a method drawn for each image; without it the method is bilinear."""


Transform = (
    Photometric
    | Expand
    | IouCrop
    | HorizontalFlip
    | VerticalFlip
    | Spatial
    | ColorShift
    | ScaleJitter
    | RandomInterpolation
)
