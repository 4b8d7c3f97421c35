"""From Faster R-CNN's spec to the core's recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import SpecError
from detforge.recipe import (
    Adam,
    Checkpoints,
    Classes,
    ColorShift,
    Data,
    DataSource,
    Evaluation,
    Freeze,
    HorizontalFlip,
    Inference,
    InputFormat,
    Recipe,
    RmsProp,
    Sgd,
    SoftStartSteps,
    Spatial,
    Start,
    Steps,
    VerticalFlip,
)
from detforge.spec.fields import element_path
from detforge.spec.floats import shortest
from detforge.spec.standard import early_stopping_of, regularizer_of, visualizer_of
from detforge_faster_rcnn.checks import find_problems, window_of
from detforge_faster_rcnn.remarks import find_warnings, has_color_shift

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from detforge.recipe import Optimizer, Schedule, Transform
    from detforge_faster_rcnn import spec_pb2

_COLOR_ORDERS: dict[str, Literal["rgb", "bgr", "grey"]] = {"rgb": "rgb", "bgr": "bgr", "l": "grey"}


def to_recipe(spec: spec_pb2.Experiment) -> Recipe:
    """Return the recipe; the background is the last channel of the classifier's softmax.

    Raises:
        SpecError: fields disagree; carries every problem with the path of its field.
    """
    if problems := find_problems(spec):
        raise SpecError(problems)
    model, training = spec.model_config, spec.training_config
    return Recipe(
        classes=Classes.of_mapping(spec.dataset_config.target_class_mapping, "last"),
        input=_input(spec),
        data=_data(spec),
        checkpoints=Checkpoints(
            name=f"frcnn_{model.arch.replace(':', '_')}",
            interval=training.checkpoint_interval or 1,
        ),
        schedule=_schedule(training.learning_rate),
        epochs=training.num_epochs,
        augmentation=tuple(_augmentation(spec)),
        optimizer=_optimizer(training.optimizer),
        regularizer=regularizer_of(training.regularizer),
        freeze=Freeze(
            blocks=tuple(model.freeze_blocks),
            batch_norm=model.freeze_bn,
            field="model_config.freeze_blocks",
        ),
        evaluation=_evaluation(spec.evaluation_config),
        inference=_inference(spec.inference_config),
        seed=spec.random_seed,
        start=Start.of_first(
            resume=training.resume_from_model,
            pruned=training.retrain_pruned_model,
            weights=training.pretrained_weights,
        ),
        early_stopping=early_stopping_of(training),
        visualizer=visualizer_of(training.visualizer),
        verbose=spec.verbose,
        warnings=find_warnings(spec),
    )


def _input(spec: spec_pb2.Experiment) -> InputFormat:
    config = spec.model_config.input_image_config
    preprocessing = spec.augmentation_config.preprocessing
    order = config.image_channel_order
    size, shorter = config.size_height_width, config.size_min.min
    window = window_of(preprocessing)
    # A window from the corner on is what padding does anyway.
    has_window = config.HasField("size_height_width") and any(window[:2])
    return InputFormat(
        height=size.height,
        width=size.width,
        color_order=_COLOR_ORDERS[order],
        mean=tuple(shortest(config.image_channel_mean[channel]) for channel in order),
        scale=(1 / shortest(config.image_scaling_factor),) * len(order),
        resize="stretch" if preprocessing.enable_auto_resize or shorter else "pad",
        window=window if has_window else None,
        shorter_side=shorter,
        longer_side=preprocessing.output_image_max,
    )


def _data(spec: spec_pb2.Experiment) -> Data:
    config, preprocessing = spec.dataset_config, spec.augmentation_config.preprocessing
    is_weighted = config.sampling_mode == config.USER_DEFINED
    path, split = "dataset_config.data_sources", config.WhichOneof("dataset_split_type")
    validation: tuple[DataSource, ...] = ()
    if split == "validation_data_source":
        validation = (_source(config.validation_data_source, f"dataset_config.{split}"),)
    return Data(
        training=tuple(
            _source(source, element_path(path, index), is_weighted=is_weighted)
            for index, source in enumerate(config.data_sources)
        ),
        validation=validation,
        batch_size=spec.training_config.batch_size_per_gpu,
        validation_fold=config.validation_fold if split == "validation_fold" else None,
        max_objects=spec.model_config.input_image_config.max_objects_num_per_image,
        max_objects_field="model_config.input_image_config.max_objects_num_per_image",
        image_extension=config.image_extension,
        equal_sources=config.sampling_mode == config.UNIFORM,
        min_box_width=shortest(preprocessing.min_bbox_width),
        min_box_height=shortest(preprocessing.min_bbox_height),
    )


def _source(config: spec_pb2.DataSource, path: str, *, is_weighted: bool = False) -> DataSource:
    return DataSource(
        records=config.tfrecords_path,
        images=config.image_directory_path or None,
        weight=shortest(config.source_weight) if is_weighted else 1.0,
        field=path,
    )


def _augmentation(spec: spec_pb2.Experiment) -> Iterator[Transform]:
    """Yield what happens to training images."""
    config = spec.augmentation_config
    if not spec.training_config.enable_augmentation:
        return
    spatial, color = config.spatial_augmentation, config.color_augmentation
    if spatial.hflip_probability:
        yield HorizontalFlip(probability=shortest(spatial.hflip_probability))
    if spatial.vflip_probability:
        yield VerticalFlip(probability=shortest(spatial.vflip_probability))
    if (movement := _movement(spatial)) != Spatial():
        yield movement
    has_color = spec.model_config.input_image_config.image_channel_order != "l"
    if has_color and has_color_shift(color):
        yield ColorShift(
            shift_stddev=shortest(color.color_shift_stddev),
            max_hue_rotation=shortest(color.hue_rotation_max),
            max_saturation_shift=shortest(color.saturation_shift_max),
            max_contrast_scale=shortest(color.contrast_scale_max),
            contrast_center=shortest(color.contrast_center),
        )


def _movement(config: spec_pb2.SpatialAugmentation) -> Spatial:
    rotates = config.rotate_rad_max > 0 and config.rotate_probability > 0
    return Spatial(
        min_shrink=shortest(config.zoom_min) or 1.0,
        max_shrink=shortest(config.zoom_max) or 1.0,
        max_shift_x=float(int(config.translate_max_x)),
        max_shift_y=float(int(config.translate_max_y)),
        max_rotation=shortest(config.rotate_rad_max) if rotates else 0.0,
        rotation_probability=shortest(config.rotate_probability) if rotates else 1.0,
    )


def _schedule(config: spec_pb2.LearningRate) -> Schedule:
    if config.HasField("step"):
        return Steps(
            learning_rate=shortest(config.step.base_lr),
            gamma=shortest(config.step.gamma),
            interval=shortest(config.step.step_size) / 100,
        )
    schedule = config.soft_start
    return SoftStartSteps(
        start_learning_rate=shortest(schedule.start_lr),
        learning_rate=shortest(schedule.base_lr),
        soft_start=shortest(schedule.soft_start),
        points=tuple(shortest(point) for point in schedule.annealing_points),
        divider=shortest(schedule.annealing_divider),
    )


def _optimizer(config: spec_pb2.OptimizerConfig) -> Optimizer:
    if config.HasField("rmsprop"):
        return RmsProp()
    if config.HasField("adam"):
        return Adam(
            beta_1=shortest(config.adam.beta_1),
            beta_2=shortest(config.adam.beta_2),
            epsilon=shortest(config.adam.epsilon),
            amsgrad=config.adam.amsgrad,
            decay=shortest(config.adam.decay),
        )
    return Sgd(
        momentum=shortest(config.sgd.momentum),
        nesterov=config.sgd.nesterov,
        decay=shortest(config.sgd.decay),
    )


def _evaluation(config: spec_pb2.EvaluationConfig) -> Evaluation:
    iou_range = None
    if config.HasField("gt_matching_iou_threshold_range"):
        ious = config.gt_matching_iou_threshold_range
        iou_range = (shortest(ious.start), shortest(ious.end), shortest(ious.step))
    return Evaluation(
        period=config.validation_period_during_training or 1,
        batch_size=config.batch_size or 1,
        matching_iou=shortest(config.gt_matching_iou_threshold) or 0.5,
        mode="sample" if config.use_voc07_11point_metric else "integrate",
        score_threshold=shortest(config.object_confidence_thres),
        iou_range=iou_range,
        precision_recall_plot=config.visualize_pr_curve,
        model=config.trt_evaluation.trt_engine or config.model,
    )


def _inference(config: spec_pb2.InferenceConfig) -> Inference:
    return Inference(
        score_threshold=shortest(config.bbox_visualize_threshold),
        batch_size=config.batch_size or 1,
        model=config.trt_inference.trt_engine or config.model,
        images=config.images_dir,
        annotated_dir=config.detection_image_output_dir,
        labels_dir=config.labels_dump_dir,
        captions=config.bbox_caption_on,
    )
