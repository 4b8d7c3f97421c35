"""The schema against the table of the document: names, defaults, other spellings."""

from __future__ import annotations

import pytest

from detforge.spec import check_schema
from detforge.spec.floats import shortest
from detforge.spec.outline import entries
from detforge_mask_rcnn import spec_pb2
from tests.mask_rcnn.specs import problems, read, recipe, spec_text, warnings

# Typical values as the document has them; where it has none, or the sample contradicts the table
# (l1_weight_decay), what TAO's own table says.
DEFAULTS = {
    "seed": 123,
    "warmup_steps": 0,
    "warmup_learning_rate": 0.0001,
    "init_learning_rate": 0.02,
    "learning_rate_steps": "[]",
    "learning_rate_decay_levels": "[]",
    "train_batch_size": 4,
    "eval_batch_size": 8,
    "momentum": 0.9,
    "l1_weight_decay": 0.0,
    "l2_weight_decay": 0.0001,
    "use_amp": False,
    "checkpoint": "",
    "skip_checkpoint_variables": "",
    "pruned_model_path": "",
    "global_gradient_clip_ratio": 0.0,
    "visualize_images_summary": False,
    "report_frequency": 0,
    "num_epochs": 0,
    "num_examples_per_epoch": 0,
    "logging_frequency": 10,
    "maskrcnn_config.nlayers": 50,
    "maskrcnn_config.arch": "resnet",
    "maskrcnn_config.freeze_bn": False,
    "maskrcnn_config.freeze_blocks": "[]",
    "maskrcnn_config.gt_mask_size": 112,
    "maskrcnn_config.rpn_positive_overlap": 0.7,
    "maskrcnn_config.rpn_negative_overlap": 0.3,
    "maskrcnn_config.rpn_batch_size_per_im": 256,
    "maskrcnn_config.rpn_fg_fraction": 0.5,
    "maskrcnn_config.rpn_min_size": 0.0,
    "maskrcnn_config.batch_size_per_im": 512,
    "maskrcnn_config.fg_fraction": 0.25,
    "maskrcnn_config.fg_thresh": 0.5,
    "maskrcnn_config.bg_thresh_hi": 0.5,
    "maskrcnn_config.bg_thresh_lo": 0.0,
    "maskrcnn_config.fast_rcnn_mlp_head_dim": 1024,
    "maskrcnn_config.bbox_reg_weights": "(10, 10, 5, 5)",
    "maskrcnn_config.include_mask": True,
    "maskrcnn_config.mrcnn_resolution": 28,
    "maskrcnn_config.train_rpn_pre_nms_topn": 2000,
    "maskrcnn_config.train_rpn_post_nms_topn": 1000,
    "maskrcnn_config.train_rpn_nms_threshold": 0.7,
    "maskrcnn_config.test_detections_per_image": 100,
    "maskrcnn_config.test_nms": 0.5,
    "maskrcnn_config.test_rpn_pre_nms_topn": 1000,
    "maskrcnn_config.test_rpn_post_nms_topn": 1000,
    "maskrcnn_config.test_rpn_nms_thresh": 0.7,
    "maskrcnn_config.min_level": 2,
    "maskrcnn_config.max_level": 6,
    "maskrcnn_config.num_scales": 1,
    "maskrcnn_config.aspect_ratios": "[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]",
    "maskrcnn_config.anchor_scale": 8,
    "maskrcnn_config.rpn_box_loss_weight": 1.0,
    "maskrcnn_config.fast_rcnn_box_loss_weight": 1.0,
    "maskrcnn_config.mrcnn_weight_loss_mask": 1.0,
    "data_config.image_size": "(832, 1344)",
    "data_config.augment_input_data": True,
    "data_config.eval_samples": 0,
    "data_config.skip_crowd_during_training": True,
    "data_config.prefetch_buffer_size": 0,
    "data_config.shuffle_buffer_size": 4096,
    "data_config.n_workers": 16,
    "data_config.max_num_instances": 200,
}
WITHOUT_DEFAULT = {
    "total_steps",
    "num_steps_per_eval",
    "save_checkpoints_steps",
    "maskrcnn_config",
    "data_config",
    "wandb_config",
    "clearml_config",
    "data_config.num_classes",
    "data_config.training_file_pattern",
    "data_config.validation_file_pattern",
    "data_config.val_json_file",
}


def value_at(message, path):
    for name in path.split("."):
        message = getattr(message, name)
    return shortest(message) if isinstance(message, float) else message


@pytest.mark.parametrize("path", DEFAULTS)
def test_absent_field_takes_the_documented_value(path):
    assert value_at(read(spec_text()).message, path) == DEFAULTS[path]


def test_rules_of_the_schema_make_sense():
    check_schema(spec_pb2.Experiment)


