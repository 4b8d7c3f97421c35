"""What spec files in the field have beyond the sample: each is read, or says what is wrong."""

from __future__ import annotations

import pytest

from detforge.spec import parse_list
from tests.mask_rcnn.specs import problems, read, recipe, spec_text, warnings

STEPS = "total_steps: 1000"
RATIOS = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))


@pytest.mark.parametrize(
    "size",
    [
        '"(832, 1344)"',
        '"(832,1344)"',
        '"[832,1344]"',
        '"[832, 1344,]"',
        '"832, 1344"',
        '"832,1344"',
        "'(832, 1344)'",
        '"(832., 1344.0)"',
        '"1344x832"',
        '"1344 x 832"',
        "“(832, 1344)”",
        "(832, 1344)",
        "[832, 1344]",
        '" ( 832 , 1344 ) "',
    ],
)
def test_size_is_height_and_width_in_every_spelling(size):
    text = spec_text(data=f"num_classes: 4 image_size: {size}")
    image = recipe(text).input
    assert (image.height, image.width) == (832, 1344)
    assert warnings(text) == []


def test_one_number_is_a_square():
    image = recipe(spec_text(data='num_classes: 4 image_size: "512"')).input
    assert (image.height, image.width) == (512, 512)


@pytest.mark.parametrize(
    "size",
    [
        '"832 1344"',
        '"(832, 1344, 3)"',
        '"(-832, 1344)"',
        '"(832"',
        '""',
        '"large"',
        '"832.5, 1344"',
    ],
)
def test_text_that_is_no_size_says_what_one_is(size):
    (problem,) = problems(spec_text(data=f"num_classes: 4 image_size: {size}"))
    assert problem.startswith("data_config.image_size: is no height and width such as ")


@pytest.mark.parametrize(
    "ratios",
    [
        '"[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]"',
        '"((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))"',
        '"[[1.0, 1.0], [1.4, 0.7], [0.7, 1.4]]"',
        '"[(1, 1), (1.4, .7), (7/10, 2*0.7),]"',
        '"(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)"',
        "[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]",
        "“[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]”",
        "'[(1.0, 1.0),' ' (1.4, 0.7), (0.7, 1.4)]'",
    ],
)
def test_ratios_are_pairs_in_every_spelling(ratios):
    text = spec_text(model=f"aspect_ratios: {ratios}")
    assert problems(text) == []
    found = parse_list(read(text).message.maskrcnn_config.aspect_ratios)
    assert found == tuple(pytest.approx(pair) for pair in RATIOS)


@pytest.mark.parametrize(
    "weights",
    ['"(10., 10., 5., 5.)"', '"[10, 10, 5, 5]"', '"10, 10, 5, 5"', "(10., 10., 5., 5.)"],
)
def test_weights_are_four_numbers_in_every_spelling(weights):
    text = spec_text(model=f"bbox_reg_weights: {weights}")
    assert problems(text) == []
    assert parse_list(read(text).message.maskrcnn_config.bbox_reg_weights) == (10, 10, 5, 5)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ('"[0,1]"', (0, 1)),
        ('"(0, 1)"', (0, 1)),
        ('"[0, 1,]"', (0, 1)),
        ('"0, 1"', (0, 1)),
        ("[0, 1]", (0, 1)),
        ('"[0., 1.0]"', (0, 1)),
        ('"[2]"', (2,)),
        ('"(2)"', (2,)),
        ('"(2,)"', (2,)),
        ('"2"', (2,)),
        ('"[4]"', (4,)),
        ('"[]"', ()),
        ('"()"', ()),
        ('""', ()),
        ("[]", ()),
    ],
)
def test_blocks_are_frozen_in_every_spelling(blocks, expected):
    text = spec_text(model=f"freeze_blocks: {blocks}")
    assert recipe(text).freeze.blocks == expected
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("steps", "levels"),
    [
        ('"[600, 800]"', '"[0.1, 0.02]"'),
        ('"(600, 800)"', '"(0.1, 0.02)"'),
        ('"600, 800,"', '"0.1, .02"'),
        ("[600, 800]", "[0.1, 0.02]"),
        ('"[6e2, 800.0]"', '"[1/10, 2e-2]"'),
        ("“[600, 800]”", "‘[0.1, 0.02]’"),
    ],
    ids=["lists", "tuples", "bare", "unquoted", "numbers", "curly"],
)
def test_steps_and_levels_come_in_every_spelling(steps, levels):
    text = spec_text(f"{STEPS} learning_rate_steps: {steps} learning_rate_decay_levels: {levels}")
    schedule = recipe(text).schedule
    assert (schedule.boundaries, schedule.levels) == ((600, 800), (0.1, 0.02))


