"""What is to be found, and how pixels enter the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Classes:
    """The classes to be found.

    Attributes:
        names: class names in label order; ``labels`` of batches and detections index this.
        mapping: label as written in the data (compared without case) -> class name.
        background: where the head puts the background channel, if it has one.
        by_category_id: `names` are the category ids "1", "2", ... of a COCO file, of which the
            spec gives only the number; the data name them.
    """

    names: tuple[str, ...]
    mapping: Mapping[str, str]
    background: Literal["first", "last", "none"] = "none"
    by_category_id: bool = False

    @classmethod
    def of_category_ids(cls, largest: int) -> Classes:
        """Return the classes of a head whose channel is the COCO category id, 0 the background.

        Args:
            largest: the largest id; gaps below it are channels that nothing trains.
        """
        ids = tuple(str(number) for number in range(1, largest + 1))
        return cls(
            names=ids,
            mapping=dict(zip(ids, ids, strict=True)),
            background="first",
            by_category_id=True,
        )

    @classmethod
    def of_mapping(
        cls, mapping: Mapping[str, str], background: Literal["first", "last", "none"]
    ) -> Classes:
        """Return the classes that a mapping leads to, in alphabetical order.

        Args:
            mapping: label as written in the spec -> class name.
            background: where the head puts the background channel.
        """
        return cls(
            names=tuple(sorted(set(mapping.values()))),
            mapping={label.lower(): mapping[label] for label in sorted(mapping)},
            background=background,
        )

    @property
    def channels(self) -> int:
        """Number of class channels of the head, background included."""
        return len(self.names) + (self.background != "none")

    def label(self, source_name: str) -> int | None:
        """Return the label of a name found in the data, None when the mapping lacks it."""
        target = self.mapping.get(source_name.lower())
        return None if target is None else self.names.index(target)


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFormat:
    """How pixels enter the network: ``scale * (image - mean)``.

    Attributes:
        height: pixels; 0 where the size follows the image, see `shorter_side`.
        width: pixels; 0 likewise.
        color_order: "rgb", "bgr", or "grey" (one channel, ITU-R BT.601 weights).
        mean: one number per channel, in the given order, on the 0..255 range.
        scale: one number per channel.
        resize: how an image comes to that size: "stretch" changes its shape; "fit" keeps it and
            pads on the right and below with the mean; "pad" changes no pixel, pads or cuts on
            the right and below.
        window: (left, top, right, bottom) in pixels of the image: all that counts of any image,
            in training and later; it is cut out before anything else. None for the whole image.
        shorter_side: pixels; images are resized to this shorter side and keep their shape.
            0: `height` and `width` count.
        longer_side: pixels; limit of the other side then; 0: none.
    """

    height: int
    width: int
    color_order: Literal["rgb", "bgr", "grey"] = "rgb"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)
    resize: Literal["stretch", "fit", "pad"] = "stretch"
    window: tuple[int, int, int, int] | None = None
    shorter_side: int = 0
    longer_side: int = 0

    @classmethod
    def of_imagenet(cls, height: int, width: int) -> InputFormat:
        """Return padded RGB images less the mean colour of ImageNet, over one deviation.

        The deviation, 0.224 of the range, serves all channels, as in the models that TAO
        exported; the papers have (0.229, 0.224, 0.225).
        """
        return cls(
            height=height,
            width=width,
            mean=(123.675, 116.28, 103.53),
            scale=(1 / (0.224 * 255),) * 3,
            resize="fit",
        )

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return len(self.mean)
