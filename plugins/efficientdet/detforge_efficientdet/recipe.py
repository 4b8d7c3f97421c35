"""From EfficientDet's spec to the core's recipe.

The class head is a sigmoid for each class and has no background channel: channel n is the category
id n + 1 of the annotations.
"""

from __future__ import annotations

from dataclasses import replace
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
    ScaleJitter,
    Sgd,
    Start,
    WarmupCosine,
)
from detforge.spec import parse_numbers, parse_size
from detforge.spec.floats import shortest
from detforge_efficientdet.checks import BLOCKS, find_problems, find_warnings

if TYPE_CHECKING:
    from detforge.recipe import Transform
    from detforge_efficientdet import spec_pb2


def to_recipe(spec: spec_pb2.Experiment) -> Recipe:
    """Return the recipe.

    Raises:
        SpecError: fields disagree; carries every problem with the path of its field.
    """
    if problems := list(find_problems(spec)):
        raise SpecError(problems)
    training, dataset = spec.training_config, spec.dataset_config
    name = spec.model_config.model_name.replace("-", "_")
    return Recipe(
        classes=_classes(dataset),
        input=InputFormat.of_imagenet(*parse_size(dataset.image_size)),
        data=_data(training, dataset),
        checkpoints=Checkpoints(name=name, interval=training.checkpoint_period),
        schedule=_schedule(training),
        epochs=training.num_epochs,
        augmentation=_augmentation(spec.augmentation_config),
        optimizer=Sgd(momentum=shortest(training.momentum)),
        regularizer=_regularizer(training),
        freeze=_freeze(spec.model_config),
        evaluation=_evaluation(spec.eval_config),
        inference=Inference(
            score_threshold=shortest(spec.eval_config.min_score_thresh),
            batch_size=spec.eval_config.eval_batch_size,
        ),
        seed=training.tf_random_seed,
        start=Start.of_first(
            weights=training.checkpoint,
            pruned=training.pruned_model_path,
            skip_weights=training.skip_checkpoint_variables,
        ),
        mixed_precision=training.amp,
        gradient_clip_norm=shortest(training.clip_gradients_norm),
        averaging_decay=shortest(training.moving_average_decay),
        warnings=tuple(find_warnings(spec)),
    )


def _classes(config: spec_pb2.DatasetConfig) -> Classes:
    return replace(Classes.of_category_ids(config.num_classes - 1), background="none")


def _data(training: spec_pb2.TrainingConfig, config: spec_pb2.DatasetConfig) -> Data:
    return Data(
        training=DataSource.of_pattern(
            config.training_file_pattern, "dataset_config.training_file_pattern"
        ),
        validation=DataSource.of_pattern(
            config.validation_file_pattern,
            "dataset_config.validation_file_pattern",
            config.validation_json_file,
        ),
        batch_size=training.train_batch_size,
        skip_crowd=config.skip_crowd_during_training,
        max_objects=config.max_instances_per_image,
        images_per_epoch=training.num_examples_per_epoch,
    )


def _schedule(config: spec_pb2.TrainingConfig) -> WarmupCosine:
    return WarmupCosine(
        start_learning_rate=shortest(config.lr_warmup_init),
        learning_rate=shortest(config.learning_rate),
        warmup_epochs=shortest(config.lr_warmup_epoch),
    )


def _augmentation(config: spec_pb2.AugmentationConfig) -> tuple[Transform, ...]:
    """Return the random changes in their order, without those switched off."""
    jitter = ScaleJitter(
        min_scale=shortest(config.random_crop_min_scale),
        max_scale=shortest(config.random_crop_max_scale),
    )
    steps: tuple[tuple[Transform, bool], ...] = (
        (HorizontalFlip(probability=0.5), config.rand_hflip),
        (jitter, (jitter.min_scale, jitter.max_scale) != (1, 1)),
    )
    return tuple(step for step, is_on in steps if is_on)


def _regularizer(config: spec_pb2.TrainingConfig) -> Regularizer:
    """Return both penalties; an L2 decay of w means ``w / 2 * sum k^2``."""
    l1, l2 = shortest(config.l1_weight_decay), shortest(config.l2_weight_decay)
    return Regularizer.of_weights(l1=l1, l2=l2 / 2)


def _freeze(config: spec_pb2.ModelConfig) -> Freeze:
    """Return what does not train; the top convolution is no part of a detector."""
    blocks = map(int, parse_numbers(config.freeze_blocks))
    return Freeze(
        blocks=tuple(block for block in blocks if block != BLOCKS[-1]),
        batch_norm=config.freeze_bn,
        field="model_config.freeze_blocks",
    )


def _evaluation(config: spec_pb2.EvalConfig) -> Evaluation:
    return Evaluation(
        period=config.eval_epoch_cycle,
        batch_size=config.eval_batch_size,
        mode="coco",
        score_threshold=0.0,  # average precision wants the whole curve
        images=config.eval_samples,
    )
