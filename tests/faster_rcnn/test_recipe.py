"""The spec of Faster R-CNN in the core's terms."""

from __future__ import annotations

import pytest

from detforge.recipe import (
    Adam,
    ColorShift,
    Data,
    DataSource,
    EarlyStopping,
    Evaluation,
    Freeze,
    HorizontalFlip,
    Inference,
    InputFormat,
    Regularizer,
    RmsProp,
    Sgd,
    SoftStartSteps,
    Spatial,
    Start,
    Steps,
    VerticalFlip,
    Visualizer,
)
from tests.faster_rcnn.specs import GREY, SHORTER_SIDE, preprocessing, recipe, spec_text

EVERY_CHANGE = """
augmentation_config {
  spatial_augmentation {
    hflip_probability: 0.5 vflip_probability: 0.25 zoom_min: 0.8 zoom_max: 1.2
    translate_max_x: 8.9 translate_max_y: 4 rotate_rad_max: 0.1 rotate_probability: 0.5
  }
  color_augmentation {
    color_shift_stddev: 0.05 hue_rotation_max: 25 saturation_shift_max: 0.2
    contrast_scale_max: 0.1 contrast_center: 0.4
  }
}
"""


def test_background_is_the_last_channel_behind_the_classes_in_alphabetical_order():
    classes = recipe(spec_text()).classes
    assert classes.names == ("car", "person")
    assert (classes.background, classes.channels) == ("last", 3)
    assert [classes.label(name) for name in ("Van", "pedestrian", "tram")] == [0, 1, None]


def test_pixels_enter_in_the_channel_order_of_the_spec():
    assert recipe(spec_text(image="image_scaling_factor: 2")).input == InputFormat(
        height=384,
        width=1248,
        color_order="bgr",
        mean=(103.939, 116.779, 123.68),
        scale=(0.5, 0.5, 0.5),
        resize="pad",
    )


def test_means_follow_the_channel_order():
    image = recipe(spec_text().replace('"bgr"', '"rgb"')).input
    assert (image.color_order, image.mean) == ("rgb", (123.68, 116.779, 103.939))


def test_mean_may_be_zero():
    color = 'image_type: GRAY_SCALE image_channel_order: "l" image_channel_mean { key: "l" }'
    assert recipe(spec_text(color=color)).input.mean == (0.0,)


def test_grey_images_have_one_channel():
    image = recipe(spec_text(color=GREY)).input
    assert (image.color_order, image.mean, image.scale) == ("grey", (117.3786,), (1.0,))


def test_images_are_stretched_only_when_asked():
    assert recipe(spec_text(rest=preprocessing("enable_auto_resize: true"))).input.resize == (
        "stretch"
    )


def test_images_of_any_shape_have_a_shorter_side_and_a_limit():
    text = spec_text(
        size=SHORTER_SIDE, rest=preprocessing("output_image_min: 600 output_image_max: 1000")
    )
    image = recipe(text).input
    assert (image.height, image.width) == (0, 0)
    assert (image.shorter_side, image.longer_side) == (600, 1000)


def test_sources_carry_their_weights_and_the_fold_stays_open():
    source = """
    data_sources { tfrecords_path: "a*" image_directory_path: "images" source_weight: 0.5 }
    data_sources: { tfrecords_path: "b*" }
    """
    text = spec_text(
        source=source,
        data="image_extension: 'jpg' validation_fold: 0",
        image="max_objects_num_per_image: 30",
        batch="batch_size_per_gpu: 4",
        rest=preprocessing("min_bbox_width: 4 min_bbox_height: 2.5"),
    )
    assert recipe(text).data == Data(
        training=(
            DataSource(
                records="a*", images="images", weight=0.5, field="dataset_config.data_sources[0]"
            ),
            DataSource(records="b*", field="dataset_config.data_sources[1]"),
        ),
        batch_size=4,
        validation_fold=0,
        max_objects=30,
        max_objects_field="model_config.input_image_config.max_objects_num_per_image",
        image_extension="jpg",
        min_box_width=4.0,
        min_box_height=2.5,
    )


