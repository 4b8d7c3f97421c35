"""What a run does, in neutral terms: small frozen parts, which `Recipe` only groups.

A plugin's ``recipe(spec)`` hook translates its spec into these once; past that point nobody
reads a protobuf message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """

    names: tuple[str, ...]
    mapping: Mapping[str, str]
    background: Literal["first", "last", "none"] = "none"

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
        height: pixels.
        width: pixels.
        color_order: "rgb", "bgr", or "grey" (one channel, ITU-R BT.601 weights).
        mean: one number per channel, in the given order, on the 0..255 range.
        scale: one number per channel.
    """

    height: int
    width: int
    color_order: Literal["rgb", "bgr", "grey"] = "rgb"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return len(self.mean)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """Where labelled images come from: records, or a KITTI pair of folders.

    Attributes:
        records: glob pattern, prefix, file or folder of TFRecord shards; or None.
        images: folder of images; or None.
        labels: folder of KITTI label files; or None.
        field: path of the spec field that named it, for messages.
    """

    records: str | None = None
    images: str | None = None
    labels: str | None = None
    field: str = ""


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


Transform = Photometric | Expand | IouCrop | HorizontalFlip


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Images and labels of a run.

    Attributes:
        training: sources of the training set, concatenated.
        validation: sources of the validation set, concatenated.
        batch_size: images per step and device.
        include_difficult: train on objects marked difficult (KITTI: occluded); otherwise
            they are ignored.
        mask_size: side of the square masks in a batch; 0 for no masks.
        workers: threads that prepare batches; 0 for one per core.
        max_queue_size: batches prepared ahead.
    """

    training: tuple[DataSource, ...]
    validation: tuple[DataSource, ...] = ()
    batch_size: int = 8
    include_difficult: bool = True
    mask_size: int = 0
    workers: int = 0
    max_queue_size: int = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftStartAnnealing:
    """Geometric warm-up, plateau, geometric decay; all over progress in [0, 1].

    Attributes:
        min_learning_rate: at the start and at the end.
        max_learning_rate: on the plateau.
        soft_start: progress at which the plateau begins.
        annealing: progress at which the decay begins.
    """

    min_learning_rate: float
    max_learning_rate: float
    soft_start: float
    annealing: float


Schedule = SoftStartAnnealing


@dataclass(frozen=True, kw_only=True, slots=True)
class Sgd:
    """Stochastic gradient descent.

    Attributes:
        momentum: in [0, 1).
        nesterov: look ahead.
    """

    momentum: float = 0.9
    nesterov: bool = False


Optimizer = Sgd


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularizer:
    """Penalty on convolution and dense kernels: ``weight * sum |k|`` or ``weight * sum k^2``."""

    kind: Literal["none", "l1", "l2"] = "none"
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """What does not train.

    Attributes:
        blocks: backbone block numbers whose convolutions do not train.
        batch_norm: normalise with the stored statistics and never update them, in the backbone.
        field: path of the spec field that lists the blocks, for messages.
    """

    blocks: tuple[int, ...] = ()
    batch_norm: bool = False
    field: str = "freeze_blocks"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoints:
    """When and under what name weights are saved.

    Attributes:
        name: stem of the file name; ``_epoch_001`` is appended.
        interval: epochs between two checkpoints; the last epoch is always saved.
    """

    name: str
    interval: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """How detections are scored.

    Attributes:
        period: epochs between two validations while training.
        batch_size: images per step.
        matching_iou: least IoU of a detection with the object it found.
        mode: "sample" (Pascal VOC 2007, 11 points) or "integrate" (VOC 2010, area).
        score_threshold: detections at or below it do not count.
    """

    period: int = 10
    batch_size: int = 8
    matching_iou: float = 0.5
    mode: Literal["sample", "integrate"] = "sample"
    score_threshold: float = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """What `inference` draws and writes when no option says otherwise.

    Attributes:
        score_threshold: detections below it are left out.
        batch_size: images per step.
    """

    score_threshold: float = 0.3
    batch_size: int = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything the core needs to know about a run, grouped."""

    classes: Classes
    input: InputFormat
    data: Data
    checkpoints: Checkpoints
    schedule: Schedule
    epochs: int
    augmentation: tuple[Transform, ...] = ()
    optimizer: Optimizer = field(default_factory=Sgd)
    regularizer: Regularizer = field(default_factory=Regularizer)
    freeze: Freeze = field(default_factory=Freeze)
    evaluation: Evaluation = field(default_factory=Evaluation)
    inference: Inference = field(default_factory=Inference)
    seed: int = 0
