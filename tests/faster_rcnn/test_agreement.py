"""Fields of Faster R-CNN that disagree: each pair is named, and all at once."""

from __future__ import annotations

import pytest

from tests.faster_rcnn.specs import (
    BATCH,
    COLOR,
    GREY,
    SHORTER_SIDE,
    preprocessing,
    problems,
    spec_text,
    warnings,
)

INPUT = "model_config.input_image_config"
PREPROCESSING = "augmentation_config.preprocessing"
SCHEDULE = "training_config.learning_rate.soft_start"
MEAN_OF_TWO = """
  image_channel_order: "bgr"
  image_channel_mean { key: "b" value: 1 }
  image_channel_mean { key: "g" value: 1 }
"""


def one_problem(**fields):
    (problem,) = problems(spec_text(**fields))
    return problem


# --- network input -------------------------------------------------------------------------


def test_size_is_missing():
    assert one_problem(size="") == (
        f"{INPUT}: has no size; add size_height_width {{ ... }} or size_min {{ ... }}"
    )


def test_two_kinds_of_size_are_one_too_many():
    problem = one_problem(size="size_min { min: 600 } size_height_width { height: 384 width: 384 }")
    assert problem.startswith(f"{INPUT}.size_height_width: cannot stand beside size_min (line ")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"rest": preprocessing("output_image_width: 1240")},
            f"{PREPROCESSING}.output_image_width: 1240 is not "
            f"{INPUT}.size_height_width.width, which is 1248; make them equal, or remove this",
        ),
        (
            {"rest": preprocessing("output_image_height: 390")},
            f"{PREPROCESSING}.output_image_height: 390 is not "
            f"{INPUT}.size_height_width.height, which is 384; make them equal, or remove this",
        ),
        (
            {"size": SHORTER_SIDE, "rest": preprocessing("output_image_min: 500")},
            f"{PREPROCESSING}.output_image_min: 500 is not {INPUT}.size_min.min, which is 600; "
            "make them equal, or remove this",
        ),
        (
            {"size": SHORTER_SIDE, "rest": preprocessing("output_image_max: 500")},
            f"{PREPROCESSING}.output_image_max: 500, the limit of the longer side, is below the "
            "shorter one, 600",
        ),
        (
            {"rest": preprocessing("output_image_min: 600")},
            f"{PREPROCESSING}.output_image_min: is for images of any shape, and "
            "size_height_width is given; remove it",
        ),
        (
            {"rest": preprocessing("output_image_max: 600")},
            f"{PREPROCESSING}.output_image_max: is for images of any shape, and "
            "size_height_width is given; remove it",
        ),
        (
            {"rest": preprocessing("output_image_channel: 1")},
            f"{PREPROCESSING}.output_image_channel: 1 does not go with RGB; use 3, or remove it",
        ),
        (
            {"color": GREY, "rest": preprocessing("output_image_channel: 3")},
            f"{PREPROCESSING}.output_image_channel: 3 does not go with GRAY_SCALE; use 1, or "
            "remove it",
        ),
        (
            {"color": COLOR.replace('"bgr"', '"l"')},
            f'{INPUT}.image_channel_order: "l" does not go with RGB; use "rgb" or "bgr"',
        ),
        (
            {"color": GREY.replace('order: "l"', 'order: "rgb"')},
            f'{INPUT}.image_channel_order: "rgb" does not go with GRAY_SCALE; use "l"',
        ),
        (
            {"color": MEAN_OF_TWO},
            f"{INPUT}.image_channel_mean: has the keys b, g; RGB takes b, g and r",
        ),
        (
            {"color": GREY.replace('key: "l"', 'key: "r"')},
            f"{INPUT}.image_channel_mean: has the keys r; GRAY_SCALE takes l",
        ),
    ],
    ids=[
        "width",
        "height",
        "shorter side",
        "longer side",
        "min of a fixed size",
        "max of a fixed size",
        "channels",
        "grey channels",
        "order",
        "grey order",
        "mean",
        "grey mean",
    ],
)
def test_input_that_is_said_twice_is_the_same_twice(fields, problem):
    assert one_problem(**fields) == problem


def test_size_that_is_said_twice_may_be_the_same():
    fields = "output_image_width: 1248 output_image_height: 384 output_image_channel: 3"
    assert problems(spec_text(rest=preprocessing(fields))) == []


