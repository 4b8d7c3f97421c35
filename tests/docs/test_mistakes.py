"""What each detector says about the mistakes that people make: place, fault and a way out."""

import pytest

from tests.docs import base_specs
from tests.docs.mistakes import Mistake, excerpt

SPECS = {
    "ssd": base_specs.SSD,
    "faster_rcnn": base_specs.FASTER_RCNN,
    "efficientdet": base_specs.EFFICIENTDET,
    "mask_rcnn": base_specs.MASK_RCNN,
}


@pytest.fixture
def problems():
    """A function: a detector, and a change of its spec, to the lines of the error."""

    def problems(detector, old, new):
        line = f"detforge {detector} spec --check spec.txt"
        shown = Mistake("", SPECS[detector], old, new, line).run()
        assert shown.code == 2
        lines = shown.text.removeprefix("Error: ").splitlines()
        return [line.removeprefix("spec.txt:") for line in lines]

    return problems


@pytest.mark.parametrize(
    ("detector", "old", "new", "place"),
    [
        ("ssd", "nlayers", "n_layers", "7:3: ssd_config.n_layers"),
        ("faster_rcnn", "anchor_box_config", "anchor_box_cfg", "10:3: model_config.anchor_box_cfg"),
        ("efficientdet", "num_classes", "nun_classes", "9:3: dataset_config.nun_classes"),
        ("mask_rcnn", "total_steps", "totalsteps", "1:1: totalsteps"),
    ],
)
def test_misspelt_field_is_answered_with_the_right_name(problems, detector, old, new, place):
    assert problems(detector, old, new) == [f'{place}: unknown field; did you mean "{old}"?']


@pytest.mark.parametrize(
    ("detector", "old", "new", "message"),
    [
        ("ssd", "L1", "L3", "21:11: training_config.regularizer.type: takes NO_REG, L1 or L2"),
        ("faster_rcnn", "resnet:18", "resnet:20", '9:9: model_config.arch: "resnet:20" is no'),
        ("efficientdet", "efficientdet-d0", "d9", '15:15: model_config.model_name: "d9" is no'),
        ("mask_rcnn", '"resnet"', '"vgg"', '12:9: maskrcnn_config.arch: "vgg" is no choice here'),
    ],
)
def test_wrong_word_is_answered_with_the_right_ones(problems, detector, old, new, message):
    (problem,) = problems(detector, old, new)
    assert problem.startswith(message)


@pytest.mark.parametrize(
    ("detector", "last", "message"),
    [
        ("ssd", "  nlayers: 18\n", "8:1: ssd_config: the block opened in line 2"),
        (
            "faster_rcnn",
            "  freeze_blocks: [0, 1]\n",
            "15:1: model_config: the block opened in line 1",
        ),
        (
            "efficientdet",
            "  lr_warmup_epoch: 5\n",
            "7:1: training_config: the block opened in line 1",
        ),
        ("mask_rcnn", '"records/train*"\n', "10:1: data_config: the block opened in line 6"),
    ],
)
def test_missing_brace_is_found_where_it_belongs(problems, detector, last, message):
    assert problems(detector, f"{last}}}\n", last) == [f'{message} lacks a "}}" before this line']


@pytest.mark.parametrize(
    ("detector", "old", "new", "message"),
    [
        ("ssd", "0.87, 1.05]", "1.05]", "4:11: ssd_config.scales: has 6 items; it needs 7"),
        ("mask_rcnn", "0.02, 0.002", "0.02", "5:29: learning_rate_decay_levels: holds 2 instead"),
        (
            "mask_rcnn",
            "[60000, 8",
            "[90000, 8",
            "4:22: learning_rate_steps[1]: 80000 is not above 90000",
        ),
        ("efficientdet", '"512,512"', '"512,512,3"', "10:15: dataset_config.image_size: "),
    ],
    ids=["too short", "unlike another", "not in order", "a size of three"],
)
def test_wrong_list_is_said_to_be(problems, detector, old, new, message):
    (problem,) = problems(detector, old, new)
    assert problem.startswith(message)


