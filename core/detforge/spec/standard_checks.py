"""Checks of the standard messages that need more than one field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detforge.errors import Problem
from detforge.protos import experiment_pb2 as protos
from detforge.spec.checks import check_class_mapping, check_keys, check_order
from detforge.spec.fields import element_path, listing
from detforge.spec.floats import shortest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

_AUGMENTATION = "augmentation_config"
_CLASSES = "dataset_config.target_class_mapping"
_TRAINING = "training_config"


def check_standard(
    message: Message, *, has_own_mean: bool = False, has_background: bool = False
) -> list[Problem]:
    """Return the disagreements between fields of the standard messages.

    Args:
        message: a checked spec with the standard messages.
        has_own_mean: the detector subtracts its own mean from three channels.
        has_background: the head has a background channel.
    """
    spec: Any = message
    dataset, training = spec.dataset_config, spec.training_config
    augmentation = spec.augmentation_config
    return [
        *check_class_mapping(_CLASSES, dataset.target_class_mapping, has_background=has_background),
        *_check_sources(dataset.data_sources, "data_sources"),
        *_check_sources(dataset.validation_data_sources, "validation_data_sources"),
        *_check_ranges(augmentation),
        *_check_channels(augmentation, has_own_mean),
        *_check_schedule(training.learning_rate),
        *check_regularizer(
            f"{_TRAINING}.regularizer",
            protos.RegularizerConfig.Type.Name(training.regularizer.type),
            training.regularizer.weight,
        ),
        *check_early_stopping(_TRAINING, training),
    ]


def _check_sources(sources: Iterable[protos.DataSource], name: str) -> Iterator[Problem]:
    for index, source in enumerate(sources):
        path = element_path(f"dataset_config.{name}", index)
        folders = {
            "image_directory_path": source.image_directory_path,
            "label_directory_path": source.label_directory_path,
        }
        present = [folder for folder, value in folders.items() if value]
        if source.tfrecords_path and present:
            keep = f"keep tfrecords_path or {listing(present, 'and')}"
            yield Problem(path, f"records hold images and labels themselves; {keep}, not both")
        elif not source.tfrecords_path and len(present) < len(folders):
            missing = listing((folder for folder in folders if folder not in present), "and")
            yield Problem(path, f"lacks {missing}; or give tfrecords_path")


def _check_ranges(config: protos.AugmentationConfig) -> Iterator[Problem]:
    for name in ("random_crop_{}_scale", "random_crop_{}_ar", "zoom_out_{}_scale"):
        yield from check_order(config, _AUGMENTATION, name.format("min"), name.format("max"))


def _check_channels(config: protos.AugmentationConfig, has_own_mean: bool) -> Iterator[Problem]:
    channels = config.output_channel
    path = f"{_AUGMENTATION}.output_channel"
    mean_path = f"{_AUGMENTATION}.image_mean"
    if channels not in (1, 3):
        yield Problem(path, f"{channels} is not possible; use 1 (grey) or 3 (colour)")
        return
    if has_own_mean:
        if channels != 3:
            yield Problem(path, "1 is not possible; this detector works on 3 channels")
        if config.image_mean:
            yield Problem(mean_path, "this detector has a fixed mean; remove it")
        return
    wanted = {"b", "g", "r"} if channels == 3 else {"l"}
    if config.image_mean:
        owner = f"output_channel is {channels}, which"
        yield from check_keys(mean_path, config.image_mean, wanted, owner)


def _check_schedule(config: protos.LearningRate) -> Iterator[Problem]:
    name = config.WhichOneof("schedule")
    path = f"{_TRAINING}.learning_rate"
    if name is None:
        yield Problem(path, "has no schedule; add soft_start_annealing_schedule { ... }")
        return
    schedule: Any = getattr(config, name)
    path = f"{path}.{name}"
    yield from check_order(schedule, path, "min_learning_rate", "max_learning_rate")
    if name == "soft_start_annealing_schedule" and not schedule.soft_start < schedule.annealing:
        start, decay = shortest(schedule.soft_start), shortest(schedule.annealing)
        message = f"{start:g} is not below annealing, which is {decay:g}: the plateau lies between"
        yield Problem(f"{path}.soft_start", message)


def check_early_stopping(path: str, training: Any) -> Iterator[Problem]:
    """Find an early stopping that would leave nothing of the run.

    Args:
        path: of the block that may hold ``early_stopping``.
        training: the block.
    """
    if training.HasField("early_stopping") and not training.early_stopping.patience:
        message = "0 would stop the run at once; give a number of epochs"
        yield Problem(f"{path}.early_stopping.patience", message)


def check_regularizer(path: str, kind: str, weight: float) -> Iterator[Problem]:
    """Find a penalty that does nothing.

    Args:
        path: of the block.
        kind: "NO_REG", "L1" or "L2".
        weight: factor of the penalty.
    """
    if kind != "NO_REG" and not weight > 0:
        message = f"0 makes {kind} do nothing; give a weight above 0, or type: NO_REG"
        yield Problem(f"{path}.weight", message)
