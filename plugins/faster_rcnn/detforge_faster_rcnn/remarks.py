"""What a spec says without an effect, or with an unlikely one: warnings, not errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec.fields import element_path
from detforge.spec.floats import shortest
from detforge_faster_rcnn.architectures import idle_switches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge_faster_rcnn import spec_pb2

# What training may start from; the first that is given wins.
_STARTS = ("resume_from_model", "retrain_pruned_model", "pretrained_weights")
_OF_FIXED_SIZE = (
    "output_image_width",
    "output_image_height",
    "enable_auto_resize",
    "crop_left",
    "crop_top",
    "crop_right",
    "crop_bottom",
)
_PREPROCESSING = "augmentation_config.preprocessing"
_TRAINING = "training_config"


def find_warnings(spec: spec_pb2.Experiment) -> tuple[Problem, ...]:
    """Return the warnings about a spec whose fields agree."""
    return (
        *idle_switches(spec.model_config),
        *_idle_input(spec),
        *_idle_weights(spec.dataset_config),
        *_idle_starts(spec.training_config),
        *_unlikely_intervals(spec.training_config),
        *_old_engines(spec),
    )


def _idle_input(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    config = spec.model_config.input_image_config
    preprocessing = spec.augmentation_config.preprocessing
    if config.HasField("size_min"):
        for name in _OF_FIXED_SIZE:
            if getattr(preprocessing, name):
                message = "has no effect: images keep their shape, as size_min asks"
                yield Problem(f"{_PREPROCESSING}.{name}", message)
    color = spec.augmentation_config.color_augmentation
    if config.image_type == config.GRAY_SCALE and has_color_shift(color):
        message = "has no effect: GRAY_SCALE images have no colour"
        yield Problem("augmentation_config.color_augmentation", message)


def has_color_shift(config: spec_pb2.ColorAugmentation) -> bool:
    """Return whether colours change at all."""
    return any(
        (
            config.color_shift_stddev,
            config.hue_rotation_max,
            config.saturation_shift_max,
            config.contrast_scale_max,
        )
    )


def _idle_weights(config: spec_pb2.DatasetConfig) -> Iterator[Problem]:
    if config.sampling_mode == config.USER_DEFINED:
        return
    mode = type(config).SamplingMode.Name(config.sampling_mode)
    for index, source in enumerate(config.data_sources):
        if source.source_weight != 1:
            path = element_path("dataset_config.data_sources", index)
            message = f"has no effect: dataset_config.sampling_mode is {mode}"
            yield Problem(f"{path}.source_weight", message)


def _idle_starts(config: spec_pb2.TrainingConfig) -> Iterator[Problem]:
    winner, *losers = [name for name in _STARTS if getattr(config, name)] or [""]
    for name in losers:
        message = f"has no effect: {_TRAINING}.{winner} is given too, and wins"
        yield Problem(f"{_TRAINING}.{name}", message)


def _unlikely_intervals(config: spec_pb2.TrainingConfig) -> Iterator[Problem]:
    if config.checkpoint_interval > config.num_epochs:
        message = (
            f"{config.checkpoint_interval} is more than num_epochs, which is "
            f"{config.num_epochs}: only the last epoch is saved"
        )
        yield Problem(f"{_TRAINING}.checkpoint_interval", message)
    step_size = shortest(config.learning_rate.step.step_size)
    if 0 < step_size < 1:
        message = f"is in percent; {100 * step_size:g} would be {step_size:g} of the run"
        yield Problem(f"{_TRAINING}.learning_rate.step.step_size", message)


def _old_engines(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    for block, name in (
        ("inference_config", "trt_inference"),
        ("evaluation_config", "trt_evaluation"),
    ):
        if getattr(spec, block).HasField(name):
            yield Problem(f"{block}.{name}", f"is outdated; name the engine in {block}.model")
