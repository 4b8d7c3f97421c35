"""The spec of Mask R-CNN in the core's terms."""

from __future__ import annotations

import pytest

from detforge.recipe import (
    Data,
    DataSource,
    Evaluation,
    Freeze,
    HorizontalFlip,
    Regularizer,
    Sgd,
    Start,
    WarmupSteps,
)
from tests.mask_rcnn.specs import recipe, spec_text, warnings

STEPS = "total_steps: 1000"


def test_channel_of_the_head_is_the_category_id_behind_the_background():
    classes = recipe(spec_text(data="num_classes: 91")).classes
    assert classes.channels == 91
    assert classes.background == "first"
    assert classes.by_category_id
    assert classes.label("1") == 0
    assert classes.names[-1] == "90"


def test_pixels_enter_as_the_pretrained_weights_expect():
    image = recipe(spec_text()).input
    assert (image.height, image.width, image.resize) == (832, 1344, "fit")
    assert (image.color_order, image.mean) == ("rgb", (123.675, 116.28, 103.53))
    assert image.scale == pytest.approx((0.017507,) * 3, abs=1e-7)


def test_data_are_records_with_their_annotations():
    text = spec_text(
        data='num_classes: 4 training_file_pattern: "a*" validation_file_pattern: "b*" '
        'val_json_file: "c.json" n_workers: 3 prefetch_buffer_size: 2 max_num_instances: 50 '
        "skip_crowd_during_training: false",
        model="gt_mask_size: 56",
        top=f"{STEPS} train_batch_size: 2",
    )
    assert recipe(text).data == Data(
        training=(DataSource(records="a*", field="data_config.training_file_pattern"),),
        validation=(
            DataSource(
                records="b*", annotations="c.json", field="data_config.validation_file_pattern"
            ),
        ),
        batch_size=2,
        mask_size=56,
        workers=3,
        max_queue_size=2,
        skip_crowd=False,
        max_objects=50,
    )


@pytest.mark.parametrize(
    "data",
    ["num_classes: 4", "num_classes: 4 n_workers: 0 prefetch_buffer_size: 0 max_num_instances: 0"],
    ids=["absent", "zero"],
)
def test_zero_means_the_documented_number(data):
    found = recipe(spec_text(data=data)).data
    assert (found.workers, found.max_queue_size, found.max_objects) == (16, 8, 200)


def test_spec_without_data_still_serves_export_and_inference():
    found = recipe(spec_text()).data
    assert (found.training, found.validation) == ((), ())


def test_annotations_alone_still_name_the_classes():
    (source,) = recipe(spec_text(data='num_classes: 4 val_json_file: "c.json"')).data.validation
    assert (source.records, source.annotations) == (None, "c.json")


@pytest.mark.parametrize(
    ("field", "expected"),
    [("", (HorizontalFlip(probability=0.5),)), ("augment_input_data: false", ())],
    ids=["absent", "false"],
)
def test_augmentation_is_one_flip_or_none(field, expected):
    assert recipe(spec_text(data=f"num_classes: 4 {field}")).augmentation == expected


def test_schedule_holds_levels_of_the_initial_rate():
    text = spec_text(
        'total_steps: 120000 warmup_steps: 500 learning_rate_steps: "[60000, 80000]" '
        'learning_rate_decay_levels: "[0.1, 0.02]" init_learning_rate: 0.01 '
        "warmup_learning_rate: 0.001"
    )
    assert recipe(text).schedule == WarmupSteps(
        start_learning_rate=0.001,
        learning_rate=0.01,
        warmup_steps=500,
        boundaries=(60000, 80000),
        levels=(0.1, 0.02),
    )


@pytest.mark.parametrize(
    "top",
    [
        "",
        'learning_rate_steps: "[]" learning_rate_decay_levels: "[]"',
        'learning_rate_steps: "" learning_rate_decay_levels: ""',
        "learning_rate_decay_levels: []",
    ],
    ids=["absent", "lists", "texts", "unquoted"],
)
def test_rate_without_levels_is_constant(top):
    schedule = recipe(spec_text(f"{STEPS} {top}")).schedule
    assert (schedule.boundaries, schedule.levels) == ((), ())
    assert warnings(spec_text(f"{STEPS} {top}")) == []


