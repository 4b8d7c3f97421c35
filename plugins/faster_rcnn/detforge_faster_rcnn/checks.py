"""Checks of a spec that need more than one field; each yields what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.protos.experiment_pb2 import RegularizerConfig
from detforge.spec.checks import check_class_mapping, check_keys, check_numbers, check_order
from detforge.spec.fields import element_path
from detforge.spec.floats import shortest
from detforge.spec.standard_checks import check_early_stopping, check_regularizer
from detforge_faster_rcnn import spec_pb2
from detforge_faster_rcnn.architectures import check_frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_INPUT = "model_config.input_image_config"
_PREPROCESSING = "augmentation_config.preprocessing"
_DATASET = "dataset_config"
_TRAINING = "training_config"
_EVALUATION = "evaluation_config"


def find_problems(spec: spec_pb2.Experiment) -> list[Problem]:
    """Return the disagreements between the fields of a checked spec."""
    return [
        *_check_size(spec),
        *_check_canvas(spec.augmentation_config.preprocessing),
        *_check_channels(spec),
        *check_frozen(spec.model_config),
        *_check_data(spec.dataset_config),
        *_check_zoom(spec.augmentation_config.spatial_augmentation),
        *_check_training(spec.training_config),
        *_check_optimizer(spec.training_config),
        *_check_schedule(spec.training_config.learning_rate),
        *_check_proposals(spec),
        *_check_iou_range(spec.evaluation_config),
    ]


# --- network input -------------------------------------------------------------------------


def _check_size(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    config = spec.model_config.input_image_config
    kind = config.WhichOneof("image_size_config")
    if kind is None:
        message = "has no size; add size_height_width { ... } or size_min { ... }"
        yield Problem(_INPUT, message)
    elif kind == "size_min":
        yield from _check_shorter_side(spec)
    else:
        yield from _check_fixed_size(spec)


def _check_fixed_size(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    size = spec.model_config.input_image_config.size_height_width
    preprocessing = spec.augmentation_config.preprocessing
    for side in ("height", "width"):
        place = f"{_INPUT}.size_height_width.{side}"
        yield from _check_same(preprocessing, side, place, getattr(size, side))
    for name in ("output_image_min", "output_image_max"):
        if getattr(preprocessing, name):
            message = "is for images of any shape, and size_height_width is given; remove it"
            yield Problem(f"{_PREPROCESSING}.{name}", message)
    yield from _check_window(preprocessing, size)


def _check_window(
    config: spec_pb2.Preprocessing, size: spec_pb2.SizeHeightWidth
) -> Iterator[Problem]:
    """Find a window that is not cut from images as they are, to the size of the network input."""
    left, top, right, bottom = window = window_of(config)
    if not any(window):
        return
    if (right - left, bottom - top) != (size.width, size.height):
        message = (
            f"the window from ({left}, {top}) to ({right}, {bottom}) has another size than "
            f"size_height_width, {size.width} x {size.height}; change it, or set all four to 0"
        )
        yield Problem(f"{_PREPROCESSING}.crop_right", message)
    elif config.enable_auto_resize and (left or top):
        message = "images are resized to the network input first, which leaves nothing to cut"
        yield Problem(f"{_PREPROCESSING}.enable_auto_resize", message)


def _check_canvas(config: spec_pb2.Preprocessing) -> Iterator[Problem]:
    for name in ("scale_width", "scale_height"):
        if (scale := shortest(getattr(config, name))) not in (0, 1):
            message = f"{scale:g} is not possible; resize by enable_auto_resize, and remove this"
            yield Problem(f"{_PREPROCESSING}.{name}", message)


def window_of(config: spec_pb2.Preprocessing) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the window, all 0 for none."""
    return config.crop_left, config.crop_top, config.crop_right, config.crop_bottom


