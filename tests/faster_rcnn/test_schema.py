"""The schema against the tables of the document: names, defaults, ranges, other spellings."""

from __future__ import annotations

import pytest

from detforge.spec.outline import entries
from detforge.spec.schema_check import check_schema
from detforge_faster_rcnn import spec_pb2
from tests.faster_rcnn.specs import preprocessing, problems, read, spec_text, value_at, warnings

INPUT = "model_config.input_image_config"
PREPROCESSING = "augmentation_config.preprocessing"
SPATIAL = "augmentation_config.spatial_augmentation"
COLOR = "augmentation_config.color_augmentation"

# Defaults as the document's tables have them; where a table has none, what its sample says
# (classifier_max_overlap, numbers of proposals), or that nothing happens (augmentation).
DEFAULTS = {
    "random_seed": 42,
    "verbose": False,
    f"{INPUT}.image_type": "RGB",
    f"{INPUT}.image_scaling_factor": 1.0,
    f"{INPUT}.max_objects_num_per_image": 100,
    "model_config.roi_mini_batch": 256,
    "model_config.rpn_stride": 16,
    "model_config.freeze_bn": False,
    "model_config.dropout_rate": 0.0,
    "model_config.drop_connect_rate": 0.0,
    "model_config.freeze_blocks": [],
    "model_config.use_bias": False,
    "model_config.roi_pooling_config.pool_size": 7,
    "model_config.roi_pooling_config.pool_size_2x": False,
    "model_config.all_projections": False,
    "model_config.use_pooling": False,
    "dataset_config.image_extension": "",
    "dataset_config.sampling_mode": "USER_DEFINED",
    f"{PREPROCESSING}.output_image_width": 0,
    f"{PREPROCESSING}.output_image_height": 0,
    f"{PREPROCESSING}.output_image_channel": 0,
    f"{PREPROCESSING}.output_image_min": 0,
    f"{PREPROCESSING}.output_image_max": 0,
    f"{PREPROCESSING}.enable_auto_resize": False,
    f"{PREPROCESSING}.crop_left": 0,
    f"{PREPROCESSING}.crop_top": 0,
    f"{PREPROCESSING}.crop_right": 0,
    f"{PREPROCESSING}.crop_bottom": 0,
    f"{PREPROCESSING}.min_bbox_width": 1.0,
    f"{PREPROCESSING}.min_bbox_height": 1.0,
    f"{PREPROCESSING}.scale_width": 1.0,
    f"{PREPROCESSING}.scale_height": 1.0,
    f"{SPATIAL}.hflip_probability": 0.0,
    f"{SPATIAL}.vflip_probability": 0.0,
    f"{SPATIAL}.zoom_min": 1.0,
    f"{SPATIAL}.zoom_max": 1.0,
    f"{SPATIAL}.translate_max_x": 0.0,
    f"{SPATIAL}.translate_max_y": 0.0,
    f"{SPATIAL}.rotate_rad_max": 0.0,
    f"{SPATIAL}.rotate_probability": 1.0,
    f"{COLOR}.color_shift_stddev": 0.0,
    f"{COLOR}.hue_rotation_max": 0.0,
    f"{COLOR}.saturation_shift_max": 0.0,
    f"{COLOR}.contrast_scale_max": 0.0,
    f"{COLOR}.contrast_center": 0.5,
    "training_config.enable_augmentation": True,
    "training_config.enable_qat": False,
    "training_config.num_epochs": 20,
    "training_config.checkpoint_interval": 1,
    "training_config.pretrained_weights": "",
    "training_config.retrain_pruned_model": "",
    "training_config.resume_from_model": "",
    "training_config.rpn_min_overlap": 0.3,
    "training_config.rpn_max_overlap": 0.7,
    "training_config.classifier_min_overlap": 0.0,
    "training_config.classifier_max_overlap": 0.5,
    "training_config.gt_as_roi": False,
    "training_config.std_scaling": 1.0,
    "training_config.classifier_regr_std": {"x": 10.0, "y": 10.0, "w": 5.0, "h": 5.0},
    "training_config.rpn_mini_batch": 256,
    "training_config.rpn_pre_nms_top_N": 12000,
    "training_config.rpn_nms_max_boxes": 2000,
    "training_config.rpn_nms_overlap_threshold": 0.7,
    "training_config.lambda_rpn_regr": 1.0,
    "training_config.lambda_rpn_class": 1.0,
    "training_config.lambda_cls_regr": 1.0,
    "training_config.lambda_cls_class": 1.0,
    "training_config.model_parallelism": [],
    "inference_config.images_dir": "",
    "inference_config.model": "",
    "inference_config.batch_size": 1,
    "inference_config.detection_image_output_dir": "",
    "inference_config.labels_dump_dir": "",
    "inference_config.rpn_pre_nms_top_N": 6000,
    "inference_config.rpn_nms_max_boxes": 300,
    "inference_config.rpn_nms_overlap_threshold": 0.7,
    "inference_config.object_confidence_thres": 0.0001,
    "inference_config.bbox_visualize_threshold": 0.6,
    "inference_config.classifier_nms_max_boxes": 100,
    "inference_config.classifier_nms_overlap_threshold": 0.3,
    "inference_config.bbox_caption_on": False,
    "inference_config.nms_score_bits": 0,
    "evaluation_config.model": "",
    "evaluation_config.batch_size": 1,
    "evaluation_config.rpn_pre_nms_top_N": 6000,
    "evaluation_config.rpn_nms_max_boxes": 300,
    "evaluation_config.rpn_nms_overlap_threshold": 0.7,
    "evaluation_config.object_confidence_thres": 0.0001,
    "evaluation_config.classifier_nms_max_boxes": 100,
    "evaluation_config.classifier_nms_overlap_threshold": 0.3,
    "evaluation_config.use_voc07_11point_metric": False,
    "evaluation_config.validation_period_during_training": 1,
    "evaluation_config.visualize_pr_curve": False,
}
# Of blocks that are not in every spec: the block as its fields' defaults leave it.
INNER_DEFAULTS = {
    "model_config.activation.activation_type": ("activation {}", "swish"),
    "training_config.learning_rate.soft_start.annealing_divider": ("", 10.0),
    "training_config.optimizer.sgd.momentum": ("optimizer { sgd {} }", 0.0),
    "training_config.optimizer.sgd.decay": ("optimizer { sgd {} }", 0.0),
    "training_config.optimizer.sgd.nesterov": ("optimizer { sgd {} }", False),
    "training_config.optimizer.adam.beta_1": ("optimizer { adam {} }", 0.9),
    "training_config.optimizer.adam.beta_2": ("optimizer { adam {} }", 0.999),
    "training_config.optimizer.adam.epsilon": ("optimizer { adam {} }", 1e-7),
    "training_config.optimizer.adam.decay": ("optimizer { adam {} }", 0.0),
    "training_config.optimizer.adam.amsgrad": ("optimizer { adam {} }", False),
    "evaluation_config.gt_matching_iou_threshold_range.start": ("", 0.5),
    "evaluation_config.gt_matching_iou_threshold_range.end": ("", 1.0),
    "evaluation_config.gt_matching_iou_threshold_range.step": ("", 0.05),
}
REQUIRED = {
    f"{INPUT}.image_channel_order": 'image_channel_order: "bgr"',
    f"{INPUT}.image_channel_mean": "",
    f"{INPUT}.size_height_width.height": "height: 384",
    f"{INPUT}.size_height_width.width": "width: 1248",
    f"{INPUT}.size_min.min": "",
    "model_config.arch": 'arch: "resnet:18"',
    "model_config.anchor_box_config.scale": "scale: [64.0, 128.0, 256.0]",
    "model_config.anchor_box_config.ratio": "ratio: [1.0, 0.5, 2.0]",
    "dataset_config.data_sources": 'data_sources { tfrecords_path: "records/a*" }',
    "dataset_config.data_sources.tfrecords_path": "",
    "dataset_config.target_class_mapping": "",
    "training_config.batch_size_per_gpu": "batch_size_per_gpu: 1",
    "training_config.optimizer": "optimizer { sgd { momentum: 0.9 } }",
    "training_config.learning_rate": "",
    "training_config.learning_rate.soft_start.base_lr": "base_lr: 0.02",
    "training_config.learning_rate.soft_start.start_lr": "start_lr: 0.002",
    "training_config.learning_rate.soft_start.soft_start": " soft_start: 0.1",
    "training_config.learning_rate.step.base_lr": "",
    "training_config.learning_rate.step.gamma": "",
    "training_config.learning_rate.step.step_size": "",
    "inference_config.trt_inference.trt_engine": "",
    "evaluation_config.trt_evaluation.trt_engine": "",
}
# What follows other fields, is a path or a key, or has no effect at all.
WITHOUT_DEFAULT = {
    "enc_key",
    "dataset_config.data_sources.image_directory_path",
    "dataset_config.validation_fold",
    "evaluation_config.gt_matching_iou_threshold",
    "training_config.learning_rate.soft_start.annealing_points",
    "dataset_config.dataloader_mode",
    "model_config.activation.activation_parameters",
    "model_config.rfcn_mode",
    "model_config.rpn_cls_activation_type",
    "model_config.tf_proposal_layer",
    "training_config.optimizer.adam.lr",
    "training_config.optimizer.rmsprop.lr",
    "training_config.optimizer.sgd.lr",
}