def test_validation_may_have_a_source_of_its_own():
    data = recipe(
        spec_text(data='validation_data_source: { tfrecords_path: "b*" source_weight: 3 }')
    ).data
    assert data.validation_fold is None
    assert data.validation == (
        DataSource(records="b*", field="dataset_config.validation_data_source"),
    )


def test_spec_may_have_no_validation():
    data = recipe(spec_text()).data
    assert (data.validation, data.validation_fold) == ((), None)


@pytest.mark.parametrize(
    ("mode", "weight", "equal"),
    [("USER_DEFINED", 2.0, False), ("PROPORTIONAL", 1.0, False), ("UNIFORM", 1.0, True)],
)
def test_sampling_mode_says_what_weights_mean(mode, weight, equal):
    text = spec_text(
        source='data_sources { tfrecords_path: "a" source_weight: 2 }',
        data=f"sampling_mode: {mode}",
    )
    data = recipe(text).data
    assert (data.training[0].weight, data.equal_sources) == (weight, equal)


# --- augmentation --------------------------------------------------------------------------


def test_images_change_in_the_order_of_the_document():
    assert recipe(spec_text(rest=EVERY_CHANGE)).augmentation == (
        HorizontalFlip(probability=0.5),
        VerticalFlip(probability=0.25),
        Spatial(
            min_shrink=0.8,
            max_shrink=1.2,
            max_shift_x=8.0,
            max_shift_y=4.0,
            max_rotation=0.1,
            rotation_probability=0.5,
        ),
        ColorShift(
            shift_stddev=0.05,
            max_hue_rotation=25.0,
            max_saturation_shift=0.2,
            max_contrast_scale=0.1,
            contrast_center=0.4,
        ),
    )


def test_no_change_is_random_without_enable_augmentation():
    text = spec_text(training="enable_augmentation: False", rest=EVERY_CHANGE)
    assert recipe(text).augmentation == ()


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "zoom_min: 0 zoom_max: 0",
        "translate_max_x: 0.9",
        "rotate_rad_max: 1 rotate_probability: 0",
    ],
    ids=["absent", "zoom of zero", "less than a pixel", "never"],
)
def test_what_changes_nothing_is_left_out(fields):
    text = spec_text(rest=f"augmentation_config {{ spatial_augmentation {{ {fields} }} }}")
    assert recipe(text).augmentation == ()


def test_rotation_without_a_probability_is_always_drawn():
    text = spec_text(rest="augmentation_config { spatial_augmentation { rotate_rad_max: 0.5 } }")
    assert recipe(text).augmentation == (Spatial(max_rotation=0.5, rotation_probability=1.0),)


def test_grey_images_have_no_colour_to_shift():
    names = [
        type(step).__name__
        for step in recipe(spec_text(color=GREY, rest=EVERY_CHANGE)).augmentation
    ]
    assert names == ["HorizontalFlip", "VerticalFlip", "Spatial"]


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_window_is_cut_from_every_image(enabled):
    window = "crop_left: 20 crop_top: 10 crop_right: 1268 crop_bottom: 394"
    text = spec_text(training=f"enable_augmentation: {enabled}", rest=preprocessing(window))
    assert recipe(text).input.window == (20, 10, 1268, 394)
    assert recipe(text).augmentation == ()


def test_window_in_the_corner_is_what_padding_does_anyway():
    window = "crop_right: 1248 crop_bottom: 384"
    assert recipe(spec_text(rest=preprocessing(window))).input.window is None
    text = spec_text(rest=preprocessing(f"{window} enable_auto_resize: true"))
    assert recipe(text).input.resize == "stretch"


