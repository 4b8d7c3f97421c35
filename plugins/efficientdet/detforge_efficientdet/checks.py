"""What fields of a spec of EfficientDet have to agree on, each with the path of its field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec import parse_list
from detforge.spec.checks import (
    check_blocks,
    check_order,
    check_pairs,
    check_pattern,
    check_size,
)
from detforge.spec.floats import shortest
from detforge.spec.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge_efficientdet import spec_pb2

# The stem, seven stages and the top convolution of EfficientNet.
BLOCKS = range(9)

# The documented rule. The pyramid would take any size: each level is half of the one below,
# rounded up.
_SHORTEST_SIDE = 128
_DIVISOR = 32


def find_problems(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    """Find all disagreements in a checked spec."""
    yield from _training_problems(spec.training_config)
    size = parse_size(spec.dataset_config.image_size)
    place = "dataset_config.image_size"
    yield from check_size(place, size, least=_SHORTEST_SIDE, divisor=_DIVISOR)
    yield from _model_problems(spec.model_config)
    scales = ("random_crop_min_scale", "random_crop_max_scale")
    yield from check_order(spec.augmentation_config, "augmentation_config", *scales)


def find_warnings(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    """Find what a spec without problems hardly means."""
    training = spec.training_config
    start, peak = shortest(training.lr_warmup_init), shortest(training.learning_rate)
    if training.lr_warmup_epoch and start > peak:
        message = f"{start:g} is more than learning_rate, which is {peak:g}"
        yield Problem("training_config.lr_warmup_init", f"{message}: the warm-up lowers it")
    pruned = training.pruned_model_path
    if pruned and training.checkpoint not in ("", pruned):
        message = "has no effect: training_config.pruned_model_path is given too, and wins"
        yield Problem("training_config.checkpoint", message)
    cycle = spec.eval_config.eval_epoch_cycle
    if spec.dataset_config.validation_file_pattern and cycle > training.num_epochs:
        message = f"{cycle} is more than num_epochs, which is {training.num_epochs}"
        yield Problem("eval_config.eval_epoch_cycle", f"{message}: only the last epoch is scored")


def _training_problems(config: spec_pb2.TrainingConfig) -> Iterator[Problem]:
    block = "training_config"
    images, batch = config.num_examples_per_epoch, config.train_batch_size
    if 0 < images < batch:
        message = f"{images} is less than train_batch_size, which is {batch}: that fills no batch"
        yield Problem(f"{block}.num_examples_per_epoch", message)
    warmup = shortest(config.lr_warmup_epoch)
    if warmup >= config.num_epochs:
        message = f"{warmup:g} is not below num_epochs, which is {config.num_epochs}"
        message += ": the warm-up would not end"
        yield Problem(f"{block}.lr_warmup_epoch", message)
    pattern = config.skip_checkpoint_variables
    yield from check_pattern(f"{block}.skip_checkpoint_variables", pattern)


def _model_problems(config: spec_pb2.ModelConfig) -> Iterator[Problem]:
    block = "model_config"
    frozen = parse_list(config.freeze_blocks)
    yield from check_blocks(f"{block}.freeze_blocks", frozen, BLOCKS, "EfficientNet")
    ratios = parse_list(config.aspect_ratios)
    yield from check_pairs(f"{block}.aspect_ratios", ratios, "[(1.0, 1.0), (1.4, 0.7)]")