def test_images_of_any_shape_make_no_batch():
    text = spec_text(
        size=SHORTER_SIDE,
        batch="batch_size_per_gpu: 4",
        rest="evaluation_config { batch_size: 2 } inference_config { batch_size: 3 }",
    )
    assert problems(text) == [
        "training_config.batch_size_per_gpu: 4 images of different shapes make no batch; use 1",
        "evaluation_config.batch_size: 2 images of different shapes make no batch; use 1",
        "inference_config.batch_size: 3 images of different shapes make no batch; use 1",
    ]


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        (
            "crop_right: 600 crop_bottom: 300",
            f"{PREPROCESSING}.crop_right: the window from (0, 0) to (600, 300) has another size "
            "than size_height_width, 1248 x 384; change it, or set all four to 0",
        ),
        (
            "crop_left: 100",
            f"{PREPROCESSING}.crop_right: the window from (100, 0) to (0, 0) has another size "
            "than size_height_width, 1248 x 384; change it, or set all four to 0",
        ),
        (
            "crop_left: 10 crop_right: 1258 crop_bottom: 384 enable_auto_resize: true",
            f"{PREPROCESSING}.enable_auto_resize: images are resized to the network input first, "
            "which leaves nothing to cut",
        ),
        (
            "crop_top: 10 crop_right: 1248 crop_bottom: 394 enable_auto_resize: true",
            f"{PREPROCESSING}.enable_auto_resize: images are resized to the network input first, "
            "which leaves nothing to cut",
        ),
    ],
    ids=["small", "open", "behind a resize", "below a resize"],
)
def test_window_has_the_size_of_the_network_input(window, problem):
    assert one_problem(rest=preprocessing(window)) == problem


# --- blocks, data --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "blocks"),
    [
        ("resnet:10", range(4)),
        ("resnet:101", range(4)),
        ("vgg:16", range(1, 6)),
        ("googlenet", range(8)),
        ("mobilenet_v1", range(12)),
        ("mobilenet_v2", range(14)),
        ("darknet:19", range(6)),
        ("efficientnet:b1", range(9)),
    ],
)
def test_blocks_of_the_backbone_can_be_frozen_and_no_others(arch, blocks):
    assert problems(spec_text(arch=arch, model=f"freeze_blocks: {list(blocks)}")) == []
    beyond = blocks[-1] + 1
    problem = one_problem(arch=arch, model=f"freeze_blocks: [{blocks[0]}, {beyond}]")
    assert problem == (
        f"model_config.freeze_blocks[1]: {arch} has no block {beyond}; its blocks are "
        f"{blocks[0]} to {blocks[-1]}"
    )


def test_first_block_of_vgg_is_one():
    problem = one_problem(arch="vgg:16", model="freeze_blocks: 0")
    assert problem == (
        "model_config.freeze_blocks[0]: vgg:16 has no block 0; its blocks are 1 to 5"
    )


def test_class_may_not_be_called_background():
    mapping = 'target_class_mapping { key: "sky" value: "Background" }'
    assert one_problem(mapping=mapping).startswith(
        'dataset_config.target_class_mapping["sky"]: "Background" is what no object is called'
    )


def test_label_leads_to_one_class():
    mapping = (
        'target_class_mapping { key: "Car" value: "car" }'
        'target_class_mapping { key: "car" value: "vehicle" }'
    )
    assert one_problem(mapping=mapping).startswith(
        'dataset_config.target_class_mapping["car"]: labels are compared without case'
    )


def test_classes_differ_by_more_than_case():
    mapping = (
        'target_class_mapping { key: "car" value: "Car" }'
        'target_class_mapping { key: "van" value: "car" }'
    )
    assert "differ only by case" in one_problem(mapping=mapping)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"source": 'data_sources { tfrecords_path: "a" } data_sources { tfrecords_path: "" }'},
            "dataset_config.data_sources[1].tfrecords_path",
        ),
        (
            {"data": 'validation_data_source { tfrecords_path: " " }'},
            "dataset_config.validation_data_source.tfrecords_path",
        ),
    ],
    ids=["training", "validation"],
)
def test_records_are_named(fields, path):
    assert one_problem(**fields) == f"{path}: is empty; name the records"


def test_validation_is_a_fold_or_a_source():
    problem = one_problem(data='validation_fold: 0 validation_data_source { tfrecords_path: "b*" }')
    assert problem.startswith(
        "dataset_config.validation_data_source: cannot stand beside validation_fold (line "
    )


@pytest.mark.parametrize(
    ("zoom", "found"),
    [
        ("zoom_min: 1.2 zoom_max: 0.8", "1.2 is more than zoom_max, which is 0.8"),
        ("zoom_min: 1.2", "1.2 is more than zoom_max, which is 1"),
        ("zoom_min: 0 zoom_max: 0.8", "1 is more than zoom_max, which is 0.8"),
    ],
    ids=["swapped", "no largest", "zero"],
)
def test_zoom_has_its_limits_in_order(zoom, found):
    problem = one_problem(rest=f"augmentation_config {{ spatial_augmentation {{ {zoom} }} }}")
    assert problem.startswith(f"augmentation_config.spatial_augmentation.zoom_min: {found}")