def _check_shorter_side(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    shorter = spec.model_config.input_image_config.size_min.min
    preprocessing = spec.augmentation_config.preprocessing
    yield from _check_same(preprocessing, "min", f"{_INPUT}.size_min.min", shorter)
    longer = preprocessing.output_image_max
    if longer and longer < shorter:
        message = f"{longer}, the limit of the longer side, is below the shorter one, {shorter}"
        yield Problem(f"{_PREPROCESSING}.output_image_max", message)
    batches = {
        f"{_TRAINING}.batch_size_per_gpu": spec.training_config.batch_size_per_gpu,
        f"{_EVALUATION}.batch_size": spec.evaluation_config.batch_size,
        "inference_config.batch_size": spec.inference_config.batch_size,
    }
    for path, size in batches.items():
        if size > 1:
            yield Problem(path, f"{size} images of different shapes make no batch; use 1")


def _check_same(
    preprocessing: spec_pb2.Preprocessing, name: str, place: str, value: int
) -> Iterator[Problem]:
    given = getattr(preprocessing, f"output_image_{name}")
    if given and given != value:
        message = f"{given} is not {place}, which is {value}; make them equal, or remove this"
        yield Problem(f"{_PREPROCESSING}.output_image_{name}", message)


def _check_channels(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    config = spec.model_config.input_image_config
    is_grey = config.image_type == config.GRAY_SCALE
    image_type = "GRAY_SCALE" if is_grey else "RGB"
    if (config.image_channel_order == "l") != is_grey:
        orders = '"l"' if is_grey else '"rgb" or "bgr"'
        message = f'"{config.image_channel_order}" does not go with {image_type}; use {orders}'
        yield Problem(f"{_INPUT}.image_channel_order", message)
    keys = {"l"} if is_grey else {"r", "g", "b"}
    mean = config.image_channel_mean
    yield from check_keys(f"{_INPUT}.image_channel_mean", mean, keys, image_type)
    given = spec.augmentation_config.preprocessing.output_image_channel
    if given and given != len(keys):
        message = f"{given} does not go with {image_type}; use {len(keys)}, or remove it"
        yield Problem(f"{_PREPROCESSING}.output_image_channel", message)


# --- data ----------------------------------------------------------------------------------


def _check_data(config: spec_pb2.DatasetConfig) -> Iterator[Problem]:
    mapping = config.target_class_mapping
    yield from check_class_mapping(f"{_DATASET}.target_class_mapping", mapping, has_background=True)
    sources = {
        element_path(f"{_DATASET}.data_sources", index): source
        for index, source in enumerate(config.data_sources)
    }
    if config.HasField("validation_data_source"):
        sources[f"{_DATASET}.validation_data_source"] = config.validation_data_source
    for path, source in sources.items():
        if not source.tfrecords_path.strip():
            yield Problem(f"{path}.tfrecords_path", "is empty; name the records")


def _check_zoom(config: spec_pb2.SpatialAugmentation) -> Iterator[Problem]:
    zoom = spec_pb2.SpatialAugmentation(
        zoom_min=config.zoom_min or 1, zoom_max=config.zoom_max or 1
    )
    yield from check_order(zoom, "augmentation_config.spatial_augmentation", "zoom_min", "zoom_max")


# --- training ------------------------------------------------------------------------------


def _check_training(config: spec_pb2.TrainingConfig) -> Iterator[Problem]:
    for part in ("rpn", "classifier"):
        limits = (f"{part}_min_overlap", f"{part}_max_overlap")
        yield from check_order(config, _TRAINING, *limits, apart=True)
    path = f"{_TRAINING}.classifier_regr_std"
    yield from check_keys(path, config.classifier_regr_std, {"x", "y", "w", "h"}, "a box")
    regularizer = config.regularizer
    kind = RegularizerConfig.Type.Name(regularizer.type)
    yield from check_regularizer(f"{_TRAINING}.regularizer", kind, regularizer.weight)
    yield from check_early_stopping(_TRAINING, config)


def _check_optimizer(config: spec_pb2.TrainingConfig) -> Iterator[Problem]:
    if config.optimizer.WhichOneof("optimizer") is None:
        message = "names no optimiser; add sgd { ... }, adam { ... } or rmsprop { ... }"
        yield Problem(f"{_TRAINING}.optimizer", message)


def _check_schedule(config: spec_pb2.LearningRate) -> Iterator[Problem]:
    path = f"{_TRAINING}.learning_rate"
    name = config.WhichOneof("schedule")
    if name is None:
        yield Problem(path, "has no schedule; add soft_start { ... } or step { ... }")
    if name != "soft_start":
        return
    schedule, path = config.soft_start, f"{path}.soft_start"
    yield from check_order(schedule, path, "start_lr", "base_lr")
    points = [shortest(point) for point in schedule.annealing_points]
    start = shortest(schedule.soft_start)
    if points and points[0] <= start:
        message = f"{points[0]:g} is not behind the warm-up, which ends at soft_start, {start:g}"
        yield Problem(element_path(f"{path}.annealing_points", 0), message)
    yield from check_numbers(f"{path}.annealing_points", points, ascending=True)


# --- proposals and scores ------------------------------------------------------------------


def _check_proposals(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    for name in (_TRAINING, "inference_config", _EVALUATION):
        block = getattr(spec, name)
        yield from check_order(block, name, "rpn_nms_max_boxes", "rpn_pre_nms_top_N", apart=True)


def _check_iou_range(config: spec_pb2.EvaluationConfig) -> Iterator[Problem]:
    if config.HasField("gt_matching_iou_threshold_range"):
        name = "gt_matching_iou_threshold_range"
        limits = getattr(config, name)
        yield from check_order(limits, f"{_EVALUATION}.{name}", "start", "end", apart=True)
