"""What spec files in the field have beyond the sample: each is read, or says what is wrong."""

from __future__ import annotations

import pytest

from detforge.recipe import ScaleJitter
from detforge.spec import parse_list
from tests.efficientdet.specs import problems, read, recipe, spec_text, warnings


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ('"512,640"', (512, 640)),
        ('"512, 640"', (512, 640)),
        ('"(512, 640)"', (512, 640)),
        ('"(512, 640,)"', (512, 640)),
        ('"[512,640]"', (512, 640)),
        ("'512,640'", (512, 640)),
        ("“512,640”", (512, 640)),
        ('"512., 640.0"', (512, 640)),
        ("(512, 640)", (512, 640)),
        ("[512, 640]", (512, 640)),
        ("512, 640", (512, 640)),
        ('"640x512"', (512, 640)),
        ('"640 X 512"', (512, 640)),
        ("640x512", (512, 640)),
        ('"512"', (512, 512)),
        ("512", (512, 512)),
    ],
)
def test_size_is_height_then_width_but_width_by_height(written, size):
    text = spec_text(dataset=f"image_size: {written}")
    image = recipe(text).input
    assert (image.height, image.width) == size
    assert warnings(text) == []


@pytest.mark.parametrize(
    "written", ['"512 512"', '"512,512,3"', '"-512,512"', '""', '"auto"', '"512.5"', '"(512,512"']
)
def test_text_that_is_no_size_says_what_one_is(written):
    (problem,) = problems(spec_text(dataset=f"image_size: {written}"))
    assert problem.startswith(
        'dataset_config.image_size: is no height and width such as "512, 512"'
    )


@pytest.mark.parametrize(
    "written",
    [
        '"[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]"',
        '"[[1.0, 1.0], [1.4, 0.7], [0.7, 1.4]]"',
        '"((1, 1), (1.4, .7), (7/10, 2*0.7),)"',
        '"(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)"',
        "[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]",
        "“[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]”",
    ],
)
def test_ratios_are_pairs_in_every_spelling(written):
    text = spec_text(rest=f"model_config {{ aspect_ratios: {written} }}")
    assert problems(text) == []
    pairs = parse_list(read(text).message.model_config.aspect_ratios)
    assert pairs == ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))


def test_ratio_may_be_a_single_pair():
    assert problems(spec_text(rest='model_config { aspect_ratios: "[(1.0, 1.0)]" }')) == []


@pytest.mark.parametrize("written", ['"None"', '"[0, one]"', '"["'])
def test_blocks_that_are_no_list_say_so(written):
    (problem,) = problems(spec_text(rest=f"model_config {{ freeze_blocks: {written} }}"))
    assert problem.startswith("model_config.freeze_blocks: is no list of numbers such as ")


@pytest.mark.parametrize(("written", "value"), [("8.0", 8), ("8.", 8), ("0x8", 8), ("8", 8)])
def test_whole_number_may_be_written_with_a_point(written, value):
    assert recipe(spec_text(training=f"train_batch_size: {written}")).data.batch_size == value


@pytest.mark.parametrize("written", ["8.5", "-1", "many", '"8"'])
def test_number_that_is_not_whole_says_what_the_field_takes(written):
    (problem,) = problems(spec_text(training=f"train_batch_size: {written}"))
    assert problem.startswith(
        "training_config.train_batch_size: takes a whole number, at least 1 image; found "
    )


@pytest.mark.parametrize("written", ["4", "4.0", "4.", "4.0f", "0.4e1"])
def test_anchor_scale_is_a_number_whatever_the_document_says(written):
    text = spec_text(rest=f"model_config {{ anchor_scale: {written} }}")
    assert read(text).message.model_config.anchor_scale == 4
    text = spec_text(rest="model_config { anchor_scale: 3.5 }")
    assert read(text).message.model_config.anchor_scale == 3.5


@pytest.mark.parametrize(
    ("written", "value"),
    [("True", True), ("true", True), ("1", True), ("False", False), ("false", False), ("0", False)],
)
def test_truth_has_the_spellings_of_python_and_protobuf(written, value):
    assert recipe(spec_text(training=f"amp: {written}")).mixed_precision is value


def test_field_given_twice_takes_its_last_value_as_in_the_shipped_presets():
    text = spec_text(
        rest="augmentation_config {\n  random_crop_min_scale: 0.1\n  random_crop_min_scale: 2.0\n}"
    )
    assert recipe(text).augmentation == (ScaleJitter(min_scale=2.0, max_scale=2.0),)
    assert warnings(text) == [
        "augmentation_config.random_crop_min_scale: given twice, in lines 4 and 5; the last one "
        "counts"
    ]


def test_block_may_have_a_colon_and_fields_may_end_with_commas():
    text = "training_config: { learning_rate: 0.1, amp: True; }\ndataset_config <num_classes: 4>"
    assert recipe(text).mixed_precision is True


def test_model_name_may_stand_in_the_training_block():
    text = spec_text(training='model_name: "efficientdet_d2"')
    assert recipe(text).checkpoints.name == "efficientdet_d2"
    assert warnings(text) == []


def test_number_of_objects_may_stand_in_the_model_block():
    text = spec_text(rest="model_config { max_instances_per_image: 20 }")
    assert recipe(text).data.max_objects == 20
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("text", "check"),
    [
        (
            spec_text('model_name: "d1"', "", 'model_config { model_name: "efficientdet_d1" }'),
            lambda found: found.checkpoints.name == "efficientdet_d1",
        ),
        (
            spec_text(
                "",
                "max_instances_per_image: 20",
                "model_config { max_instances_per_image: 20.0 }",
            ),
            lambda found: found.data.max_objects == 20,
        ),
    ],
    ids=["model", "objects"],
)
def test_field_may_stand_in_both_blocks_when_they_agree(text, check):
    assert warnings(text) == []
    assert check(recipe(text))


@pytest.mark.parametrize(
    ("text", "path", "blocks"),
    [
        (
            spec_text('model_name: "d1"', "", 'model_config { model_name: "d2" }'),
            "model_config.model_name",
            "model_config and training_config (line 1)",
        ),
        (
            'model_config { model_name: "d2" }\n' + spec_text('model_name: "d0"'),
            "model_config.model_name",
            "training_config and model_config (line 1)",
        ),
        (
            spec_text(
                "", "max_instances_per_image: 20", "model_config { max_instances_per_image: 30 }"
            ),
            "dataset_config.max_instances_per_image",
            "model_config and dataset_config (line 2)",
        ),
    ],
    ids=["model", "the default", "objects"],
)
def test_field_that_differs_between_two_blocks_is_an_error(text, path, blocks):
    assert problems(text) == [f"{path}: {blocks} give different values; keep one of the two"]


def test_all_mistakes_of_a_file_are_named_at_once():
    found = problems(
        "training_config { learning_rate: 0 train_batch_sise: 4 amp: maybe }\n"
        'dataset_config { num_classes: 1 image_size: "big" }\n'
        'model_config { model_name: "d9" }'
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "training_config.learning_rate",
        "training_config.train_batch_sise",
        "training_config.amp",
        "dataset_config.num_classes",
        "dataset_config.image_size",
        "model_config.model_name",
    ]
    assert 'did you mean "train_batch_size"?' in found[1]