# --- training ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            "rpn_min_overlap: 0.8",
            "rpn_min_overlap: 0.8 is more than rpn_max_overlap, which is 0.7; swap or change them",
        ),
        (
            "rpn_min_overlap: 0.7",
            "rpn_min_overlap: 0.7 is as much as rpn_max_overlap; it has to be less",
        ),
        (
            "classifier_min_overlap: 0.6",
            "classifier_min_overlap: 0.6 is more than classifier_max_overlap, which is 0.5; swap "
            "or change them",
        ),
        (
            "rpn_nms_max_boxes: 12000",
            "rpn_nms_max_boxes: 12000 is as much as rpn_pre_nms_top_N; it has to be less",
        ),
        (
            "classifier_regr_std { key: 'x' value: 10 } classifier_regr_std { key: 'y' value: 10 }",
            "classifier_regr_std: has the keys x, y; a box takes h, w, x and y",
        ),
        (
            "regularizer { type: L1 }",
            "regularizer.weight: 0 makes L1 do nothing; give a weight above 0, or type: NO_REG",
        ),
        (
            "early_stopping { monitor: 'loss' }",
            "early_stopping.patience: 0 would stop the run at once; give a number of epochs",
        ),
    ],
    ids=[
        "proposals",
        "proposals equal",
        "classifier",
        "numbers",
        "box multipliers",
        "regularizer",
        "early stopping",
    ],
)
def test_training_fields_agree(fields, problem):
    assert one_problem(training=fields) == f"training_config.{problem}"


@pytest.mark.parametrize("block", ["inference_config", "evaluation_config"])
def test_fewer_proposals_come_out_than_go_in(block):
    problem = one_problem(rest=f"{block} {{ rpn_pre_nms_top_N: 100 }}")
    assert problem == (
        f"{block}.rpn_nms_max_boxes: 300 is more than rpn_pre_nms_top_N, which is 100; swap or "
        "change them"
    )


def test_optimizer_is_named():
    assert one_problem(optimizer="optimizer {}") == (
        "training_config.optimizer: names no optimiser; add sgd { ... }, adam { ... } or "
        "rmsprop { ... }"
    )


def test_schedule_is_named():
    assert one_problem(rate="learning_rate {}") == (
        "training_config.learning_rate: has no schedule; add soft_start { ... } or step { ... }"
    )


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            "base_lr: 0.01 start_lr: 0.02 soft_start: 0.1",
            "start_lr: 0.02 is more than base_lr, which is 0.01; swap or change them",
        ),
        (
            "base_lr: 0.02 start_lr: 0.002 soft_start: 0.1 annealing_points: [0.9, 0.8]",
            "annealing_points[1]: 0.8 is not above 0.9, the number before it",
        ),
        (
            "base_lr: 0.02 start_lr: 0.002 soft_start: 0.8 annealing_points: [0.8, 0.9]",
            "annealing_points[0]: 0.8 is not behind the warm-up, which ends at soft_start, 0.8",
        ),
    ],
    ids=["rates", "points", "warm-up"],
)
def test_schedule_has_its_points_in_order(fields, problem):
    rate = f"learning_rate {{ soft_start {{ {fields} }} }}"
    assert one_problem(rate=rate) == f"{SCHEDULE}.{problem}"


def test_range_of_ious_begins_before_it_ends():
    block = "gt_matching_iou_threshold_range { start: 0.5 end: 0.5 }"
    assert one_problem(rest=f"evaluation_config {{ {block} }}") == (
        "evaluation_config.gt_matching_iou_threshold_range.start: 0.5 is as much as end; it has "
        "to be less"
    )


def test_every_disagreement_of_a_spec_is_named_at_once():
    text = spec_text(
        size="",
        color=GREY,
        model="freeze_blocks: 9",
        data='validation_data_source { tfrecords_path: "" }',
        optimizer="optimizer {}",
        training="rpn_min_overlap: 0.9",
        rest=f"{preprocessing('output_image_channel: 3')} "
        "inference_config { rpn_nms_max_boxes: 6000 }",
    )
    assert [problem.split(": ")[0] for problem in problems(text)] == [
        INPUT,
        f"{PREPROCESSING}.output_image_channel",
        "model_config.freeze_blocks[0]",
        "dataset_config.validation_data_source.tfrecords_path",
        "training_config.rpn_min_overlap",
        "training_config.optimizer",
        "inference_config.rpn_nms_max_boxes",
    ]