@pytest.mark.parametrize("detector", ["ssd", "faster_rcnn"])
def test_class_that_is_mapped_twice_is_refused(problems, detector):
    first = 'target_class_mapping { key: "car" value: "car" }'
    again = f'{first} target_class_mapping {{ key: "car" value: "van" }}'
    (problem,) = problems(detector, first, again)
    assert 'dataset_config.target_class_mapping["car"]: given twice' in problem
    other_case = f'{first} target_class_mapping {{ key: "CAR" value: "van" }}'
    (problem,) = problems(detector, first, other_case)
    assert "labels are compared without case" in problem


@pytest.mark.parametrize(
    ("detector", "old", "new", "message"),
    [
        (
            "ssd",
            "random_flip: 0.5",
            "random_flip: 50",
            "28:16: augmentation_config.random_flip: 50 is out of range; allowed: from 0 to 1",
        ),
        (
            "faster_rcnn",
            "num_epochs: 20",
            "num_epochs: 0",
            "24:15: training_config.num_epochs: 0 is out of range; allowed: at least 1 epoch",
        ),
        (
            "efficientdet",
            "learning_rate: 0.1",
            "learning_rate: -0.1",
            "5:18: training_config.learning_rate: -0.1 is out of range; allowed: above 0",
        ),
        (
            "mask_rcnn",
            "num_classes: 91",
            "num_classes: 1",
            "8:16: data_config.num_classes: 1 is out of range; allowed: from 2 to 10000",
        ),
    ],
)
def test_value_out_of_range_is_answered_with_the_range(problems, detector, old, new, message):
    assert problems(detector, old, new) == [message]


@pytest.mark.parametrize(
    ("detector", "old", "stray", "place", "home"),
    [
        ("ssd", "random_seed: 42", "top_k: 5", "1:17: top_k", "nms_config"),
        (
            "faster_rcnn",
            "freeze_blocks: [0, 1]",
            "num_epochs: 5",
            "14:25: model_config.num_epochs",
            "training_config",
        ),
        (
            "efficientdet",
            "num_epochs: 300",
            "rand_hflip: true",
            "3:19: training_config.rand_hflip",
            "augmentation_config",
        ),
        (
            "mask_rcnn",
            "nlayers: 50",
            "image_size: (64, 64)",
            "13:15: maskrcnn_config.image_size",
            "data_config",
        ),
    ],
)
def test_field_in_the_wrong_block_is_shown_its_own(problems, detector, old, stray, place, home):
    (problem,) = problems(detector, old, f"{old} {stray}")
    assert problem.startswith(f"{place}: unknown")
    assert f"it belongs in {home}" in problem


@pytest.mark.parametrize(
    ("detector", "text"),
    [
        ("ssd", "records/train*"),
        ("faster_rcnn", "annotated"),
        ("efficientdet", "records/train-*"),
        ("mask_rcnn", "records/train*"),
    ],
)
def test_text_without_quotes_is_shown_with_them(problems, detector, text):
    (problem,) = problems(detector, f'"{text}"', text)
    assert problem.endswith(f'text stands in quotes; found {text}, write "{text}"')


@pytest.mark.parametrize(
    ("detector", "old", "new", "release"),
    [
        ("ssd", "num_epochs: 80", "num_epochs: 80 enable_qat: true", "0.10 (quantisation)"),
        ("faster_rcnn", "num_epochs: 20", "num_epochs: 20 enable_qat: true", "0.10 (quantisation)"),
    ],
    ids=["a field of ssd", "a field of faster_rcnn"],
)
def test_what_comes_later_is_refused_with_its_release(problems, detector, old, new, release):
    assert f"comes with release {release}" in problems(detector, old, new)[0]


def test_excerpt_shows_changed_lines_and_the_edges_of_gaps():
    assert excerpt("a\nb\nc\nd\n", "a\nX\nc\nd\n") == "  2  X"
    assert excerpt("a\nb\nc\nd\n", "a\nc\nd\n") == "  1  a\n  2  c"
    assert excerpt("a\nb\n", "a\n") == "  1  a"
    assert excerpt("a\nb\n", "a\nX\nY\nb\n") == "  2  X\n  3  Y"