@pytest.mark.parametrize(
    ("word", "value"),
    [("True", True), ("true", True), ("1", True), ("False", False), ("false", False), ("0", False)],
)
def test_truth_is_written_as_in_python_as_in_text_or_as_a_number(word, value):
    assert recipe(spec_text(f"{STEPS} use_amp: {word}")).mixed_precision is value


@pytest.mark.parametrize("number", ["8", "8.0", "8.", "0x8"])
def test_whole_number_may_have_a_point(number):
    assert recipe(spec_text(f"{STEPS} train_batch_size: {number}")).data.batch_size == 8


@pytest.mark.parametrize("number", ["0.", "0", "0.0", ".0"])
def test_number_may_end_or_begin_with_its_point(number):
    text = spec_text(model=f"rpn_min_size: {number} bg_thresh_lo: {number}")
    assert problems(text) == []


def test_names_of_the_backbone_come_in_any_case():
    assert problems(spec_text(model='arch: "ResNet"')) == []


@pytest.mark.parametrize("arch", ["resnet50", "vgg", "resnest"])
def test_backbone_that_there_is_not_says_which_there_is(arch):
    (problem,) = problems(spec_text(model=f'arch: "{arch}"'))
    assert f'maskrcnn_config.arch: "{arch}" is no choice here; use "resnet"' in problem


HISTORICAL = """
seed: 123
use_amp: False
warmup_steps: 10000
checkpoint: "/workspace/experiments/pretrained_resnet50/resnet50.hdf5"
learning_rate_steps: "[100000, 150000, 200000]"
learning_rate_decay_levels: "[0.1, 0.02, 0.01]"
total_steps: 250000
train_batch_size: 2
eval_batch_size: 4
num_steps_per_eval: 5000
momentum: 0.9
l2_weight_decay: 0.00004
warmup_learning_rate: 0.0001
init_learning_rate: 0.005
num_examples_per_epoch: 118288

data_config{
    image_size: "(832, 1344)"
    augment_input_data: True
    eval_samples: 500
    training_file_pattern: "/workspace/data/train*.tfrecord"
    validation_file_pattern: "/workspace/data/val*.tfrecord"
    val_json_file: "/workspace/data/annotations/instances_val2017.json"
    num_classes: 91
    skip_crowd_during_training: True
}

maskrcnn_config {
    nlayers: 50
    arch: "resnet"
    freeze_bn: True
    freeze_blocks: "[0,1]"
    gt_mask_size: 112
}
"""


def test_spec_of_an_older_release_is_read():
    found = recipe(HISTORICAL)
    assert found.steps == 250000
    assert found.schedule.warmup_steps == 10000
    assert found.schedule.boundaries == (100000, 150000, 200000)
    assert found.regularizer.weight == pytest.approx(2e-5)
    assert found.data.max_objects == 200
    assert warnings(HISTORICAL) == ["num_examples_per_epoch: has no effect: num_epochs is 0"]


def test_spec_of_a_newer_release_is_read():
    text = HISTORICAL.replace("total_steps: 250000", "num_epochs: 5 logging_frequency: 10")
    found = recipe(text)
    assert found.steps == 5 * 118288 // 2
    assert [warning.split(": ")[0] for warning in warnings(text)] == ["logging_frequency"]


def test_spec_cut_down_to_what_a_trained_model_needs_is_read():
    text = """
    total_steps: 250000
    num_steps_per_eval: 5000
    data_config { image_size: "(832, 1344)" num_classes: 91 }
    maskrcnn_config { nlayers: 50 arch: "resnet" }
    """
    assert recipe(text).evaluation.batch_size == 8
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (spec_text("total_steps: 9 num_step_per_eval: 3"), 'did you mean "num_steps_per_eval"?'),
        (spec_text("total_steps: 9 nlayers: 50"), "it belongs in maskrcnn_config"),
        (spec_text(model="image_size: '(832, 1344)'"), "it belongs in data_config"),
        (spec_text("total_steps: 9 freeze_bn: true"), "it belongs in maskrcnn_config"),
        (spec_text("total_steps: -5"), "takes a whole number"),
        (spec_text("total_steps: '5'"), "write it without quotes"),
        (spec_text("total_steps: 9 seed: 1.5"), "takes a whole number"),
        (spec_text("total_steps: 9 batch_size: 2"), "write train_batch_size and eval_batch_size"),
        (
            spec_text("total_steps: 9 batch_size_per_gpu: 2"),
            "no field here; write train_batch_size",
        ),
        (spec_text("total_steps: 9 random_seed: 2"), 'did you mean "seed"?'),
    ],
    ids=[
        "misspelt",
        "top",
        "other block",
        "top again",
        "negative",
        "quoted",
        "fraction",
        "one size",
        "of ssd",
        "seed of ssd",
    ],
)
def test_mistake_says_what_was_meant(text, problem):
    (found,) = problems(text)
    assert problem in found
