"""The fields of EfficientDet's spec, held against the users' document."""

from __future__ import annotations

import pytest

from detforge.spec.floats import shortest
from detforge_efficientdet import spec_pb2
from tests.efficientdet.specs import problems, read, recipe, spec_text, warnings

# Typical values of the document's tables; where it has none, what an absent field used to mean.
DEFAULTS = {
    "training_config.train_batch_size": 16,
    "training_config.num_epochs": 300,
    "training_config.num_examples_per_epoch": 0,
    "training_config.checkpoint_period": 10,
    "training_config.amp": False,
    "training_config.moving_average_decay": 0.9999,
    "training_config.l2_weight_decay": 0.0,
    "training_config.l1_weight_decay": 0.0,
    "training_config.lr_warmup_epoch": 5.0,
    "training_config.lr_warmup_init": 0.00005,
    "training_config.momentum": 0.9,
    "training_config.clip_gradients_norm": 5.0,
    "training_config.tf_random_seed": 42,
    "dataset_config.image_size": "512,512",
    "dataset_config.max_instances_per_image": 100,
    "dataset_config.skip_crowd_during_training": True,
    "dataset_config.use_fake_data": False,
    "eval_config.eval_epoch_cycle": 10,
    "eval_config.eval_batch_size": 16,
    "eval_config.eval_samples": 0,
    "eval_config.min_score_thresh": 0.5,
    "eval_config.max_detections_per_image": 100,
    "model_config.model_name": "efficientdet-d0",
    "model_config.freeze_bn": False,
    "model_config.freeze_blocks": "[]",
    "model_config.aspect_ratios": "[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]",
    "model_config.anchor_scale": 4.0,
    "model_config.num_scales": 3,
    "model_config.min_level": 3,
    "model_config.max_level": 7,
    "augmentation_config.rand_hflip": False,
    "augmentation_config.random_crop_min_scale": 0.1,
    "augmentation_config.random_crop_max_scale": 2.0,
}
REQUIRED = {
    "training_config.learning_rate",
    "dataset_config.num_classes",
    "training_config",
    "dataset_config",
}
EMPTY = {
    "training_config.checkpoint",
    "training_config.pruned_model_path",
    "training_config.skip_checkpoint_variables",
    "dataset_config.training_file_pattern",
    "dataset_config.validation_file_pattern",
    "dataset_config.validation_json_file",
    "dataset_config.testdev_dir",
    "eval_config",
    "model_config",
    "augmentation_config",
}
WITHOUT_EFFECT = {
    "training_config.iterations_per_loop": "steps are not grouped; remove it",
    "training_config.profile_skip_steps": "no profile is taken; remove it",
    "training_config.logging_frequency": "progress is shown all the time and metrics are kept",
    "training_config.disable_logging": "the log is always written; --log_file says where to",
    "training_config.use_xla": "Keras decides what is compiled; remove it",
    "training_config.resume": "to go on from a checkpoint, give it to the command: train -m FILE",
    "training_config.stop_at_epoch": "a run ends after num_epochs; one that was interrupted",
    "training_config.keep_checkpoint_max": "every checkpoint is kept; delete those you do not",
    "eval_config.eval_after_training": "the last epoch is always scored; remove it",
    "eval_config.min_eval_interval": "validation is a part of training; eval_epoch_cycle says",
    "eval_config.eval_timeout": "validation is a part of training and waits for nothing",
}


def field_text(path: str, value: str) -> str:
    """Return a small spec with a field at its end, where it beats one given before."""
    block, _, name = path.partition(".")
    return spec_text(rest=f"{block} {{ {name}: {value} }}")


@pytest.mark.parametrize("path", DEFAULTS)
def test_absent_field_takes_the_documented_value(path):
    block, _, name = path.partition(".")
    value = getattr(getattr(read(spec_text()).message, block), name)
    assert (shortest(value) if isinstance(value, float) else value) == DEFAULTS[path]


def test_every_field_of_the_schema_has_its_row():
    blocks = spec_pb2.Experiment.DESCRIPTOR.fields
    fields = {
        f"{block.name}.{field.name}" for block in blocks for field in block.message_type.fields
    }
    assert {block.name for block in blocks} | fields == {
        *DEFAULTS,
        *REQUIRED,
        *EMPTY,
        *WITHOUT_EFFECT,
    }


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("dataset_config { num_classes: 4 }", "training_config"),
        ("training_config { learning_rate: 0.1 }", "dataset_config"),
        (spec_text().replace("learning_rate: 0.1", ""), "training_config.learning_rate"),
        (spec_text().replace("num_classes: 4", ""), "dataset_config.num_classes"),
    ],
)
def test_field_without_a_documented_value_is_required(text, missing):
    (problem,) = problems(text)
    assert problem.startswith(f"{missing}: is required and absent: ")


@pytest.mark.parametrize("path", WITHOUT_EFFECT)
def test_field_without_an_effect_is_a_warning_that_says_why(path):
    (warning,) = [text for text in warnings(field_text(path, "1")) if "given twice" not in text]
    assert warning.startswith(f"{path}: has no effect: {WITHOUT_EFFECT[path]}")