def test_every_field_of_the_schema_has_its_row():
    schema = spec_pb2.Experiment.DESCRIPTOR
    own = {
        entry.path
        for entry in entries(schema)
        if entry.field.containing_type.file.name == schema.file.name
    }
    assert own == set(DEFAULTS) | WITHOUT_DEFAULT


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("data_config { num_classes: 4 }", "maskrcnn_config"),
        ("maskrcnn_config { nlayers: 18 }", "data_config"),
    ],
    ids=["maskrcnn_config", "data_config"],
)
def test_block_that_is_missing_is_required(text, block):
    (problem,) = problems(f"total_steps: 9 num_steps_per_eval: 9 {text}")
    assert problem.startswith(f"{block}: is required and absent: ")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (spec_text(data=""), "data_config.num_classes"),
        (spec_text().replace("num_steps_per_eval: 100", ""), "num_steps_per_eval"),
    ],
    ids=["num_classes", "num_steps_per_eval"],
)
def test_field_that_nothing_can_stand_in_for_is_required(text, path):
    (problem,) = problems(text)
    assert problem.startswith(f"{path}: is required and absent: ")


@pytest.mark.parametrize(
    ("block", "alias", "path"),
    [
        ("model", "test_rpn_nms_threshold: 0.6", "maskrcnn_config.test_rpn_nms_thresh"),
        ("model", "train_rpn_nms_thresh: 0.6", "maskrcnn_config.train_rpn_nms_threshold"),
    ],
    ids=["table", "as in the test"],
)
def test_threshold_may_have_either_spelling(block, alias, path):
    text = spec_text(**{block: alias})
    assert value_at(read(text).message, path) == 0.6
    assert warnings(text) == []


def test_annotations_may_be_named_as_in_another_detectors_spec():
    text = spec_text(data='num_classes: 4 validation_json_file: "val.json"')
    assert recipe(text).data.validation[0].annotations == "val.json"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (spec_text("total_steps: 9 save_checkpoints_steps: 100"), "num_steps_per_eval says when"),
        (spec_text("total_steps: 9 report_frequency: 5"), "scores are reported once"),
        (spec_text("total_steps: 9 logging_frequency: 10"), "progress shows all the time"),
        (spec_text("total_steps: 9 visualize_images_summary: true"), "evaluation draws no images"),
        (
            spec_text(data="num_classes: 4 shuffle_buffer_size: 4096"),
            "all images of an epoch are shuffled",
        ),
    ],
    ids=[
        "save_checkpoints_steps",
        "report_frequency",
        "logging_frequency",
        "visualize_images_summary",
        "shuffle_buffer_size",
    ],
)
def test_field_without_effect_is_a_warning_that_says_why(text, advice):
    (warning,) = warnings(text)
    assert f": has no effect: {advice}" in warning


def test_batch_size_as_the_prose_calls_it_says_which_two_there_are():
    (problem,) = problems(spec_text("total_steps: 9 batch_size: 2"))
    assert problem.endswith("; write train_batch_size and eval_batch_size")


@pytest.mark.parametrize(
    "block",
    [
        'wandb_config { project: "a" entity: "b" name: "c" notes: "d" tags: "e" tags: "f" }',
        'clearml_config { project: "a" task: "b" }',
    ],
    ids=["wandb", "clearml"],
)
def test_report_to_another_service_is_refused(block):
    (problem,) = problems(spec_text(f"total_steps: 9 {block}"))
    assert ": is not read; nothing is sent anywhere; metrics are in the results folder" in problem


@pytest.mark.parametrize(
    ("block", "field", "allowed"),
    [
        ("data", "num_classes: 1", "from 2 to 10000"),
        ("data", "num_classes: 0", "from 2 to 10000"),
        ("data", 'num_classes: 4 image_size: "(64, 832)"', "at least 128 px"),
        ("model", "rpn_fg_fraction: 2", "above 0 and at most 1"),
        ("model", "min_level: 1", "from 2 to 6"),
        ("model", "max_level: 7", "from 2 to 6"),
        ("model", 'aspect_ratios: "[(1.0, 0)]"', "above 0"),
        ("model", "test_nms: 0", "above 0 and at most 1"),
        ("top", "total_steps: 9 momentum: 1", "at least 0 and below 1"),
        ("top", "total_steps: 9 train_batch_size: 0", "at least 1 image"),
        ("top", "total_steps: 9 init_learning_rate: 0", "above 0"),
    ],
    ids=lambda value: value.split(":")[0] if ":" in str(value) else None,
)
def test_number_out_of_range_says_what_is_allowed(block, field, allowed):
    (problem,) = problems(spec_text(**{block: field}))
    assert f" is out of range; allowed: {allowed}" in problem
