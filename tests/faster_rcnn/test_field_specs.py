"""What spec files in the field have beyond the sample: each is read, or says what is wrong."""

from __future__ import annotations

import pytest

from detforge.recipe import Adam, HorizontalFlip, Sgd, SoftStartSteps, Steps
from tests.faster_rcnn.specs import problems, read, recipe, spec_text, value_at, warnings

IMAGES_OF_ANY_SHAPE = """
random_seed: 42
enc_key: 'key'
model_config {
  input_image_config {
    image_type: RGB
    image_channel_order: 'bgr'
    size_min { min: 600 }
    image_channel_mean { key: 'b' value: 103.939 }
    image_channel_mean { key: 'g' value: 116.779 }
    image_channel_mean { key: 'r' value: 123.68 }
    image_scaling_factor: 1.0
  }
  arch: "resnet:50"
  anchor_box_config {
    scale: 64.0 scale: 128.0 scale: 256.0 scale: 512.0
    ratio: 1.0 ratio: 0.5 ratio: 2.0
  }
  roi_mini_batch: 16
  roi_pooling_config { pool_size: 7 pool_size_2x: True }
  all_projections: False
  use_pooling: True
}
dataset_config {
  data_sources: {
    tfrecords_path: "/data/coco/train*"
    image_directory_path: "/data/coco"
  }
  image_extension: 'jpg'
  target_class_mapping { key: 'person' value: 'person' }
  validation_data_source: {
    tfrecords_path: "/data/coco/val*"
    image_directory_path: "/data/coco"
  }
}
augmentation_config {
  preprocessing {
    output_image_min: 600
    output_image_max: 1000
    output_image_channel: 3
    min_bbox_width: 1.0
    min_bbox_height: 1.0
    enable_auto_resize: False
  }
  spatial_augmentation { hflip_probability: 0.5 }
}
training_config {
  enable_augmentation: True
  batch_size_per_gpu: 1
  num_epochs: 10
  optimizer { sgd { momentum: 0.9 decay: 0.0 nesterov: False } }
  learning_rate {
    soft_start {
      base_lr: 0.001
      start_lr: 0.0001
      soft_start: 0.1
      annealing_points: 0.8
      annealing_divider: 10.0
    }
  }
}
evaluation_config {
  batch_size: 1
  gt_matching_iou_threshold_range { start: 0.5 end: 1.0 step: 0.05 }
}
"""
GREY_EFFICIENTNET = """
model_config {
  arch: "efficientnet_b0"
  input_image_config {
    image_type: GRAYSCALE
    image_channel_order: "L"
    size_height_width { height: 512.0 width: 640.0 }
    image_channel_mean { key: "l" value: 0 }
    image_scaling_factor: 255
  }
  anchor_box_config { scale: [32, 64, 128] ratio: [1, 0.5, 2] }
  activation { activation_type: "relu" }
  dropout_rate: 0.2
  drop_connect_rate: 0.2
  freeze_blocks: [0, 1, 2, 3, 4, 5, 6, 7, 8]
}
dataset_config {
  data_sources { tfrecords_path: "a-fold*" source_weight: 2 }
  data_sources { tfrecords_path: "b-fold*" }
  image_extension: ".PNG"
  target_class_mapping [
    { key: "Circle" value: "circle" },
    { key: "disc" value: "circle" }
  ]
  validation_fold: 1
  sampling_mode: USER_DEFINED
}
training_config {
  batch_size_per_gpu: 16
  optimizer { adam { beta_1: 0.9 beta_2: 0.999 decay: 0.0 amsgrad: True } }
  learning_rate { step { base_lr: 1e-4 gamma: 0.5 step_size: 25 } }
  regularizer { type: L1 weight: 1e-6 }
  early_stopping { monitor: "loss" patience: 3 min_delta: 0.01 }
  classifier_regr_std [
    { key: "x" value: 8 }, { key: "y" value: 8 }, { key: "w" value: 4 }, { key: "h" value: 4 }
  ]
}
"""


def test_spec_for_images_of_any_shape():
    found = recipe(IMAGES_OF_ANY_SHAPE)
    assert warnings(IMAGES_OF_ANY_SHAPE) == []
    assert (found.input.shorter_side, found.input.longer_side) == (600, 1000)
    assert found.data.validation[0].records == "/data/coco/val*"
    assert found.evaluation.iou_range == (0.5, 1.0, 0.05)
    assert found.augmentation == (HorizontalFlip(probability=0.5),)
    assert found.optimizer == Sgd(momentum=0.9)


