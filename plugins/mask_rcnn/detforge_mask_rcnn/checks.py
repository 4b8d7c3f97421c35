"""What the fields of a spec of Mask R-CNN have to agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec import parse_list, parse_numbers, parse_size
from detforge.spec.checks import (
    check_blocks,
    check_length,
    check_numbers,
    check_order,
    check_pairs,
    check_pattern,
    check_size,
)
from detforge.spec.fields import element_path, join, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge_mask_rcnn import spec_pb2

_CONFIG = "maskrcnn_config"
# Kept here so that a mistake shows before Keras loads; `find_backbone` has the last word.
_DEPTHS = (10, 18, 34, 50, 101)
_BLOCKS = range(5)
_SHORTEST_SIDE = 128


def find_problems(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    """Find all disagreements in a checked spec."""
    yield from _data_problems(spec)
    yield from _length_problems(spec)
    yield from _schedule_problems(spec)
    yield from check_pattern("skip_checkpoint_variables", spec.skip_checkpoint_variables)
    yield from _backbone_problems(spec.maskrcnn_config)
    yield from _anchor_problems(spec.maskrcnn_config)
    yield from _region_problems(spec.maskrcnn_config)
    yield from _head_problems(spec.maskrcnn_config)


def find_warnings(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    """Find what has no effect in a spec without problems."""
    path, steps = "learning_rate_steps", parse_numbers(spec.learning_rate_steps)
    if steps and not parse_numbers(spec.learning_rate_decay_levels):
        yield Problem(path, "has no effect: learning_rate_decay_levels is empty")
        return
    length = run_steps(spec)
    for index, step in enumerate(steps):
        if 0 < length <= step:
            message = f"{step:.15g} has no effect: the run ends after {length} steps"
            yield Problem(element_path(path, index), message)


def run_steps(spec: spec_pb2.Experiment) -> int:
    """Return the length of the run in training steps, 0 for `num_epochs` over all the records."""
    if not spec.num_epochs:
        return spec.total_steps
    return -(-spec.num_epochs * spec.num_examples_per_epoch // spec.train_batch_size)


def _data_problems(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    yield from check_size(
        "data_config.image_size",
        parse_size(spec.data_config.image_size),
        least=_SHORTEST_SIDE,
        divisor=2**spec.maskrcnn_config.max_level,
        reason="2^max_level",
    )


def _length_problems(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    if not (spec.num_epochs or spec.total_steps):
        message = "the length of the run is missing; give total_steps, or num_epochs"
        yield Problem("total_steps", message)
    length = run_steps(spec)
    if length and spec.warmup_steps > length:
        message = f"{spec.warmup_steps} steps of warm-up do not fit into a run of {length}"
        yield Problem("warmup_steps", f"{message}; use fewer")


def _schedule_problems(spec: spec_pb2.Experiment) -> Iterator[Problem]:
    steps = parse_list(spec.learning_rate_steps)
    levels = parse_list(spec.learning_rate_decay_levels)
    wrong = [
        *check_numbers("learning_rate_steps", steps, whole=True, ascending=True),
        *check_numbers("learning_rate_decay_levels", levels),
    ]
    yield from wrong
    if levels:
        reason = "one for each of learning_rate_steps"
        yield from check_length("learning_rate_decay_levels", levels, len(steps), reason)
    if wrong or not (levels and steps):
        return
    first, *_ = parse_numbers(spec.learning_rate_steps)
    if spec.warmup_steps > first:
        message = f"{spec.warmup_steps} lies behind the first of learning_rate_steps"
        yield Problem("warmup_steps", f"{message}, {first:.15g}; use less")


def _backbone_problems(config: spec_pb2.MaskRcnnConfig) -> Iterator[Problem]:
    if config.nlayers not in _DEPTHS:
        message = f"{config.arch} has no depth {config.nlayers}; use {listing(map(str, _DEPTHS))}"
        yield Problem(f"{_CONFIG}.nlayers", message)
    blocks = parse_list(config.freeze_blocks)
    yield from check_blocks(f"{_CONFIG}.freeze_blocks", blocks, _BLOCKS, config.arch)


def _anchor_problems(config: spec_pb2.MaskRcnnConfig) -> Iterator[Problem]:
    yield from check_order(config, _CONFIG, "min_level", "max_level")
    ratios = parse_list(config.aspect_ratios)
    yield from check_pairs(f"{_CONFIG}.aspect_ratios", ratios, "[(1.0, 1.0), (1.4, 0.7)]")


def _region_problems(config: spec_pb2.MaskRcnnConfig) -> Iterator[Problem]:
    yield from check_order(config, _CONFIG, "rpn_negative_overlap", "rpn_positive_overlap")
    yield from check_order(config, _CONFIG, "bg_thresh_lo", "bg_thresh_hi", apart=True)
    yield from check_order(config, _CONFIG, "bg_thresh_hi", "fg_thresh")
    yield from _proposal_problems(config, "train_rpn_{}_nms_topn")
    yield from _proposal_problems(config, "test_rpn_{}_nms_topn")


def _proposal_problems(config: spec_pb2.MaskRcnnConfig, names: str) -> Iterator[Problem]:
    """Find more proposals than can come out of NMS: each level sends its own share in."""
    before, after = names.format("pre"), names.format("post")
    levels = config.max_level - config.min_level + 1
    most = getattr(config, before) * levels
    if levels > 0 and getattr(config, after) > most:
        message = f"{getattr(config, after)} is more than {before} of {levels} levels, {most}"
        yield Problem(join(_CONFIG, after), f"{message}; lower it, or raise {before}")


def _head_problems(config: spec_pb2.MaskRcnnConfig) -> Iterator[Problem]:
    path = f"{_CONFIG}.bbox_reg_weights"
    weights = parse_list(config.bbox_reg_weights)
    yield from check_numbers(path, weights)
    yield from check_length(path, weights, 4, "for dy, dx, dh and dw")
    if spare := config.mrcnn_resolution % 4:
        below = config.mrcnn_resolution - spare
        message = f"{config.mrcnn_resolution} is no multiple of 4; use {below} or {below + 4}"
        yield Problem(f"{_CONFIG}.mrcnn_resolution", message)
    if not config.include_mask:
        message = "false is not supported: this detector always predicts masks; remove it"
        yield Problem(f"{_CONFIG}.include_mask", message)
