"""From the spec of Mask R-CNN to the core's recipe.

Zeros that the document defines ("0 means 16") end here. The background is channel 0 of the heads,
and channel n is the category id n of the annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import SpecError
from detforge.recipe import (
    Checkpoints,
    Classes,
    Data,
    DataSource,
    Evaluation,
    Freeze,
    HorizontalFlip,
    Inference,
    InputFormat,
    Recipe,
    Regularizer,
    Sgd,
    Start,
    WarmupSteps,
)
from detforge.spec import parse_numbers, parse_size
from detforge.spec.floats import shortest
from detforge_mask_rcnn.checks import find_problems, find_warnings, run_steps

if TYPE_CHECKING:
    from detforge_mask_rcnn import spec_pb2

_WORKERS = 16
_BATCHES_AHEAD = 8
_MAX_OBJECTS = 200


def to_recipe(spec: spec_pb2.Experiment) -> Recipe:
    """Return the recipe.

    Raises:
        SpecError: fields disagree; carries every problem with the path of its field.
    """
    if problems := list(find_problems(spec)):
        raise SpecError(problems)
    return Recipe(
        classes=Classes.of_category_ids(spec.data_config.num_classes - 1),
        input=InputFormat.of_imagenet(*parse_size(spec.data_config.image_size)),
        data=_data(spec),
        checkpoints=Checkpoints(name="model", interval_steps=spec.num_steps_per_eval),
        schedule=_schedule(spec),
        epochs=spec.num_epochs,
        steps=run_steps(spec),
        augmentation=_augmentation(spec.data_config),
        optimizer=Sgd(momentum=shortest(spec.momentum)),
        regularizer=_regularizer(spec),
        freeze=_freeze(spec.maskrcnn_config),
        evaluation=_evaluation(spec),
        inference=Inference(score_threshold=0.6, batch_size=spec.eval_batch_size),
        seed=spec.seed,
        start=Start.of_first(
            weights=spec.checkpoint,
            pruned=spec.pruned_model_path,
            skip_weights=spec.skip_checkpoint_variables,
        ),
        mixed_precision=spec.use_amp,
        gradient_clip_norm=shortest(spec.global_gradient_clip_ratio),
        warnings=tuple(find_warnings(spec)),
    )


def _data(spec: spec_pb2.Experiment) -> Data:
    config = spec.data_config
    return Data(
        training=DataSource.of_pattern(
            config.training_file_pattern, "data_config.training_file_pattern"
        ),
        validation=DataSource.of_pattern(
            config.validation_file_pattern,
            "data_config.validation_file_pattern",
            config.val_json_file,
        ),
        batch_size=spec.train_batch_size,
        mask_size=spec.maskrcnn_config.gt_mask_size,
        workers=config.n_workers or _WORKERS,
        max_queue_size=config.prefetch_buffer_size or _BATCHES_AHEAD,
        skip_crowd=config.skip_crowd_during_training,
        max_objects=config.max_num_instances or _MAX_OBJECTS,
        images_per_epoch=spec.num_examples_per_epoch if spec.num_epochs else 0,
    )


def _schedule(spec: spec_pb2.Experiment) -> WarmupSteps:
    levels = parse_numbers(spec.learning_rate_decay_levels)
    boundaries = parse_numbers(spec.learning_rate_steps) if levels else ()
    return WarmupSteps(
        start_learning_rate=shortest(spec.warmup_learning_rate),
        learning_rate=shortest(spec.init_learning_rate),
        warmup_steps=spec.warmup_steps,
        boundaries=tuple(map(int, boundaries)),
        levels=levels,
    )


def _augmentation(config: spec_pb2.DataConfig) -> tuple[HorizontalFlip, ...]:
    return (HorizontalFlip(probability=0.5),) if config.augment_input_data else ()


def _regularizer(spec: spec_pb2.Experiment) -> Regularizer:
    """Return both penalties; the document's factors are those of half a sum."""
    l1, l2 = shortest(spec.l1_weight_decay), shortest(spec.l2_weight_decay)
    return Regularizer.of_weights(l1=l1 / 2, l2=l2 / 2)


def _freeze(config: spec_pb2.MaskRcnnConfig) -> Freeze:
    return Freeze(
        blocks=tuple(map(int, parse_numbers(config.freeze_blocks))),
        batch_norm=config.freeze_bn,
        field="maskrcnn_config.freeze_blocks",
    )


def _evaluation(spec: spec_pb2.Experiment) -> Evaluation:
    return Evaluation(
        batch_size=spec.eval_batch_size,
        mode="coco",
        score_threshold=0.0,
        period_steps=spec.num_steps_per_eval,
        images=spec.data_config.eval_samples,
    )