# --- warnings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "switch", "owners"),
    [
        ("resnet:18", "dropout_rate: 0.5", "vgg and efficientnet"),
        ("vgg:16", "drop_connect_rate: 0.2", "efficientnet"),
        ("vgg:19", "all_projections: true", "resnet and mobilenet_v2"),
        ("darknet:53", "use_pooling: true", "resnet and vgg"),
        ("mobilenet_v1", "activation { activation_type: 'relu' }", "efficientnet"),
    ],
)
def test_switch_that_the_backbone_lacks_is_a_warning(arch, switch, owners):
    name = switch.split(":")[0].split(" ")[0]
    assert warnings(spec_text(arch=arch, model=switch)) == [
        f"model_config.{name}: has no effect on {arch}; it is for {owners}"
    ]


@pytest.mark.parametrize(
    ("arch", "switch"),
    [
        ("vgg:16", "dropout_rate: 0.5 use_pooling: true"),
        ("efficientnet:b0", "drop_connect_rate: 0.2 activation { activation_type: 'swish' }"),
        ("mobilenet_v2", "all_projections: true"),
        ("googlenet", "dropout_rate: 0 all_projections: false use_pooling: false"),
    ],
)
def test_switch_that_the_backbone_has_or_that_is_off_is_none(arch, switch):
    assert warnings(spec_text(arch=arch, model=switch)) == []


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        (
            {
                "training": "pretrained_weights: 'a' retrain_pruned_model: 'b' "
                "resume_from_model: 'c'"
            },
            "training_config.retrain_pruned_model: has no effect: "
            "training_config.resume_from_model is given too, and wins",
        ),
        (
            {"training": "pretrained_weights: 'a' retrain_pruned_model: 'b'"},
            "training_config.pretrained_weights: has no effect: "
            "training_config.retrain_pruned_model is given too, and wins",
        ),
        (
            {"training": "checkpoint_interval: 30"},
            "training_config.checkpoint_interval: 30 is more than num_epochs, which is 20: only "
            "the last epoch is saved",
        ),
        (
            {"rate": "learning_rate { step { base_lr: 0.1 gamma: 0.1 step_size: 0.3 } }"},
            "training_config.learning_rate.step.step_size: is in percent; 30 would be 0.3 of the "
            "run",
        ),
        (
            {"size": SHORTER_SIDE, "rest": preprocessing("output_image_width: 1248")},
            f"{PREPROCESSING}.output_image_width: has no effect: images keep their shape, as "
            "size_min asks",
        ),
        (
            {"size": SHORTER_SIDE, "rest": preprocessing("enable_auto_resize: true")},
            f"{PREPROCESSING}.enable_auto_resize: has no effect: images keep their shape, as "
            "size_min asks",
        ),
        (
            {
                "color": GREY,
                "rest": "augmentation_config { color_augmentation { hue_rotation_max: 25 } }",
            },
            "augmentation_config.color_augmentation: has no effect: GRAY_SCALE images have no "
            "colour",
        ),
        (
            {
                "source": 'data_sources { tfrecords_path: "a" source_weight: 2 }',
                "data": "sampling_mode: UNIFORM",
            },
            "dataset_config.data_sources[0].source_weight: has no effect: "
            "dataset_config.sampling_mode is UNIFORM",
        ),
        (
            {"rest": "inference_config { model: 'a' trt_inference { trt_engine: 'b' } }"},
            "inference_config.model: has no effect: inference_config.trt_inference is given too, "
            "and wins",
        ),
        (
            {"rest": "evaluation_config { trt_evaluation { trt_engine: 'b' } }"},
            "evaluation_config.trt_evaluation: is outdated; name the engine in "
            "evaluation_config.model",
        ),
        (
            {
                "rest": "augmentation_config { spatial_augmentation { rotate_probability: 0.5 } }",
            },
            "augmentation_config.spatial_augmentation.rotate_probability: has no effect: "
            "augmentation_config.spatial_augmentation.rotate_rad_max is 0.0",
        ),
    ],
    ids=[
        "resume wins",
        "pruned wins",
        "interval",
        "percent",
        "width",
        "resize",
        "grey",
        "weight",
        "engine wins",
        "engine",
        "rotation",
    ],
)
def test_field_without_an_effect_is_a_warning(fields, warning):
    assert warning in warnings(spec_text(**fields))


@pytest.mark.parametrize(("step_size", "is_odd"), [("0.9", True), ("1", False)])
def test_step_below_one_percent_is_taken_for_a_fraction(step_size, is_odd):
    rate = f"learning_rate {{ step {{ base_lr: 0.1 gamma: 0.1 step_size: {step_size} }} }}"
    assert bool(warnings(spec_text(rate=rate))) == is_odd


def test_batch_of_the_small_spec_suits_images_of_any_shape():
    assert BATCH == "batch_size_per_gpu: 1"
    assert warnings(spec_text(size=SHORTER_SIDE)) == []
