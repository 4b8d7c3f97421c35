"""Fields of a spec of EfficientDet that do not agree: all of them are named at once."""

from __future__ import annotations

import pytest

from tests.efficientdet.specs import problems, spec_text, warnings


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("500,512", "the height, 500, is no multiple of 32; use 480 or 512"),
        ("512,500", "the width, 500, is no multiple of 32; use 480 or 512"),
        ("500x512", "the width, 500, is no multiple of 32; use 480 or 512"),
        ("96,512", "the height, 96, is too small; use at least 128 px"),
        ("512,0", "the width, 0, is too small; use at least 128 px"),
    ],
)
def test_input_is_of_multiples_of_32_from_128_on(size, message):
    assert problems(spec_text(dataset=f'image_size: "{size}"')) == [
        f"dataset_config.image_size: {message}"
    ]


@pytest.mark.parametrize("size", ["128", "544,960", "512x640"])
def test_input_need_not_be_a_multiple_of_the_coarsest_stride(size):
    assert problems(spec_text(dataset=f'image_size: "{size}"')) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("num_epochs: 6", None),
        ("num_epochs: 5", "5 is not below num_epochs, which is 5: the warm-up would not end"),
        (
            "num_epochs: 2 lr_warmup_epoch: 2.5",
            "2.5 is not below num_epochs, which is 2: the warm-up would not end",
        ),
        ("num_epochs: 1 lr_warmup_epoch: 0", None),
        ("num_epochs: 1 lr_warmup_epoch: 0.5", None),
    ],
)
def test_warm_up_ends_within_the_run(fields, expected):
    found = problems(spec_text(training=fields))
    assert found == ([f"training_config.lr_warmup_epoch: {expected}"] if expected else [])


def test_epoch_holds_a_batch():
    fields = "num_examples_per_epoch: {} train_batch_size: 16"
    assert problems(spec_text(training=fields.format(15))) == [
        "training_config.num_examples_per_epoch: 15 is less than train_batch_size, which is 16: "
        "that fills no batch"
    ]
    assert problems(spec_text(training=fields.format(16))) == []
    assert problems(spec_text(training=fields.format(0))) == []


def test_pattern_of_weights_to_skip_compiles():
    (problem,) = problems(spec_text(training='skip_checkpoint_variables: "*predict*"'))
    assert problem == (
        'training_config.skip_checkpoint_variables: "*predict*" is no regular expression: nothing '
        'to repeat at position 0; ".*" stands for any text'
    )


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (
            'freeze_blocks: "[0, 9]"',
            "freeze_blocks[1]: EfficientNet has no block 9; its blocks are 0 to 8",
        ),
        (
            'freeze_blocks: "[0.5]"',
            "freeze_blocks[0]: EfficientNet has no block 0.5; its blocks are 0 to 8",
        ),
        (
            'freeze_blocks: "[-1]"',
            "freeze_blocks[0]: EfficientNet has no block -1; its blocks are 0 to 8",
        ),
        (
            'aspect_ratios: "[1.0, 2.0, 0.5]"',
            "aspect_ratios[0]: 1 is not a pair; write a list such as [(1.0, 1.0), (1.4, 0.7)]",
        ),
        (
            'aspect_ratios: "(1.0, 1.0)"',
            "aspect_ratios[0]: 1 is not a pair; write a list such as [(1.0, 1.0), (1.4, 0.7)]",
        ),
        (
            'aspect_ratios: "[]"',
            "aspect_ratios: is empty; write a list of pairs such as [(1.0, 1.0), (1.4, 0.7)]",
        ),
    ],
)
def test_lists_of_the_model_hold_what_they_should(field, expected):
    assert problems(spec_text(rest=f"model_config {{ {field} }}")) == [f"model_config.{expected}"]


def test_scales_are_in_order():
    fields = "random_crop_min_scale: 0.9 random_crop_max_scale: 0.5"
    assert problems(spec_text(rest=f"augmentation_config {{ {fields} }}")) == [
        "augmentation_config.random_crop_min_scale: 0.9 is more than random_crop_max_scale, which "
        "is 0.5; swap or change them"
    ]


def test_all_disagreements_are_named_at_once():
    found = problems(
        spec_text(
            training='num_epochs: 2 num_examples_per_epoch: 1 skip_checkpoint_variables: "("',
            dataset='image_size: "100"',
            rest='model_config { freeze_blocks: "[9]" aspect_ratios: "[1]" }\n'
            "augmentation_config { random_crop_min_scale: 3 }",
        )
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "training_config.num_examples_per_epoch",
        "training_config.lr_warmup_epoch",
        "training_config.skip_checkpoint_variables",
        "dataset_config.image_size",
        "dataset_config.image_size",
        "model_config.freeze_blocks[0]",
        "model_config.aspect_ratios[0]",
        "augmentation_config.random_crop_min_scale",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            spec_text(training="lr_warmup_init: 0.2"),
            "training_config.lr_warmup_init: 0.2 is more than learning_rate, which is 0.1: the "
            "warm-up lowers it",
        ),
        (spec_text(training="lr_warmup_init: 0.2 lr_warmup_epoch: 0"), None),
        (
            spec_text(training="num_epochs: 8", dataset='validation_file_pattern: "v"'),
            "eval_config.eval_epoch_cycle: 10 is more than num_epochs, which is 8: only the last "
            "epoch is scored",
        ),
        (spec_text(training="num_epochs: 8"), None),
        (
            spec_text(training='checkpoint: "b0.hdf5" pruned_model_path: "pruned"'),
            "training_config.checkpoint: has no effect: training_config.pruned_model_path is given "
            "too, and wins",
        ),
        (spec_text(training='checkpoint: "pruned" pruned_model_path: "pruned"'), None),
    ],
    ids=["falls", "no warm-up", "cycle", "no validation", "two models", "one model"],
)
def test_what_is_hardly_meant_is_a_warning(text, expected):
    assert warnings(text) == ([expected] if expected else [])
