"""What a run does, in neutral terms: small frozen parts, which `Recipe` only groups.

A plugin's ``recipe(spec)`` hook translates its spec into these once; past that point nobody
reads a protobuf message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.errors import Problem


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


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """Where labelled images come from: records, or a KITTI pair of folders.

    Attributes:
        records: glob pattern, prefix, file or folder of TFRecord shards; or None.
        images: folder of images, also of records that do not hold their images; or None.
        labels: folder of KITTI label files; or None.
        annotations: COCO file that the records were made from: names and truth; or None.
        weight: how often its images are drawn, relative to the other sources.
        field: path of the spec field that named it, for messages.
    """

    records: str | None = None
    images: str | None = None
    labels: str | None = None
    annotations: str | None = None
    weight: float = 1.0
    field: str = ""

    @classmethod
    def of_pattern(cls, records: str, field: str, annotations: str = "") -> tuple[DataSource, ...]:
        """Return the source that a spec names by one pattern, or none where it names nothing.

        Args:
            records: glob pattern; empty for none.
            field: path of the spec field that holds the pattern.
            annotations: COCO file; empty for none.
        """
        if not (records or annotations):
            return ()
        return (cls(records=records or None, annotations=annotations or None, field=field),)


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
        multiprocessing: processes instead of threads.
        max_queue_size: batches prepared ahead.
        validation_fold: fold of the training records that validates instead of training.
        skip_crowd: leave objects marked as a crowd out of training.
        max_objects: largest number of objects of an image; None for as many as the data have.
        max_objects_field: path of the spec field with that number where an image with more is an
            error; empty where its largest objects are used.
        image_extension: of images beside records, without a dot; empty for what is found.
        images_per_epoch: images of each device that make one epoch; 0 for its share of the
            training set.
        equal_sources: draw from each training source equally often, whatever its size.
        min_box_width: narrower objects are left out; pixels of the network input.
        min_box_height: lower ones likewise.
    """

    training: tuple[DataSource, ...]
    validation: tuple[DataSource, ...] = ()
    batch_size: int = 8
    include_difficult: bool = True
    mask_size: int = 0
    workers: int = 0
    multiprocessing: bool = False
    max_queue_size: int = 8
    validation_fold: int | None = None
    skip_crowd: bool = False
    max_objects: int | None = None
    max_objects_field: str = ""
    image_extension: str = ""
    images_per_epoch: int = 0
    equal_sources: bool = False
    min_box_width: float = 0.0
    min_box_height: float = 0.0


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


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftStartCosine:
    """Linear warm-up, then half a cosine; all over progress in [0, 1].

    Attributes:
        min_learning_rate: at the start and at the end.
        max_learning_rate: behind the warm-up.
        soft_start: progress at which the warm-up ends.
    """

    min_learning_rate: float
    max_learning_rate: float
    soft_start: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftStartSteps:
    """Linear warm-up, then a division at each point; all over progress in [0, 1].

    Attributes:
        start_learning_rate: at the start.
        learning_rate: behind the warm-up.
        soft_start: progress at which the warm-up ends.
        points: progress behind which the rate is divided once more.
        divider: of each point.
    """

    start_learning_rate: float
    learning_rate: float
    soft_start: float
    points: tuple[float, ...]
    divider: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """A multiplication after each interval.

    Attributes:
        learning_rate: at the start.
        gamma: factor after each interval.
        interval: as a fraction of the run.
    """

    learning_rate: float
    gamma: float
    interval: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupCosine:
    """Linear warm-up over epochs, then half a cosine to 0.

    Attributes:
        start_learning_rate: at the start.
        learning_rate: behind the warm-up.
        warmup_epochs: may be a fraction.
    """

    start_learning_rate: float
    learning_rate: float
    warmup_epochs: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupSteps:
    """Linear warm-up over training steps, then constant levels.

    Attributes:
        start_learning_rate: at the start.
        learning_rate: behind the warm-up.
        warmup_steps: training steps.
        boundaries: training steps behind which a level begins.
        levels: factor of `learning_rate` behind each boundary; not cumulative.
    """

    start_learning_rate: float
    learning_rate: float
    warmup_steps: int
    boundaries: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()


