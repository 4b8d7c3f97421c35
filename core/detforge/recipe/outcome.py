"""What a run starts from, saves, scores, draws and shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
class Visualizer:
    """What TensorBoard shows of a run beside what it measures.

    Attributes:
        images: of the first batch, with their objects; no more than it has.
        weight_histograms: the weights, after each epoch.
    """

    images: int = 3
    weight_histograms: bool = False