# --- training ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "schedule"),
    [
        (
            "soft_start { base_lr: 0.02 start_lr: 0.002 soft_start: 0.1 annealing_points: 0.8 "
            "annealing_points: 0.9 annealing_divider: 5 }",
            SoftStartSteps(
                start_learning_rate=0.002,
                learning_rate=0.02,
                soft_start=0.1,
                points=(0.8, 0.9),
                divider=5.0,
            ),
        ),
        (
            "soft_start { base_lr: 0.02 start_lr: 0 soft_start: 0 }",
            SoftStartSteps(
                start_learning_rate=0.0, learning_rate=0.02, soft_start=0.0, points=(), divider=10.0
            ),
        ),
        (
            "step { base_lr: 0.00001 gamma: 0.5 step_size: 30 }",
            Steps(learning_rate=0.00001, gamma=0.5, interval=0.3),
        ),
    ],
    ids=["soft start", "no warm-up", "step"],
)
def test_schedules(rate, schedule):
    assert recipe(spec_text(rate=f"learning_rate {{ {rate} }}")).schedule == schedule


@pytest.mark.parametrize(
    ("text", "optimizer"),
    [
        ("sgd {}", Sgd(momentum=0.0)),
        ("sgd { momentum: 0.9 nesterov: True }", Sgd(momentum=0.9, nesterov=True)),
        ("sgd { decay: 1e-6 }", Sgd(momentum=0.0, decay=1e-6)),
        ("adam {}", Adam()),
        (
            "adam { beta_1: 0.8 beta_2: 0.99 epsilon: 1e-6 decay: 0.1 amsgrad: true }",
            Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-6, decay=0.1, amsgrad=True),
        ),
        ("rmsprop { lr: 0.00001 }", RmsProp()),
    ],
    ids=["sgd", "nesterov", "decay", "adam", "adam in full", "rmsprop"],
)
def test_optimizers(text, optimizer):
    assert recipe(spec_text(optimizer=f"optimizer {{ {text} }}")).optimizer == optimizer


@pytest.mark.parametrize(
    ("text", "regularizer"),
    [
        ("", Regularizer()),
        ("regularizer { type: NO_REG weight: 0 }", Regularizer()),
        ("regularizer { type: L1 weight: 3e-9 }", Regularizer(kind="l1", weight=3e-9)),
        ("regularizer { type: L2 weight: 1e-4 }", Regularizer(kind="l2", weight=1e-4)),
    ],
    ids=["absent", "none", "l1", "l2"],
)
def test_regularizers(text, regularizer):
    assert recipe(spec_text(training=text)).regularizer == regularizer


@pytest.mark.parametrize(
    "blocks", ["freeze_blocks: 0 freeze_blocks: 1", "freeze_blocks: [0.0, 1.0]"]
)
def test_frozen_blocks_may_be_written_as_floats(blocks):
    assert recipe(spec_text(model=f"{blocks} freeze_bn: True")).freeze == Freeze(
        blocks=(0, 1), batch_norm=True, field="model_config.freeze_blocks"
    )


@pytest.mark.parametrize(
    ("arch", "name"),
    [
        ("resnet:18", "frcnn_resnet_18"),
        ("vgg16", "frcnn_vgg_16"),
        ("googlenet", "frcnn_googlenet"),
        ("mobilenet_v2", "frcnn_mobilenet_v2"),
        ("efficientnet_b1", "frcnn_efficientnet_b1"),
    ],
)
def test_checkpoints_have_the_documented_names(arch, name):
    assert recipe(spec_text(arch=arch)).checkpoints.name == name