def schema_paths():
    """Return the scalar fields of the plugin's own messages; a source stands for all."""
    schema = spec_pb2.Experiment.DESCRIPTOR
    for entry in entries(schema):
        kind = entry.field.message_type
        is_block = kind is not None and not kind.GetOptions().map_entry
        is_own = entry.field.containing_type.file.name == schema.file.name
        if is_own and not is_block and "validation_data_source" not in entry.path:
            yield entry.path


def test_rules_of_the_schema_make_sense():
    check_schema(spec_pb2.Experiment)


def test_every_field_of_the_schema_has_its_row():
    rows = [*DEFAULTS, *INNER_DEFAULTS, *REQUIRED, *WITHOUT_DEFAULT]
    rows.append("dataset_config.data_sources.source_weight")
    blocks = {"dataset_config.data_sources", "training_config.optimizer"}
    blocks.add("training_config.learning_rate")
    assert sorted(schema_paths()) == sorted(set(rows) - blocks)


@pytest.mark.parametrize("path", DEFAULTS)
def test_absent_field_takes_the_documented_value(path):
    assert value_at(read(spec_text()).message, path) == DEFAULTS[path]


@pytest.mark.parametrize("path", INNER_DEFAULTS)
def test_absent_field_of_a_present_block_takes_the_documented_value(path):
    block, value = INNER_DEFAULTS[path]
    text = spec_text(
        arch="efficientnet:b0",
        model=block if "activation" in block else "",
        optimizer=block if "optimizer" in block else "optimizer { rmsprop {} }",
        rest="evaluation_config { gt_matching_iou_threshold_range {} }",
    )
    assert value_at(read(text).message, path) == value


