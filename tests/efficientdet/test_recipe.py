"""What the recipe of EfficientDet says of a spec."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.recipe import (
    Checkpoints,
    Data,
    DataSource,
    Evaluation,
    Freeze,
    HorizontalFlip,
    Inference,
    Regularizer,
    ScaleJitter,
    Start,
    WarmupCosine,
)
from tests.efficientdet.specs import recipe, spec_text


def test_channel_of_the_head_is_the_category_id_less_one_and_there_is_no_background():
    classes = recipe(spec_text().replace("num_classes: 4", "num_classes: 91")).classes
    assert classes.background == "none"
    assert classes.by_category_id
    assert classes.channels == 90
    assert (classes.label("1"), classes.label("90"), classes.label("0")) == (0, 89, None)


def test_black_enters_the_network_as_in_deployed_models():
    pixels = recipe(spec_text()).input
    assert pixels.color_order == "rgb"
    assert pixels.resize == "fit"
    black = [-mean * scale for mean, scale in zip(pixels.mean, pixels.scale, strict=True)]
    assert black == pytest.approx([-2.1651785, -2.0357141, -1.8124998], abs=1e-6)


def test_records_and_annotations_become_sources_that_know_their_fields():
    text = spec_text(
        training="train_batch_size: 4 num_examples_per_epoch: 14700",
        dataset='training_file_pattern: "train-*" validation_file_pattern: "val-*" '
        'validation_json_file: "val.json" max_instances_per_image: 30 '
        "skip_crowd_during_training: false",
    )
    assert recipe(text).data == Data(
        training=(DataSource(records="train-*", field="dataset_config.training_file_pattern"),),
        validation=(
            DataSource(
                records="val-*",
                annotations="val.json",
                field="dataset_config.validation_file_pattern",
            ),
        ),
        batch_size=4,
        max_objects=30,
        images_per_epoch=14700,
    )


def test_spec_without_data_serves_inference_and_export():
    data = recipe(spec_text()).data
    assert (data.training, data.validation, data.skip_crowd) == ((), (), True)


def test_annotations_without_records_still_name_the_classes():
    (source,) = recipe(spec_text(dataset='validation_json_file: "val.json"')).data.validation
    assert (source.records, source.annotations) == (None, "val.json")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", (ScaleJitter(min_scale=0.1, max_scale=2.0),)),
        (
            "rand_hflip: True",
            (HorizontalFlip(probability=0.5), ScaleJitter(min_scale=0.1, max_scale=2.0)),
        ),
        ("random_crop_min_scale: 1 random_crop_max_scale: 1", ()),
        ("random_crop_min_scale: 2", (ScaleJitter(min_scale=2.0, max_scale=2.0),)),
    ],
    ids=["absent", "flip", "off", "fixed"],
)
def test_augmentation_is_a_flip_and_a_change_of_scale(fields, expected):
    assert recipe(spec_text(rest=f"augmentation_config {{ {fields} }}")).augmentation == expected
    if not fields:
        assert recipe(spec_text()).augmentation == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", Regularizer()),
        ("l1_weight_decay: 0.0 l2_weight_decay: 0.0", Regularizer()),
        ("l2_weight_decay: 0.00004", Regularizer(kind="l1_l2", weight=0.00002)),
        ("l1_weight_decay: 0.001", Regularizer(kind="l1_l2", l1_weight=0.001)),
        (
            "l1_weight_decay: 0.001 l2_weight_decay: 0.5",
            Regularizer(kind="l1_l2", weight=0.25, l1_weight=0.001),
        ),
    ],
    ids=["absent", "zero", "l2", "l1", "both"],
)
def test_l2_decay_is_of_half_the_squares_and_l1_decay_of_absolute_values(fields, expected):
    assert recipe(spec_text(training=fields)).regularizer == expected


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ("", ()),
        ('freeze_blocks: ""', ()),
        ('freeze_blocks: "[]"', ()),
        ('freeze_blocks: "[0]"', (0,)),
        ('freeze_blocks: "0"', (0,)),
        ('freeze_blocks: "(0, 1, 2)"', (0, 1, 2)),
        ("freeze_blocks: [0, 7]", (0, 7)),
        ('freeze_blocks: "[0, 1, 2, 3, 4, 5, 6, 7, 8]"', (0, 1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_frozen_blocks_are_those_that_a_detector_has(blocks, expected):
    freeze = recipe(spec_text(rest=f"model_config {{ freeze_bn: true {blocks} }}")).freeze
    assert freeze == Freeze(blocks=expected, batch_norm=True, field="model_config.freeze_blocks")


def test_average_precision_sees_all_detections_and_inference_those_above_the_threshold():
    fields = "eval_epoch_cycle: 5 eval_batch_size: 2 eval_samples: 50 min_score_thresh: 0.4"
    found = recipe(spec_text(rest=f"eval_config {{ {fields} }}"))
    assert found.evaluation == Evaluation(
        period=5, batch_size=2, mode="coco", score_threshold=0.0, images=50
    )
    assert found.inference == Inference(score_threshold=0.4, batch_size=2)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", Start()),
        ('checkpoint: "b0.hdf5"', Start(weights="b0.hdf5")),
        ('pruned_model_path: "p"', Start(pruned="p")),
        ('checkpoint: "p" pruned_model_path: "p"', Start(pruned="p")),
        ('checkpoint: "b0" pruned_model_path: "p"', Start(pruned="p")),
        (
            'checkpoint: "m" skip_checkpoint_variables: "-predict*"',
            Start(weights="m", skip_weights="-predict*"),
        ),
    ],
    ids=["absent", "weights", "pruned", "same", "both", "skip"],
)
def test_pruned_model_brings_its_weights_along(fields, expected):
    assert recipe(spec_text(training=fields)).start == expected


def test_clipping_is_switched_off_by_zero():
    assert recipe(spec_text()).gradient_clip_norm == 5
    assert recipe(spec_text(training="clip_gradients_norm: 0")).gradient_clip_norm == 0


def test_checkpoints_and_scores_have_their_own_periods():
    found = recipe(
        spec_text(training="checkpoint_period: 2", rest="eval_config { eval_epoch_cycle: 7 }")
    )
    assert found.checkpoints == Checkpoints(name="efficientdet_d0", interval=2)
    assert found.evaluation.period == 7


def thousandths(least: int, most: int) -> st.SearchStrategy[float]:
    """Return numbers that a float field holds as they are written."""
    return st.integers(least, most).map(lambda number: number / 1000)


@settings(max_examples=60)
@given(
    rate=thousandths(1, 2000),
    start=thousandths(0, 999),
    warmup=thousandths(0, 9999),
    epochs=st.integers(10, 1000),
    momentum=thousandths(0, 999),
    decay=thousandths(0, 999),
    norm=thousandths(0, 9000),
    seed=st.integers(0, 2**32 - 1),
    amp=st.booleans(),
)
def test_values_of_the_training_block_arrive(
    rate, start, warmup, epochs, momentum, decay, norm, seed, amp
):
    fields = {
        "learning_rate": rate,
        "lr_warmup_init": start,
        "lr_warmup_epoch": warmup,
        "num_epochs": epochs,
        "momentum": momentum,
        "moving_average_decay": decay,
        "clip_gradients_norm": norm,
        "tf_random_seed": seed,
        "amp": amp,
    }
    written = " ".join(f"{name}: {value}" for name, value in fields.items())
    found = recipe(f"training_config {{ {written} }} dataset_config {{ num_classes: 4 }}")
    assert found.schedule == WarmupCosine(
        start_learning_rate=start, learning_rate=rate, warmup_epochs=warmup
    )
    assert (found.epochs, found.seed, found.mixed_precision) == (epochs, seed, amp)
    assert found.optimizer.momentum == momentum
    assert (found.averaging_decay, found.gradient_clip_norm) == (decay, norm)


@settings(max_examples=60)
@given(
    height=st.integers(4, 80).map(lambda number: 32 * number),
    width=st.integers(4, 80).map(lambda number: 32 * number),
    form=st.sampled_from(['"{h},{w}"', '"({h}, {w})"', '"[{h},{w}]"', '"{w}x{h}"', "{h}, {w}"]),
    classes=st.integers(2, 2000),
    objects=st.integers(1, 5000),
    low=thousandths(1, 5000),
    more=thousandths(0, 5000),
)
def test_values_of_the_other_blocks_arrive(height, width, form, classes, objects, low, more):
    high = round(low + more, 3)
    found = recipe(
        "training_config { learning_rate: 1 lr_warmup_init: 0 }"
        f"dataset_config {{ num_classes: {classes} image_size: {form.format(h=height, w=width)} "
        f"max_instances_per_image: {objects} }}"
        f"augmentation_config {{ random_crop_min_scale: {low} random_crop_max_scale: {high} }}"
    )
    assert (found.input.height, found.input.width) == (height, width)
    assert len(found.classes.names) == classes - 1
    assert found.data.max_objects == objects
    jitter = ScaleJitter(min_scale=low, max_scale=high)
    assert found.augmentation == (() if low == high == 1 else (jitter,))