def test_spec_for_grey_images():
    found = recipe(GREY_EFFICIENTNET)
    assert warnings(GREY_EFFICIENTNET) == []
    assert (found.input.color_order, found.input.scale) == ("grey", (1 / 255,))
    assert found.classes.mapping == {"circle": "circle", "disc": "circle"}
    assert [source.weight for source in found.data.training] == [2.0, 1.0]
    assert (found.data.validation_fold, found.data.image_extension) == (1, "png")
    assert found.optimizer == Adam(amsgrad=True)
    assert found.schedule == Steps(learning_rate=1e-4, gamma=0.5, interval=0.25)
    assert found.early_stopping.patience == 3
    assert found.freeze.blocks == tuple(range(9))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("  ", "\t"),
        ("'", '"'),
        ("'", "’"),
        ("True", "true"),
        ("False", "0"),
        ("_config {", "_config: {"),
        (": ", ":"),
        ("\nrandom_seed", "\ufeffrandom_seed"),
        ("{ min: 600 }", "{\n min: 600 # pixels\n }"),
        ("min: 600", "min: 600.0"),
        ("ratio: 1.0 ratio: 0.5 ratio: 2.0", "ratio: [1.0, 0.5, 2]"),
        (
            "scale: 64.0 scale: 128.0 scale: 256.0 scale: 512.0",
            "scale: 64 scale: [128, 256.0, 512]",
        ),
        ('"resnet:50"', '"ResNet_50"'),
    ],
    ids=[
        "Windows",
        "tabs",
        "quotes",
        "curly quotes",
        "lower case",
        "zero and one",
        "colons",
        "no blanks",
        "byte order mark",
        "comment",
        "floats",
        "list",
        "list and more",
        "arch",
    ],
)
def test_other_ways_to_write_a_spec_mean_the_same(old, new):
    changed = IMAGES_OF_ANY_SHAPE.replace(old, new)
    assert changed != IMAGES_OF_ANY_SHAPE
    assert read(changed).message == read(IMAGES_OF_ANY_SHAPE).message


def test_later_of_two_values_counts_and_both_lines_are_named():
    text = spec_text(training="num_epochs: 12\nnum_epochs: 24")
    (warning,) = warnings(text)
    assert warning.startswith("training_config.num_epochs: given twice, in lines ")
    assert recipe(text).epochs == 24


def test_block_in_two_parts_is_one():
    text = spec_text(rest="training_config { num_epochs: 24 }")
    assert recipe(text).epochs == 24
    assert recipe(text).data.batch_size == 1


def test_value_on_the_command_line_wins():
    from detforge.plugins import load_detector
    from detforge.spec import parse_spec

    changes = ("training_config.num_epochs=3", "evaluation_config.use_voc_11_point_metric=true")
    detector = load_detector("faster_rcnn")
    spec = parse_spec(spec_text(), detector.spec_schema(), changes=changes)
    found = detector.recipe(spec)
    assert (found.epochs, found.evaluation.mode) == (3, "sample")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (spec_text(model="roi_mini_bach: 256"), 'did you mean "roi_mini_batch"'),
        (spec_text(training="batch_size: 8"), "batch_size_per_gpu"),
        (spec_text(color="image_type: RGBA"), "RGB or GRAY_SCALE"),
        (spec_text(data="image_extension: 'tiff'"), '"png", "jpg" or "jpeg"'),
        (spec_text(model="freeze_blocks: 0.5"), "a whole number"),
        (spec_text(training="num_epochs: twelve"), "a whole number"),
    ],
    ids=["field", "other detector", "enum", "choice", "half a block", "word"],
)
def test_slip_says_what_was_meant(text, message):
    assert any(message in problem for problem in problems(text))


def test_zero_stays_zero_where_zero_is_a_value():
    text = spec_text(
        rate="learning_rate { soft_start { base_lr: 1 start_lr: 0 soft_start: 0 } }",
        training="classifier_min_overlap: 0",
        data="validation_fold: 0",
        rest="random_seed: 0",
    )
    found = recipe(text)
    assert isinstance(found.schedule, SoftStartSteps)
    assert (found.seed, found.schedule.start_learning_rate, found.data.validation_fold) == (0, 0, 0)
    assert value_at(read(text).message, "training_config.classifier_min_overlap") == 0