def test_source_weighs_one():
    assert read(spec_text()).message.dataset_config.data_sources[0].source_weight == 1


@pytest.mark.parametrize("path", [path for path, text in REQUIRED.items() if text])
def test_field_without_a_documented_value_is_required(path):
    text = spec_text()
    assert text.count(REQUIRED[path]) == 1
    (problem,) = problems(text.replace(REQUIRED[path], ""))
    assert problem.startswith(f"{path}: is required and absent: ")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{INPUT}.size_min.min", spec_text(size="size_min {}")),
        ("dataset_config.data_sources[0].tfrecords_path", spec_text(source="data_sources {}")),
        ("dataset_config.target_class_mapping", spec_text(mapping="")),
        ("training_config.learning_rate", spec_text(rate="")),
        (
            "training_config.learning_rate.step.step_size",
            spec_text(rate="learning_rate { step { base_lr: 1 gamma: 0.1 } }"),
        ),
        (
            "inference_config.trt_inference.trt_engine",
            spec_text(rest="inference_config { trt_inference {} }"),
        ),
        (
            "evaluation_config.trt_evaluation.trt_engine",
            spec_text(rest="evaluation_config { trt_evaluation {} }"),
        ),
    ],
    ids=lambda value: value.rpartition(".")[2] if value.count("\n") == 0 else "",
)
def test_field_of_another_block_is_required_there(path, text):
    (problem,) = problems(text)
    assert problem.startswith(f"{path}: is required and absent: ")


def test_spec_that_only_trains_needs_no_other_block():
    text = spec_text()
    assert "inference_config" not in text
    assert "evaluation_config" not in text
    assert "augmentation_config" not in text
    assert warnings(text) == []


