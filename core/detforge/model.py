"""What a detector hands to the core: parts that hold weights, a loss, and detections.

Shape legend: B images, H x W network input, C channels, N boxes (padded), K detections,
h x w mask.
"""

from __future__ import annotations

import abc
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras

    from detforge.backbones import Backbone

    Tensor = Any

Mode = Literal["train", "evaluate", "infer"]


class Batch(TypedDict, total=False):
    """One device batch; the same for every detector.

    Keys:
        images: float32 (B, H, W, C), the network input: channel order, mean and scale applied;
            zeros where there is no image.
        valid: int32 (B, 2), height and width of the corner that holds the image; what lies right
            of it and below is padding.
        boxes: float32 (B, N, 4), xyxy, network-input pixels; zeros where padded.
        labels: int32 (B, N), index into the recipe's class names; -1 where padded.
        ignore: bool (B, N), objects that are neither to be found nor background.
        masks: float32 (B, N, h, w), 0 or 1, cropped to the box; only when the recipe asks.
        row: int32 (B,), index of the image in its source: names and sizes stay on the host.
        seed: int32 (B,), of the detector's random choices: another number for each view of an
            image, the same when a run goes on.
    """

    images: Tensor
    valid: Tensor
    boxes: Tensor
    labels: Tensor
    ignore: Tensor
    masks: Tensor
    row: Tensor
    seed: Tensor


class Detections(NamedTuple):
    """What a detector found, best first, padded to K.

    Attributes:
        boxes: float32 (B, K, 4), xyxy, network-input pixels.
        scores: float32 (B, K), in [0, 1]; 0 where padded.
        labels: int32 (B, K), index into the recipe's class names (no background).
        count: int32 (B,), how many rows are real.
        masks: float32 (B, K, h, w), probabilities inside the box, or None.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    count: Tensor
    masks: Tensor | None = None


class Level(NamedTuple):
    """A feature map that predicts.

    Attributes:
        part: name of the part of the model that it is in.
        layer: the layer that puts it out, (B, h, w, C); h, w and C are for the graph to say.
        anchors: at each of its cells; 1 for a detector without anchors.
    """

    part: str
    layer: str
    anchors: int


class Join(NamedTuple):
    """An input of a part that has the channels of another part's output, in their order.

    What lies between (RoI align, say) may change everything about the tensor but its last axis.
    An output that feeds several inputs, or an input that several outputs feed, has several joins.

    Attributes:
        source: name of the part that the output is of.
        output: its number there.
        target: name of the part that the input is of.
        input: its number there.
    """

    source: str
    output: int
    target: str
    input: int


class DetectionModel(abc.ABC):
    """A detector as the core sees it.

    Attributes:
        parts: name -> *flat* functional ``keras.Model`` (no model nested in a part). Together
            they hold every weight. Freezing, regularising, pruning and quantising are passes
            over the parts; export converts them one by one. A pass may put another model in the
            place of a part, so look a part up here whenever it is called. What a part returns is
            float32, also where it computes in half precision.
        blocks: backbone block number -> names of its layers, for freezing.
        backbone: which one of the registry it is; None where it is the detector's own.
        input_shapes: part -> shape of each of its inputs for one image, the number of rows first;
            for parts that take images of free size, or many rows an image (regions). The others
            take one row of the shape that they have. For counting what a model costs.
        levels: the feature maps that predict, largest first.
        joins: which parts feed which ones; other inputs and outputs of parts are never pruned.
    """

    parts: Mapping[str, keras.Model]
    blocks: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    backbone: Backbone | None = None
    input_shapes: Mapping[str, Sequence[tuple[int, ...]]] = MappingProxyType({})
    levels: Sequence[Level] = ()
    joins: Sequence[Join] = ()

    @abc.abstractmethod
    def losses(self, batch: Batch, *, training: bool) -> dict[str, Tensor]:
        """Return the named scalar losses of one batch; their sum is minimised.

        The forward pass happens here, so that a two-stage detector can sample regions
        from the ground truth.

        Args:
            batch: the ground truth; see `Batch`.
            training: how to call the parts (batch statistics, dropout).
        """

    @abc.abstractmethod
    def detect(self, images: Tensor) -> Detections:
        """Return what is found in the network input.

        Args:
            images: float32 (B, H, W, C), preprocessed as the recipe's input says.
        """