def test_zero_means_every_epoch_and_single_images():
    text = spec_text(
        training="checkpoint_interval: 0",
        rest="evaluation_config { batch_size: 0 validation_period_during_training: 0 } "
        "inference_config { batch_size: 0 }",
    )
    found = recipe(text)
    assert found.checkpoints.interval == 1
    assert (found.evaluation.period, found.evaluation.batch_size) == (1, 1)
    assert found.inference.batch_size == 1


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ("", Start()),
        ("pretrained_weights: 'a.hdf5'", Start(weights="a.hdf5")),
        ("pretrained_weights: 'a' retrain_pruned_model: 'b'", Start(pruned="b")),
        ("pretrained_weights: 'a' resume_from_model: 'c'", Start(resume="c")),
        ("retrain_pruned_model: 'b' resume_from_model: 'c'", Start(resume="c")),
    ],
    ids=["nothing", "weights", "pruned", "resume", "resume and pruned"],
)
def test_training_starts_from_one_file(fields, start):
    assert recipe(spec_text(training=fields)).start == start


def test_run_may_stop_early():
    text = spec_text(training="early_stopping { monitor: 'loss' patience: 5 min_delta: 0.01 }")
    assert recipe(text).early_stopping == EarlyStopping(patience=5, min_delta=0.01)
    text = spec_text(training="early_stopping { monitor: 'val_loss' patience: 5 }")
    assert recipe(text).early_stopping == EarlyStopping(patience=5, monitor="validation_loss")
    assert recipe(spec_text()).early_stopping is None


def test_run_may_be_shown_by_tensorboard():
    text = spec_text(training="visualizer { enabled: true num_images: 5 weight_histograms: true }")
    assert recipe(text).visualizer == Visualizer(images=5, weight_histograms=True)
    assert recipe(spec_text(training="visualizer { enabled: false }")).visualizer is None


def test_length_seed_and_log_arrive():
    found = recipe(spec_text(training="num_epochs: 12", rest="random_seed: 7 verbose: True"))
    assert (found.epochs, found.seed, found.verbose) == (12, 7, True)


# --- scores and predictions ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "evaluation"),
    [
        ("", Evaluation(period=1, batch_size=1, mode="integrate", score_threshold=0.0001)),
        (
            "model: 'a.tlt' batch_size: 4 validation_period_during_training: 3 "
            "object_confidence_thres: 0.01 use_voc07_11point_metric: True "
            "gt_matching_iou_threshold: 0.6 visualize_pr_curve: True",
            Evaluation(
                period=3,
                batch_size=4,
                matching_iou=0.6,
                mode="sample",
                score_threshold=0.01,
                precision_recall_plot=True,
                model="a.tlt",
            ),
        ),
        (
            "gt_matching_iou_threshold_range { start: 0.5 step: 0.05 end: 1.0 }",
            Evaluation(
                period=1,
                batch_size=1,
                mode="integrate",
                score_threshold=0.0001,
                iou_range=(0.5, 1.0, 0.05),
            ),
        ),
        (
            "model: 'a.tlt' trt_evaluation { trt_engine: 'b.engine' }",
            Evaluation(
                period=1,
                batch_size=1,
                mode="integrate",
                score_threshold=0.0001,
                model="b.engine",
            ),
        ),
    ],
    ids=["absent", "in full", "range", "engine"],
)
def test_evaluations(fields, evaluation):
    assert recipe(spec_text(rest=f"evaluation_config {{ {fields} }}")).evaluation == evaluation


def test_inference_knows_its_files():
    fields = """
    model: "a.tlt" images_dir: "in" detection_image_output_dir: "out" labels_dump_dir: "labels"
    batch_size: 2 bbox_visualize_threshold: 0.7 bbox_caption_on: True
    """
    assert recipe(spec_text(rest=f"inference_config {{ {fields} }}")).inference == Inference(
        score_threshold=0.7,
        batch_size=2,
        model="a.tlt",
        images="in",
        annotated_dir="out",
        labels_dir="labels",
        captions=True,
    )


def test_engine_wins_over_the_model():
    text = spec_text(
        rest="inference_config { model: 'a.tlt' trt_inference: { trt_engine: 'b.engine' } }"
    )
    assert recipe(text).inference.model == "b.engine"
