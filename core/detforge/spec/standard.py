"""The standard messages of a spec (``detforge/protos/experiment.proto``) to a `Recipe`.

Zeros that the documents define ("0 means 20") end here: a recipe says what happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from detforge.errors import PluginError, SpecError
from detforge.protos import experiment_pb2 as protos
from detforge.recipe import (
    Adam,
    Checkpoints,
    Classes,
    Data,
    DataSource,
    EarlyStopping,
    Evaluation,
    Expand,
    Freeze,
    HorizontalFlip,
    Inference,
    InputFormat,
    IouCrop,
    Photometric,
    RandomInterpolation,
    Recipe,
    Regularizer,
    RmsProp,
    Sgd,
    SoftStartAnnealing,
    SoftStartCosine,
    Visualizer,
)
from detforge.spec.fields import element_path
from detforge.spec.floats import shortest
from detforge.spec.standard_checks import check_standard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from detforge.errors import Problem
    from detforge.recipe import Optimizer, Schedule, Transform

# Mean colour of ImageNet on 0..255, as published with the VGG networks, and its grey value.
_IMAGENET_MEAN = {"b": 103.939, "g": 116.779, "r": 123.68, "l": 117.3786}
_REQUIRED = {
    "dataset_config": protos.DatasetConfig,
    "augmentation_config": protos.AugmentationConfig,
    "training_config": protos.TrainingConfig,
}
_OPTIONAL = {"eval_config": protos.EvalConfig, "nms_config": protos.NmsConfig}


def standard_recipe(
    message: Message,
    *,
    name: str,
    background: Literal["first", "last", "none"] = "none",
    color_order: Literal["rgb", "bgr"] = "rgb",
    mean: tuple[float, float, float] | None = None,
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    mask_size: int = 0,
    freeze: Freeze | None = None,
    problems: Iterable[Problem] = (),
) -> Recipe:
    """Return the recipe of a spec that holds the standard messages under their standard names.

    Needs ``dataset_config``, ``augmentation_config`` and ``training_config``; a schema without
    ``eval_config``, ``nms_config`` or ``random_seed`` gets the recipe's own defaults.

    Args:
        message: a checked spec, absent fields filled in.
        name: stem of the checkpoint files.
        background: where the head puts the background channel.
        color_order: of the network input where it has three channels.
        mean: to subtract, in that order, on 0..255; the spec may then not set its own. None for
            the spec's ``image_mean`` or ImageNet's.
        scale: factor behind the mean; one grey channel takes the first.
        mask_size: side of the square masks in a batch; 0 for none.
        freeze: what does not train; None for nothing.
        problems: what the detector found in its own block; raised together with the rest.

    Raises:
        SpecError: fields disagree; carries every problem with the path of its field.
        PluginError: the schema lacks a standard message, or has another in its place.
    """
    _check_schema(message)
    has_background = background != "none"
    standard = check_standard(message, has_own_mean=mean is not None, has_background=has_background)
    if found := [*problems, *standard]:
        raise SpecError(found)
    spec: Any = message
    training, dataset = spec.training_config, spec.dataset_config
    evaluation = _evaluation(spec)
    return Recipe(
        classes=Classes.of_mapping(dataset.target_class_mapping, background),
        input=_input(spec.augmentation_config, color_order, mean, scale),
        data=_data(dataset, training, mask_size),
        checkpoints=Checkpoints(name=name, interval=training.checkpoint_interval or 1),
        schedule=_schedule(training.learning_rate),
        epochs=training.num_epochs,
        augmentation=_augmentation(spec.augmentation_config),
        optimizer=_optimizer(training.optimizer),
        regularizer=regularizer_of(training.regularizer),
        freeze=freeze or Freeze(),
        evaluation=evaluation,
        inference=Inference(batch_size=evaluation.batch_size),
        gradient_clip_norm=shortest(training.clip_gradients_norm),
        averaging_decay=shortest(training.moving_average_decay) if training.model_ema else 0.0,
        early_stopping=early_stopping_of(training),
        visualizer=visualizer_of(training.visualizer),
        seed=spec.random_seed if _has_field(message, "random_seed") else 0,
    )


def _has_field(message: Message, name: str) -> bool:
    return name in message.DESCRIPTOR.fields_by_name


def _check_schema(message: Message) -> None:
    schema = message.DESCRIPTOR
    for name, kind in (_REQUIRED | _OPTIONAL).items():
        field = schema.fields_by_name.get(name)
        if field is None and name in _OPTIONAL:
            continue
        if field is None or field.message_type != kind.DESCRIPTOR:
            raise PluginError(
                f"{schema.full_name} has no {name} of type {kind.DESCRIPTOR.full_name}; "
                "the detector must implement the hook 'recipe' itself"
            )


def _input(
    config: protos.AugmentationConfig,
    color_order: Literal["rgb", "bgr"],
    mean: tuple[float, ...] | None,
    scale: tuple[float, ...],
) -> InputFormat:
    is_grey = config.output_channel == 1
    given = {key: shortest(value) for key, value in config.image_mean.items()}
    by_letter = given or _IMAGENET_MEAN
    return InputFormat(
        height=config.output_height,
        width=config.output_width,
        color_order="grey" if is_grey else color_order,
        mean=mean or tuple(by_letter[key] for key in ("l" if is_grey else color_order)),
        scale=scale[:1] if is_grey else scale,
    )


def _data(dataset: protos.DatasetConfig, training: protos.TrainingConfig, mask_size: int) -> Data:
    return Data(
        training=_sources(dataset.data_sources, "data_sources"),
        validation=_sources(dataset.validation_data_sources, "validation_data_sources"),
        batch_size=training.batch_size_per_gpu,
        include_difficult=dataset.include_difficult_in_training,
        mask_size=mask_size,
        workers=training.n_workers,
        multiprocessing=training.use_multiprocessing,
        max_queue_size=training.max_queue_size or 20,
    )


def _sources(sources: Iterable[protos.DataSource], name: str) -> tuple[DataSource, ...]:
    return tuple(
        DataSource(
            records=source.tfrecords_path or None,
            images=source.image_directory_path or None,
            labels=source.label_directory_path or None,
            field=element_path(f"dataset_config.{name}", index),
        )
        for index, source in enumerate(sources)
    )


def _schedule(config: protos.LearningRate) -> Schedule:
    if config.WhichOneof("schedule") == "soft_start_cosine_annealing_schedule":
        cosine = config.soft_start_cosine_annealing_schedule
        return SoftStartCosine(
            min_learning_rate=shortest(cosine.min_learning_rate),
            max_learning_rate=shortest(cosine.max_learning_rate),
            soft_start=shortest(cosine.soft_start),
        )
    schedule = config.soft_start_annealing_schedule
    return SoftStartAnnealing(
        min_learning_rate=shortest(schedule.min_learning_rate),
        max_learning_rate=shortest(schedule.max_learning_rate),
        soft_start=shortest(schedule.soft_start),
        annealing=shortest(schedule.annealing),
    )


def _optimizer(config: protos.OptimizerConfig) -> Optimizer:
    match config.WhichOneof("optimizer"):
        case "adam":
            return Adam(
                beta_1=shortest(config.adam.beta1),
                beta_2=shortest(config.adam.beta2),
                epsilon=shortest(config.adam.epsilon),
                amsgrad=config.adam.amsgrad,
            )
        case "rmsprop":
            return RmsProp(
                rho=shortest(config.rmsprop.rho),
                momentum=shortest(config.rmsprop.momentum),
                epsilon=shortest(config.rmsprop.epsilon),
                centered=config.rmsprop.centered,
            )
        case "sgd":
            return Sgd(momentum=shortest(config.sgd.momentum), nesterov=config.sgd.nesterov)
        case _:
            return Sgd()


def regularizer_of(config: protos.RegularizerConfig) -> Regularizer:
    """Return the penalty that a checked block asks for."""
    if config.type == protos.RegularizerConfig.NO_REG:
        return Regularizer()
    kind = "l1" if config.type == protos.RegularizerConfig.L1 else "l2"
    return Regularizer(kind=kind, weight=shortest(config.weight))


def early_stopping_of(training: Any) -> EarlyStopping | None:
    """Return when a run ends early, of a checked block that may hold ``early_stopping``."""
    if not training.HasField("early_stopping"):
        return None
    config: protos.EarlyStoppingConfig = training.early_stopping
    return EarlyStopping(
        patience=config.patience,
        min_delta=shortest(config.min_delta),
        monitor="loss" if config.monitor == "loss" else "validation_loss",
    )


def visualizer_of(config: protos.VisualizerConfig) -> Visualizer | None:
    """Return what TensorBoard shows of a run, of a checked block; None where it is off."""
    if not config.enabled:
        return None
    return Visualizer(images=config.num_images, weight_histograms=config.weight_histograms)


def _evaluation(message: Any) -> Evaluation:
    settings = {}
    if _has_field(message, "eval_config"):
        config = message.eval_config
        modes = {protos.EvalConfig.SAMPLE: "sample", protos.EvalConfig.INTEGRATE: "integrate"}
        settings = {
            "period": config.validation_period_during_training,
            "batch_size": config.batch_size,
            "matching_iou": shortest(config.matching_iou_threshold),
            "mode": modes[config.average_precision_mode],
            "precision_recall_plot": config.visualize_pr_curve,
        }
    if _has_field(message, "nms_config"):
        settings["score_threshold"] = shortest(message.nms_config.confidence_threshold)
    return Evaluation(**settings)


def _augmentation(config: protos.AugmentationConfig) -> tuple[Transform, ...]:
    """Return the random changes in the order of SSD's training, without those switched off."""
    photometric = Photometric(
        brightness=config.brightness,
        contrast=shortest(config.contrast),
        saturation=shortest(config.saturation),
        hue=config.hue,
    )
    expand = Expand(
        min_ratio=shortest(config.zoom_out_min_scale), max_ratio=shortest(config.zoom_out_max_scale)
    )
    crop = IouCrop(
        min_scale=shortest(config.random_crop_min_scale),
        max_scale=shortest(config.random_crop_max_scale),
        min_aspect_ratio=shortest(config.random_crop_min_ar),
        max_aspect_ratio=shortest(config.random_crop_max_ar),
    )
    flip = HorizontalFlip(probability=shortest(config.random_flip))
    has_color = config.brightness or config.contrast or config.saturation or config.hue
    steps: tuple[tuple[Transform, bool], ...] = (
        (photometric, bool(has_color)),
        (expand, (expand.min_ratio, expand.max_ratio) != (1, 1)),
        (crop, (crop.min_scale, crop.max_scale) != (1, 1)),
        (flip, flip.probability > 0),
    )
    changes = tuple(step for step, is_on in steps if is_on)
    return (*changes, RandomInterpolation()) if changes else ()