@pytest.mark.parametrize(
    ("path", "value", "advice"),
    [
        ("dataset_config.use_fake_data", "true", "to try a run on few images, name one file of"),
        ("dataset_config.testdev_dir", '"out"', "the task inference finds objects in images"),
    ],
)
def test_switch_to_another_kind_of_run_is_refused_with_advice(path, value, advice):
    (problem,) = problems(field_text(path, value))
    assert problem.startswith(f"{path}: is not read; {advice}")


def test_fake_data_that_are_off_are_no_mistake():
    assert warnings(spec_text(dataset="use_fake_data: False")) == []


@pytest.mark.parametrize(
    "regularizer", ["regularizer { type: NO_REG weight: 3e-5 }", "regularizer: NO_REG"]
)
def test_regularizer_of_the_documents_prose_points_to_the_two_decays(regularizer):
    (problem,) = problems(spec_text(training=regularizer))
    path, _, message = problem.partition(": ")
    assert path == "training_config.regularizer"
    assert "write l1_weight_decay and l2_weight_decay; NO_REG is both at 0" in message


def test_batch_size_of_the_documents_prose_points_to_that_of_the_table():
    (problem,) = problems(spec_text(training="batch_size_per_gpu: 8"))
    assert problem.endswith("batch_size_per_gpu: is no field here; write train_batch_size")


@pytest.mark.parametrize(
    ("path", "values", "allowed"),
    [
        ("training_config.train_batch_size", "0", "at least 1 image"),
        ("training_config.num_epochs", "0", "at least 1 epoch"),
        ("training_config.checkpoint_period", "0", "at least 1 epoch"),
        ("training_config.moving_average_decay", "1 -0.1", "at least 0 and below 1"),
        ("training_config.l2_weight_decay", "-1e-5 inf", "at least 0"),
        ("training_config.l1_weight_decay", "-1e-5 nan", "at least 0"),
        ("training_config.lr_warmup_epoch", "-1", "at least 0 epochs"),
        ("training_config.lr_warmup_init", "-0.1 1", "at least 0 and below 1"),
        ("training_config.learning_rate", "0 -1 inf", "above 0"),
        ("training_config.momentum", "1 -0.5", "at least 0 and below 1"),
        ("training_config.clip_gradients_norm", "-1", "at least 0"),
        ("dataset_config.num_classes", "0 1 10001", "from 2 to 10000"),
        ("dataset_config.max_instances_per_image", "0", "at least 1"),
        ("eval_config.eval_epoch_cycle", "0", "at least 1 epoch"),
        ("eval_config.eval_batch_size", "0", "at least 1 image"),
        ("eval_config.min_score_thresh", "1 -0.1", "at least 0 and below 1"),
        ("eval_config.max_detections_per_image", "0", "at least 1"),
        ("model_config.aspect_ratios", '"[(1,0)]" "[(-1,1)]"', "above 0"),
        ("model_config.anchor_scale", "0 -4", "above 0"),
        ("model_config.num_scales", "0", "at least 1"),
        ("model_config.min_level", "2 4", "3"),
        ("model_config.max_level", "6 8", "7"),
        ("augmentation_config.random_crop_min_scale", "0 -1", "above 0"),
        ("augmentation_config.random_crop_max_scale", "0 -1", "above 0"),
    ],
)
def test_value_out_of_range_names_the_range(path, values, allowed):
    for value in values.split():
        (problem,) = problems(field_text(path, value))
        assert problem.startswith(f"{path}: ")
        assert problem.endswith(f" is out of range; allowed: {allowed}")


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(
    "spelling",
    ["efficientdet-d{}", "efficientdet_d{}", "EfficientDet-D{}", "efficientdetd{}", "d{}", "D{}"],
)
def test_model_name_may_be_spelt_in_any_way(spelling, number):
    text = spec_text(rest=f'model_config {{ model_name: "{spelling.format(number)}" }}')
    assert read(text).message.model_config.model_name == f"efficientdet-d{number}"
    assert recipe(text).checkpoints.name == f"efficientdet_d{number}"
    assert warnings(text) == []


@pytest.mark.parametrize("name", ["efficientdet-d6", "d7x", "efficientnet_b0", "resnet", ""])
def test_model_that_does_not_exist_is_refused_with_those_that_do(name):
    (problem,) = problems(spec_text(rest=f'model_config {{ model_name: "{name}" }}'))
    assert problem.startswith(f'model_config.model_name: "{name}" is no choice here; use ')
    for number in range(6):
        assert f'"efficientdet-d{number}"' in problem


@pytest.mark.parametrize("name", ["validation_json_file", "val_json_file"])
@pytest.mark.parametrize("block", ["dataset_config", "data_config"])
def test_both_names_of_the_document_are_welcome(block, name):
    text = spec_text(dataset=f'{name}: "val.json"').replace("dataset_config", block)
    assert warnings(text) == []
    (source,) = recipe(text).data.validation
    assert source.annotations == "val.json"