def test_explicit_zero_is_not_the_default():
    text = spec_text(training="lambda_rpn_regr: 0")
    (problem,) = problems(text)
    assert problem == "training_config.lambda_rpn_regr: 0 is out of range; allowed: above 0"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            spec_text(size="size_height_width { height: 127 width: 1248 }"),
            f"{INPUT}.size_height_width.height: 127 is out of range; allowed: at least 128 px",
        ),
        (
            spec_text(size="size_min { min: 100 }"),
            f"{INPUT}.size_min.min: 100 is out of range; allowed: at least 128 px",
        ),
        (
            spec_text(image="image_scaling_factor: 0"),
            f"{INPUT}.image_scaling_factor: 0 is out of range; allowed: above 0",
        ),
        (
            spec_text(color='image_channel_order: "l" image_channel_mean { key: "l" value: 256 }'),
            f'{INPUT}.image_channel_mean["l"]: 256 is out of range; allowed: at least 0 and below '
            "255 grey levels",
        ),
        (
            spec_text(model="rpn_stride: 32"),
            "model_config.rpn_stride: 32 is out of range; allowed: 16 px",
        ),
        (
            spec_text(model="dropout_rate: 1"),
            "model_config.dropout_rate: 1 is out of range; allowed: at least 0 and below 1",
        ),
        (
            spec_text(batch="batch_size_per_gpu: 0"),
            "training_config.batch_size_per_gpu: 0 is out of range; allowed: at least 1 image",
        ),
        (
            spec_text(training="rpn_nms_overlap_threshold: 1"),
            "training_config.rpn_nms_overlap_threshold: 1 is out of range; allowed: above 0 and "
            "below 1",
        ),
        (
            spec_text(training="classifier_regr_std { key: 'x' value: 0 }"),
            'training_config.classifier_regr_std["x"]: 0 is out of range; allowed: above 0',
        ),
        (
            spec_text(rest="inference_config { bbox_visualize_threshold: 0 }"),
            "inference_config.bbox_visualize_threshold: 0 is out of range; allowed: above 0 and "
            "below 1",
        ),
        (
            spec_text(rest="evaluation_config { gt_matching_iou_threshold: 1 }"),
            "evaluation_config.gt_matching_iou_threshold: 1 is out of range; allowed: above 0 and "
            "below 1",
        ),
        (
            spec_text(rest="augmentation_config { spatial_augmentation { rotate_rad_max: 25 } }"),
            f"{SPATIAL}.rotate_rad_max: 25 is out of range; allowed: from 0 to 3.1416 radians",
        ),
        (
            spec_text(rate="learning_rate { step { base_lr: 0.02 gamma: 0.1 step_size: 0 } }"),
            "training_config.learning_rate.step.step_size: 0 is out of range; allowed: above 0 "
            "and at most 100 percent",
        ),
    ],
    ids=[
        "height",
        "shorter side",
        "scaling factor",
        "mean",
        "stride",
        "dropout",
        "batch",
        "proposal suppression",
        "box multiplier",
        "drawing",
        "IoU",
        "rotation in degrees",
        "step",
    ],
)
def test_number_out_of_range_says_what_is_allowed(text, problem):
    assert problem in problems(text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("resnet:18", "resnet:18"),
        ("resnet18", "resnet:18"),
        ("ResNet-101", "resnet:101"),
        ("resnet_101", "resnet:101"),
        ("vgg16", "vgg:16"),
        ("VGG:19", "vgg:19"),
        ("GoogLeNet", "googlenet"),
        ("mobilenet:v1", "mobilenet_v1"),
        ("mobilenet-v2", "mobilenet_v2"),
        ("darknet53", "darknet:53"),
        ("efficientnet_b0", "efficientnet:b0"),
        ("EfficientNet-B1", "efficientnet:b1"),
    ],
)
def test_backbone_may_be_written_as_people_do(written, meant):
    assert read(spec_text(arch=written)).message.model_config.arch == meant


def test_backbone_that_does_not_exist_names_those_that_do():
    (problem,) = problems(spec_text(arch="resnet:52"))
    assert problem.startswith('model_config.arch: "resnet:52" is no choice here; use "resnet:10", ')
    assert '"efficientnet:b0" or "efficientnet:b1"' in problem


@pytest.mark.parametrize("extension", ["png", ".png", "PNG", ".PNG"])
def test_extension_may_have_a_dot_and_capitals(extension):
    text = spec_text(data=f'image_extension: "{extension}"')
    assert read(text).message.dataset_config.image_extension == "png"
    assert warnings(text) == []


@pytest.mark.parametrize("order", ["rgb", "RGB", "BGR"])
def test_channel_order_may_have_capitals(order):
    text = spec_text().replace('"bgr"', f'"{order}"')
    assert value_at(read(text).message, f"{INPUT}.image_channel_order") == order.lower()