Schedule = (
    SoftStartAnnealing | SoftStartCosine | SoftStartSteps | Steps | WarmupCosine | WarmupSteps
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sgd:
    """Stochastic gradient descent.

    Attributes:
        momentum: in [0, 1).
        nesterov: look ahead.
        decay: the rate of step n is divided by 1 + decay * n.
    """

    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (arXiv:1412.6980).

    Attributes:
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: numerical floor.
        amsgrad: never let the second moment fall (ICLR 2018, "On the convergence of Adam").
        decay: the rate of step n is divided by 1 + decay * n.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    decay: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RmsProp:
    """RMSprop.

    Attributes:
        rho: decay of the mean square.
        momentum: in [0, 1).
        epsilon: numerical floor.
        centered: subtract the square of the mean gradient.
    """

    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False


Optimizer = Sgd | Adam | RmsProp


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularizer:
    """Penalty on convolution and dense kernels: ``weight * sum |k|`` or ``weight * sum k^2``.

    Attributes:
        kind: which of the two; "l1_l2" for both.
        weight: of the one penalty, or of the L2 part.
        l1_weight: of the L1 part where there are both.
    """

    kind: Literal["none", "l1", "l2", "l1_l2"] = "none"
    weight: float = 0.0
    l1_weight: float = 0.0

    @classmethod
    def of_weights(cls, *, l1: float, l2: float) -> Regularizer:
        """Return both penalties, none where both weights are 0."""
        return cls(kind="l1_l2", weight=l2, l1_weight=l1) if l1 or l2 else cls()


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
        interval_steps: training steps between two checkpoints; 0: `interval` counts.
    """

    name: str
    interval: int = 1
    interval_steps: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """How detections are scored.

    Attributes:
        period: epochs between two validations while training.
        batch_size: images per step.
        matching_iou: least IoU of a detection with the object it found.
        mode: "sample" (Pascal VOC 2007, 11 points), "integrate" (VOC 2010, area) or "coco".
        score_threshold: detections at or below it do not count.
        period_steps: training steps between two validations; 0: `period` counts.
        images: only this many of the validation set, from its start; 0 for all.
        iou_range: (first, end, step) of several matching IoUs, end excluded; None for
            `matching_iou` alone.
        precision_recall_plot: draw the curve of each class.
        model: what to score where no option names it; empty for none.
    """

    period: int = 10
    batch_size: int = 8
    matching_iou: float = 0.5
    mode: Literal["sample", "integrate", "coco"] = "sample"
    score_threshold: float = 0.01
    period_steps: int = 0
    images: int = 0
    iou_range: tuple[float, float, float] | None = None
    precision_recall_plot: bool = False
    model: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """What `inference` draws and writes when no option says otherwise.

    Attributes:
        score_threshold: detections below it are left out.
        batch_size: images per step.
        model: checkpoint or exported model; empty for none, as are the next three.
        images: folder of images, or one image.
        annotated_dir: folder for images with the boxes drawn.
        labels_dir: folder for KITTI label files.
        captions: write class and score beside each box.
    """

    score_threshold: float = 0.3
    batch_size: int = 8
    model: str = ""
    images: str = ""
    annotated_dir: str = ""
    labels_dir: str = ""
    captions: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """What training starts from, where the spec says it; an option of the command wins.

    Attributes:
        weights: pretrained weights or a checkpoint; empty for random weights.
        pruned: pruned checkpoint, which gives the graph too.
        resume: checkpoint to go on from, optimiser included.
        skip_weights: regular expression; weights in whose name it is found are not loaded.
    """

    weights: str = ""
    pruned: str = ""
    resume: str = ""
    skip_weights: str = ""

    @classmethod
    def of_first(
        cls, *, weights: str, pruned: str, resume: str = "", skip_weights: str = ""
    ) -> Start:
        """Return the one start that counts of those a spec names: resume, pruned, then weights.

        A checkpoint to go on from has its graph and weights itself, and so has a pruned one.
        """
        if resume:
            return cls(resume=resume)
        return cls(pruned=pruned, weights="" if pruned else weights, skip_weights=skip_weights)


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyStopping:
    """When to end a run that no longer gets better.

    Attributes:
        patience: epochs without a decrease.
        min_delta: least decrease that counts.
        monitor: what should decrease.
    """

    patience: int
    min_delta: float = 0.0
    monitor: Literal["loss", "validation_loss"] = "loss"


@dataclass(frozen=True, kw_only=True, slots=True)
class Visualizer:
    """What TensorBoard shows of a run beside what it measures.

    Attributes:
        images: of the first batch, with their objects; no more than it has.
        weight_histograms: the weights, after each epoch.
    """

    images: int = 3
    weight_histograms: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything the core needs to know about a run, grouped.

    Attributes:
        epochs: length of the run.
        seed: of weights, order and augmentation.
        steps: length of the run in training steps; 0: `epochs` counts.
        mixed_precision: compute in half precision, keep weights in single precision.
        gradient_clip_norm: largest global norm of a step's gradient; 0: no limit.
        averaging_decay: decay of the moving average of the weights; 0: none.
        early_stopping: None: the run goes to its end.
        visualizer: None: nothing is written for TensorBoard.
        verbose: log everything, as the option of the same name does.
        warnings: what the spec says without an effect, for the user to know.
    """

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
    steps: int = 0
    start: Start = field(default_factory=Start)
    mixed_precision: bool = False
    gradient_clip_norm: float = 0.0
    averaging_decay: float = 0.0
    early_stopping: EarlyStopping | None = None
    visualizer: Visualizer | None = None
    verbose: bool = False
    warnings: tuple[Problem, ...] = ()