@pytest.mark.parametrize(
    "levels", ["", '""', '"[]"', '"( )"'], ids=["absent", "text", "list", "tuple"]
)
def test_steps_without_levels_keep_the_rate_constant_and_say_so(levels):
    levels = levels and f"learning_rate_decay_levels: {levels}"
    text = spec_text(f'{STEPS} learning_rate_steps: "[60, 80]" {levels}')
    assert recipe(text).schedule.boundaries == ()
    assert warnings(text) == [
        "learning_rate_steps: has no effect: learning_rate_decay_levels is empty"
    ]


def test_step_behind_the_end_of_the_run_is_a_warning():
    text = spec_text(
        f'{STEPS} learning_rate_steps: "[600, 60000]" learning_rate_decay_levels: "[0.1, 0.01]"'
    )
    assert warnings(text) == [
        "learning_rate_steps[1]: 60000 has no effect: the run ends after 1000 steps"
    ]


@pytest.mark.parametrize(
    ("top", "steps", "epochs", "images_per_epoch"),
    [
        ("total_steps: 500", 500, 0, 0),
        ("num_epochs: 3 num_examples_per_epoch: 10 train_batch_size: 4", 8, 3, 10),
        ("num_epochs: 2 num_examples_per_epoch: 118288 train_batch_size: 2", 118288, 2, 118288),
        ("num_epochs: 3", 0, 3, 0),
    ],
    ids=["steps", "rounded up", "epochs", "epochs of the records"],
)
def test_run_is_as_long_as_steps_or_epochs_say(top, steps, epochs, images_per_epoch):
    found = recipe(spec_text(top))
    assert (found.steps, found.epochs) == (steps, epochs)
    assert found.data.images_per_epoch == images_per_epoch


def test_epochs_win_over_steps_with_a_warning():
    text = spec_text("total_steps: 9 num_epochs: 3 num_examples_per_epoch: 10 train_batch_size: 1")
    assert recipe(text).steps == 30
    assert warnings(text) == ["total_steps: has no effect: num_epochs is given too, and wins"]


def test_images_per_epoch_without_epochs_are_a_warning():
    text = spec_text(f"{STEPS} num_examples_per_epoch: 118288")
    assert recipe(text).data.images_per_epoch == 0
    assert warnings(text) == ["num_examples_per_epoch: has no effect: num_epochs is 0"]


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("", Regularizer(kind="l1_l2", weight=0.5e-4)),
        (
            "l2_weight_decay: 4e-5 l1_weight_decay: 2e-4",
            Regularizer(kind="l1_l2", weight=2e-5, l1_weight=1e-4),
        ),
        ("l1_weight_decay: 0.0 l2_weight_decay: 0.0", Regularizer()),
    ],
    ids=["default", "both", "off"],
)
def test_weight_decay_is_a_factor_of_half_the_sum(top, expected):
    assert recipe(spec_text(f"{STEPS} {top}")).regularizer == expected


def test_checkpoints_and_scores_come_every_so_many_steps():
    found = recipe(
        spec_text(f"{STEPS} eval_batch_size: 3", data="num_classes: 4 eval_samples: 500")
    )
    assert (found.checkpoints.name, found.checkpoints.interval_steps) == ("model", 100)
    assert found.evaluation == Evaluation(
        batch_size=3, mode="coco", score_threshold=0.0, period_steps=100, images=500
    )
    assert (found.inference.batch_size, found.inference.score_threshold) == (3, 0.6)


def test_start_names_the_weights_and_what_of_them_is_left_out():
    text = spec_text(f'{STEPS} checkpoint: "a.hdf5" skip_checkpoint_variables: "head"')
    assert recipe(text).start == Start(weights="a.hdf5", skip_weights="head")


def test_pruned_model_wins_over_the_checkpoint_with_a_warning():
    text = spec_text(f'{STEPS} checkpoint: "a.hdf5" pruned_model_path: "b.tlt"')
    assert recipe(text).start == Start(pruned="b.tlt")
    assert warnings(text) == ["checkpoint: has no effect: pruned_model_path is given too, and wins"]


def test_other_fields_of_the_top_level_arrive():
    found = recipe(
        spec_text(f"{STEPS} seed: 7 momentum: 0.8 use_amp: True global_gradient_clip_ratio: 2.5")
    )
    assert (found.seed, found.mixed_precision, found.gradient_clip_norm) == (7, True, 2.5)
    assert found.optimizer == Sgd(momentum=0.8)


def test_frozen_blocks_and_statistics_arrive():
    found = recipe(spec_text(model='freeze_bn: True freeze_blocks: "[0,1]"'))
    assert found.freeze == Freeze(
        blocks=(0, 1), batch_norm=True, field="maskrcnn_config.freeze_blocks"
    )
