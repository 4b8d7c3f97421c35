"""Specs of SSD in which every field is set in one way or another, for tests/test_coverage.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detforge_ssd.anchor_config import anchor_config
from detforge_ssd.settings import Settings

if TYPE_CHECKING:
    from detforge_ssd import spec_pb2

LISTS = """
random_seed: 42
ssd_config {
  aspect_ratios: "[[1.0, 2.0], [1.0], [1.0], [1.0], [1.0], [0.5]]"
  scales: "[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]"
  two_boxes_for_ar1: true
  steps: "[8, 16, 32, 64, 100, 300]"
  clip_boxes: false
  variances: "[0.1, 0.1, 0.2, 0.2]"
  offsets: "[0.5, 0.5, 0.5, 0.5, 0.5, 0.5]"
  arch: "resnet"
  nlayers: 18
  alpha: 1.0
  neg_pos_ratio: 3.0
  pos_iou_thresh: 0.5
  neg_iou_thresh: 0.5
  freeze_blocks: 0
}
training_config {
  batch_size_per_gpu: 16
  num_epochs: 80
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 5e-5 max_learning_rate: 2e-2 soft_start: 0.15 annealing: 0.8 } }
  regularizer { type: L1 weight: 3e-5 }
  optimizer { sgd { momentum: 0.9 nesterov: false } }
  early_stopping { patience: 5 }
  visualizer { enabled: true }
  model_ema: true
}
eval_config { validation_period_during_training: 10 batch_size: 16 matching_iou_threshold: 0.5 }
nms_config { confidence_threshold: 0.01 clustering_iou_threshold: 0.6 top_k: 200 }
augmentation_config {
  output_width: 300 output_height: 300 output_channel: 3
  image_mean { key: "b" value: 103.9 }
  image_mean { key: "g" value: 116.8 }
  image_mean { key: "r" value: 123.7 }
}
dataset_config {
  data_sources { tfrecords_path: "train" }
  validation_data_sources { image_directory_path: "images" label_directory_path: "labels" }
  target_class_mapping { key: "car" value: "car" }
  target_class_mapping { key: "van" value: "car" }
}
"""
_START, _END = LISTS.index("ssd_config"), LISTS.index("training_config")
SHORT = (
    LISTS[:_START]
    + """
ssd_config {
  aspect_ratios_global: "[1.0, 2.0, 0.5]"
  min_scale: 0.1
  max_scale: 0.9
  arch: "resnet"
  nlayers: 10
  pred_num_channels: 512
}
"""
    + LISTS[_END : LISTS.index("  image_mean")]
    + """
  random_crop_min_scale: 0.5 random_crop_max_scale: 0.8
  zoom_out_min_scale: 1.5 zoom_out_max_scale: 3
}
dataset_config {
  data_sources { image_directory_path: "images" label_directory_path: "labels" }
  validation_data_sources { tfrecords_path: "val" }
  target_class_mapping { key: "car" value: "car" }
}
"""
)
SHORT = SHORT.replace("soft_start_annealing_", "soft_start_cosine_annealing_")
SHORT = SHORT.replace("annealing: 0.8", "")
DSSD = LISTS.replace("ssd_config", "dssd_config")
ONE_DEPTH = SHORT.replace('"resnet"\n  nlayers: 10', '"mobilenet_v2"')
EXPERIMENTS = (LISTS, SHORT, ONE_DEPTH, DSSD)
EXPERIMENT_CHANGE = "random_seed=7"

KITTI = """
kitti_config {
  root_directory_path: "{data}"
  image_dir_name: "images"
  label_dir_name: "labels"
  image_extension: ".jpg"
  num_shards: 1
  val_split: 25
}
image_directory_path: "{data}/images/.."
target_class_mapping { key: "circle" value: "round" }
target_class_mapping { key: "square" value: "angular" }
target_class_mapping { key: "triangle" value: "angular" }
"""
COCO = """
coco_config {
  root_directory_path: "{data}"
  img_dir_names: "images"
  annotation_files: "instances.json"
  num_partitions: 1
  num_shards: 1
}
"""
SEQUENCES = """
kitti_config {
  root_directory_path: "{data}"
  image_dir_name: "images"
  label_dir_name: "labels"
  image_extension: ".jpg"
  num_shards: 1
  partition_mode: "sequence"
  kitti_sequence_to_frames_file: "sequences.json"
  num_partitions: 1
}
target_class_mapping { key: "circle" value: "round" }
target_class_mapping { key: "square" value: "angular" }
target_class_mapping { key: "triangle" value: "angular" }
sample_modifier_config {
  filter_samples_containing_only: "round"
  dominant_target_classes: "angular"
  minimum_target_class_imbalance { key: "round" value: 0.5 }
  num_duplicates: 1
  max_training_samples: 5
  source_to_target_class_mapping { key: "circle" value: "round" }
  source_to_target_class_mapping { key: "square" value: "angular" }
  source_to_target_class_mapping { key: "triangle" value: "angular" }
}
"""
RARE = (
    KITTI
    + """
sample_modifier_config {
  dominant_target_classes: "round"
  num_duplicates: 2
  source_to_target_class_mapping { key: "circle" value: "angular" }
  source_to_target_class_mapping { key: "square" value: "round" }
  source_to_target_class_mapping { key: "triangle" value: "angular" }
}
"""
)
CONVERSIONS = (KITTI, COCO, SEQUENCES, RARE)
CONVERSION_CHANGE = "kitti_config.val_split=50"


def model(spec: spec_pb2.Experiment) -> dict[str, Any]:
    """Return what the model is built from, besides the recipe."""
    config = spec.ssd_config
    return {
        "settings": Settings.from_spec(spec),
        "anchors": anchor_config(config),
        "prediction_channels": config.pred_num_channels,
    }