@pytest.mark.parametrize("name", ["use_voc07_11point_metric", "use_voc_11_point_metric"])
def test_metric_of_2007_may_be_called_as_in_table_or_prose(name):
    text = spec_text(rest=f"evaluation_config {{ {name}: true }}")
    assert read(text).message.evaluation_config.use_voc07_11point_metric
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("output_image_width", 1248),
        ("output_image_height", 384),
        ("output_image_channel", 3),
        ("enable_auto_resize", True),
    ],
)
def test_size_may_stand_where_the_prose_puts_it(name, value):
    text = spec_text(rest=f"augmentation_config {{ {name}: {value} }}")
    assert value_at(read(text).message, f"{PREPROCESSING}.{name}") == value
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        (
            spec_text(model='rpn_cls_activation_type: "sigmoid"'),
            "model_config.rpn_cls_activation_type",
            "region proposals are always scored by a sigmoid",
        ),
        (spec_text(model="rfcn_mode: false"), "model_config.rfcn_mode", "there is no R-FCN here"),
        (
            spec_text(model="tf_proposal_layer: true"),
            "model_config.tf_proposal_layer",
            "there is one proposal layer",
        ),
        (
            spec_text(
                arch="efficientnet:b0",
                model='activation { activation_parameters { key: "a" value: 1 } }',
            ),
            "model_config.activation.activation_parameters",
            "neither relu nor swish has a parameter",
        ),
        (
            spec_text(data="dataloader_mode: LEGACY"),
            "dataset_config.dataloader_mode",
            "there is one way to read data",
        ),
        (
            spec_text(optimizer="optimizer { adam { lr: 1e-5 } }"),
            "training_config.optimizer.adam.lr",
            "the rate is that of learning_rate",
        ),
    ],
    ids=["cls_activation", "rfcn", "tf_proposal", "activation_parameters", "dataloader", "lr"],
)
def test_legacy_field_is_a_warning_that_says_why(text, path, reason):
    assert warnings(text) == [f"{path}: has no effect: {reason}; remove it"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            spec_text(training="enable_qat: true"),
            "training_config.enable_qat: comes with release 0.10 (quantisation); remove it",
        ),
        (
            spec_text(training="model_parallelism: 0.3 model_parallelism: 0.7"),
            "training_config.model_parallelism: comes with release 0.12 (training on several "
            "GPUs); remove it",
        ),
        (
            spec_text(rest="inference_config { nms_score_bits: 5 }"),
            "inference_config.nms_score_bits: comes with release 0.11 (TensorRT engines and "
            "DeepStream files); remove it",
        ),
        (
            spec_text(rest=preprocessing("scale_width: 0.5")),
            f"{PREPROCESSING}.scale_width: 0.5 is not possible; resize by enable_auto_resize, and "
            "remove this",
        ),
    ],
    ids=["qat", "model parallelism", "score bits", "scale"],
)
def test_field_that_does_not_work_says_when_it_will_or_what_to_do(text, problem):
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        spec_text(training="enable_qat: false"),
        spec_text(training="visualizer { wandb_config { enabled: false } }"),
        spec_text(training="visualizer { clearml_config {} }"),
        spec_text(rest="inference_config { nms_score_bits: 0 }"),
        spec_text(rest=preprocessing("scale_width: 1 scale_height: 1.0")),
        spec_text(rest=preprocessing("scale_width: 0 scale_height: 0.0")),
        spec_text(training="pretrained_weights: '' resume_from_model: ''"),
    ],
    ids=["qat", "wandb", "clearml", "score bits", "scale", "scale 0", "paths"],
)
def test_field_that_does_not_work_may_say_that_it_is_off(text):
    assert warnings(text) == []


@pytest.mark.parametrize(
    "block",
    ['wandb_config { enabled: true key: "abc" }', 'clearml_config { project: "a" task: "b" }'],
    ids=["wandb", "clearml"],
)
def test_report_to_another_service_is_refused(block):
    (problem, *_) = problems(spec_text(training=f"visualizer {{ {block} }}"))
    assert "nothing is sent anywhere" in problem
    assert "abc" not in problem


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (spec_text(model='feature_extractor: "resnet:18"'), "write arch, such as arch: "),
        (spec_text(model="nlayers: 18"), "the depth is a part of arch"),
        (spec_text(rest="network_config {}"), "write model_config"),
        (spec_text(rest="eval_config {}"), "write evaluation_config"),
        (spec_text(rest="nms_config {}"), "write the thresholds in inference_config and "),
        (spec_text(training="class_mapping {}"), "write dataset_config.target_class_mapping"),
        (spec_text(training="kitti_data_config {}"), "convert the data to records"),
        (spec_text(training='output_model: "a"'), "train -r FOLDER"),
        (spec_text(training='output_weights: "a"'), "train -r FOLDER"),
        (spec_text(training='training_data_parser: "raw_kitti"'), "remove it"),
        (spec_text(training="data_augmentation {}"), "the changes in augmentation_config"),
        (spec_text(training="reg_config { weight_decay: 1 }"), "write regularizer, such as"),
        (spec_text(training="lr_scheduler { step {} }"), "write learning_rate, with soft_start"),
    ],
    ids=lambda value: "" if "\n" in value else value,
)
def test_field_of_an_older_or_another_spec_says_what_to_write(text, advice):
    (problem,) = problems(text)
    assert advice in problem
