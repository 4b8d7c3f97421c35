"""What a task is asked to do and what it says it did: one frozen pair per task.

New fields get defaults, so that yesterday's plugin still runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from detforge.deployment import OPSET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from detforge.deployment import Target
    from detforge.plugins import Detector
    from detforge.spec import Spec

IMAGENET = "imagenet"
"""In the place of a file of weights: the published ones of the spec's backbone."""

ComparedOn = Literal["validation images", "noise"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What every task is told.

    Attributes:
        detector: the chosen detector; calls its hooks.
        key: encrypts files that are written, decrypts files that are read; None for plain.
        results_dir: folder for the report as JSON; None for no report file.
        options: options a plugin added with `cli_options`, by name.
    """

    detector: Detector
    key: str | None = field(default=None, repr=False)
    results_dir: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertRequest(Request):
    """Turn labelled images into records: as a spec says, or a COCO file without one.

    Attributes:
        spec: the conversion spec; None for `annotations_file` and `image_dir`.
        output: prefix of the record files, a tag included.
        drop_unmapped: leave out labels that the mapping does not name, instead of refusing.
        force: replace records that are already there.
        image_dir: folder of the images of the COCO file.
        annotations_file: the COCO file.
        num_shards: number of record files, without a spec.
        include_mask: keep the masks, without a spec.
        class_file: names of the classes, one a line, for a spec without a mapping.
        validation_fold: the fold that the sample modifier leaves as it is; None for the one that
            is for validation by its nature, if there is one.
        no_decode: check only header and end of each image, instead of decoding it, which is the
            one proof that training can.
        resume: go on with a conversion that did not finish.
        processes: at most so many do the work; 0 for one per core.
    """

    spec: Spec | None
    output: Path
    drop_unmapped: bool = False
    force: bool = False
    image_dir: Path | None = None
    annotations_file: Path | None = None
    num_shards: int = 256
    include_mask: bool = False
    class_file: Path | None = None
    validation_fold: int | None = None
    no_decode: bool = False
    resume: bool = False
    processes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest(Request):
    """Train from scratch, from given weights, or on from a checkpoint.

    Attributes:
        spec: the experiment spec.
        results_dir: checkpoints, metrics and logs go here.
        resume_model_weights: file with the weights to start from, or `IMAGENET`; None for what the
            spec says.
        initial_epoch: 1-based epoch to begin with. Above 1 the optimiser and the position in
            the run are taken from the checkpoint too.
        force: start anew where an earlier run left checkpoints, and replace them.
        use_multiprocessing: prepare batches in processes, whatever the spec says.
        use_amp: compute in half precision, likewise.
    """

    spec: Spec
    results_dir: Path
    resume_model_weights: Path | None = None
    initial_epoch: int = 1
    force: bool = False
    use_multiprocessing: bool = False
    use_amp: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateRequest(Request):
    """Score a model on the validation set.

    Attributes:
        spec: the experiment spec.
        model: a checkpoint or an exported ONNX file.
        metric: how to score; None for the recipe's mode.
    """

    spec: Spec
    model: Path
    metric: Literal["sample", "integrate", "coco"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneRequest(Request):
    """Remove weak channels from a trained checkpoint.

    Attributes:
        model: the checkpoint.
        spec: the experiment spec; None for the one in the checkpoint.
        output: the pruned checkpoint; None with `dry_run` only.
        normalizer: how kernel norms of a layer are normalised.
        equalization_criterion: how layers whose outputs are added are made to agree.
        granularity: filters are kept in multiples of this.
        threshold: filters whose normalised norm is at most this go.
        target_ratio: share of the parameters to leave at most, in (0, 1]; the lowest threshold
            that does takes the place of `threshold`. None for `threshold`.
        min_filters: least number of filters a layer keeps.
        excluded_layers: layers left whole.
        check_images: a folder of images, or one image, to compare what is found in them before
            and after; None for none.
        dry_run: write no checkpoint.
        force: replace a file that is already there.
    """

    model: Path
    spec: Spec | None = None
    output: Path | None = None
    normalizer: Literal["max", "L2"] = "max"
    equalization_criterion: Literal[
        "union", "intersection", "arithmetic_mean", "geometric_mean"
    ] = "union"
    granularity: int = 8
    threshold: float = 0.1
    target_ratio: float | None = None
    min_filters: int = 16
    excluded_layers: tuple[str, ...] = ()
    check_images: Path | None = None
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class InferRequest(Request):
    """Find objects in images.

    Attributes:
        spec: the experiment spec.
        model: a checkpoint or an exported ONNX file.
        images: a folder of images, or one image.
        annotated_dir: folder for images with the boxes drawn; None for none. At least one of this
            and the next two is there.
        labels_dir: folder for KITTI label files; None for none.
        detections_file: file for all that was found, as COCO results; None for none.
        threshold: least score; None for the recipe's.
        label_map: file of class names, one a line; None for the recipe's.
        include_mask: draw the masks too.
        force: replace label files that inference did not write.
    """

    spec: Spec
    model: Path
    images: Path
    annotated_dir: Path | None = None
    labels_dir: Path | None = None
    detections_file: Path | None = None
    threshold: float | None = None
    label_map: Path | None = None
    include_mask: bool = False
    force: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest(Request):
    """Write a checkpoint as ONNX.

    Attributes:
        spec: the experiment spec; its thresholds go into the graph.
        model: the checkpoint.
        output: the file to write; None for beside the checkpoint.
        target: "onnx" (standard operators) or "tensorrt-plugins".
        static_batch_size: the only batch size that the model takes; 0 or -1 for any.
        target_opset: version of ONNX's operators.
        force: replace a file that is already there.
    """

    spec: Spec
    model: Path
    output: Path | None = None
    target: Target = "onnx"
    static_batch_size: int = -1
    target_opset: int = OPSET
    force: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertReport:
    """What was written, and what was left out.

    Attributes:
        manifest: the manifest beside the records.
        images: fold name -> images.
        objects: fold name -> class name -> objects.
        class_images: fold name -> class name -> images that show it.
        dropped: reason -> objects or images left out; each one is listed in `dropped_file`.
        dropped_file: JSON lines, one per object or image left out; None when nothing was.
        notes: what is unusual, and what becomes of it -> images or objects.
        warnings_file: objects of a COCO file that are out of their bounds, by image; None where
            there are none, or a spec asked for the conversion.
    """

    manifest: Path
    images: Mapping[str, int]
    objects: Mapping[str, Mapping[str, int]]
    dropped: Mapping[str, int]
    class_images: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dropped_file: Path | None = None
    notes: Mapping[str, int] = field(default_factory=dict)
    warnings_file: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainReport:
    """What training reached.

    Attributes:
        checkpoint: the last checkpoint.
        epochs: epochs completed, counted from the very first.
        metrics: last value of each metric.
    """

    checkpoint: Path
    epochs: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateReport:
    """How good a model is.

    Attributes:
        mean_ap: mean over the classes that have objects; of COCO's mode its AP.
        ap: class name -> average precision; None for a class without objects.
        images: images scored.
        mode: "sample", "integrate" or "coco".
        matching_iou: least IoU that counted as found, the first of several.
        matching_ious: all of them; the average precision is the mean over them.
        mean_ap_by_iou: least IoU -> mean average precision; empty where there is one.
        coco: COCO's numbers, NaN where there is no such object; of masks with ``mask_`` in front.
        mask_ap: as `ap`, of masks; empty where there are none.
        score_threshold: detections at or below it did not count.
        without_objects: classes without an object, which the means leave out.
        counted_from: detections below this score do not count in `counts` and `confusion`.
        counts: class name -> true positives, false positives and false negatives.
        confusion: a row for the objects of each class, a column for each class they were found
            as; the last column: missed, the last row: no object there.
        model: the file.
        model_kind: "checkpoint" or "onnx".
        spec_sha256: of the spec's text.
        files: what was written beside the report.
    """

    mean_ap: float
    ap: Mapping[str, float | None]
    images: int
    mode: str
    matching_iou: float
    matching_ious: tuple[float, ...] = ()
    mean_ap_by_iou: Mapping[str, float] = field(default_factory=dict)
    coco: Mapping[str, float] = field(default_factory=dict)
    mask_ap: Mapping[str, float | None] = field(default_factory=dict)
    score_threshold: float = 0.0
    without_objects: tuple[str, ...] = ()
    counted_from: float = 0.0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()
    model: Path | None = None
    model_kind: str = ""
    spec_sha256: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneReport:
    """What pruning removed.

    Attributes:
        checkpoint: the pruned checkpoint; None where none was written.
        parameters_before: weights before.
        parameters_after: weights after.
        channels: layer -> output channels (before, after).
        pruning_ratio: parameters after, divided by those before.
        threshold: what normalised norms were compared with, given or found.
        layer_parameters: layer -> weights (before, after).
        layer_multiply_adds: layer -> multiply-adds of one image (before, after).
        multiply_adds_before: of one image, in all layers.
        multiply_adds_after: likewise.
        file_bytes_before: size of the checkpoint that was pruned.
        file_bytes_after: size of the pruned one.
        optimizer_bytes: of the first, the state of the optimiser, which the second lacks.
        seconds: the pass alone: choosing, and making the narrower network.
        seconds_to_build: reading the checkpoint and building its network, before the pass.
        check: how what is found in given images changes: "images", and of the objects at or above
            the detector's score "before", "after" and "matched" (same class, IoU of 0.5 or more),
            and over those the "largest_score_change" and the "least_iou". Empty without images.
    """

    checkpoint: Path | None
    parameters_before: int
    parameters_after: int
    channels: Mapping[str, tuple[int, int]]
    pruning_ratio: float | None = None
    threshold: float | None = None
    layer_parameters: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    layer_multiply_adds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    multiply_adds_before: int = 0
    multiply_adds_after: int = 0
    file_bytes_before: int = 0
    file_bytes_after: int = 0
    optimizer_bytes: int = 0
    seconds: float = 0.0
    seconds_to_build: float = 0.0
    check: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class InferReport:
    """What was found.

    Attributes:
        images: images read.
        detections: objects at or above the threshold.
        annotated_dir: where the drawings are, or None.
        labels_dir: where the label files are, or None.
        unreadable: files that are no images, with the reason.
        detections_file: where the COCO results are, or None.
    """

    images: int
    detections: int
    annotated_dir: Path | None
    labels_dir: Path | None
    unreadable: Mapping[str, str]
    detections_file: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportReport:
    """What was exported, and how close it is to the checkpoint.

    Attributes:
        model: the exported file.
        target: the flavour.
        max_box_difference: pixels, largest over the compared images.
        max_score_difference: largest over the compared images.
        compared_images: images compared.
        compared_on: what images these are.
        batch_size: the only one that the model takes; None for any.
        opset: version of ONNX's operators.
    """

    model: Path
    target: str
    max_box_difference: float
    max_score_difference: float
    compared_images: int
    compared_on: ComparedOn = "validation images"
    batch_size: int | None = None
    opset: int = OPSET
