"""A short correct spec of each detector, for mistakes to be made in."""

SSD = """\
random_seed: 42
ssd_config {
  aspect_ratios_global: "[1.0, 2.0, 0.5, 3.0, 1.0/3.0]"
  scales: "[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]"
  two_boxes_for_ar1: true
  arch: "resnet"
  nlayers: 18
}
training_config {
  batch_size_per_gpu: 16
  num_epochs: 80
  learning_rate {
    soft_start_annealing_schedule {
      min_learning_rate: 5e-5
      max_learning_rate: 2e-2
      soft_start: 0.15
      annealing: 0.8
    }
  }
  regularizer {
    type: L1
    weight: 3e-5
  }
}
augmentation_config {
  output_width: 300
  output_height: 300
  random_flip: 0.5
}
dataset_config {
  data_sources {
    tfrecords_path: "records/train*"
  }
  target_class_mapping { key: "car" value: "car" }
  target_class_mapping { key: "van" value: "car" }
  target_class_mapping { key: "person" value: "person" }
}
"""

FASTER_RCNN = """\
model_config {
  input_image_config {
    size_height_width { height: 384 width: 1248 }
    image_channel_order: "bgr"
    image_channel_mean { key: "b" value: 103.939 }
    image_channel_mean { key: "g" value: 116.779 }
    image_channel_mean { key: "r" value: 123.68 }
  }
  arch: "resnet:18"
  anchor_box_config {
    scale: [64, 128, 256]
    ratio: [1.0, 0.5, 2.0]
  }
  freeze_blocks: [0, 1]
}
dataset_config {
  data_sources { tfrecords_path: "records/train*" }
  image_extension: "png"
  target_class_mapping { key: "car" value: "car" }
  validation_fold: 0
}
training_config {
  batch_size_per_gpu: 8
  num_epochs: 20
  optimizer { sgd { momentum: 0.9 } }
  learning_rate {
    soft_start {
      base_lr: 0.02
      start_lr: 0.002
      soft_start: 0.1
      annealing_points: [0.8, 0.9]
    }
  }
}
inference_config {
  images_dir: "images"
  model: "model.tlt"
  detection_image_output_dir: "annotated"
  labels_dump_dir: "labels"
}
evaluation_config {
  model: "model.tlt"
}
"""

EFFICIENTDET = """\
training_config {
  train_batch_size: 16
  num_epochs: 300
  num_examples_per_epoch: 14700
  learning_rate: 0.1
  lr_warmup_epoch: 5
}
dataset_config {
  num_classes: 91
  image_size: "512,512"
  training_file_pattern: "records/train-*"
  validation_file_pattern: "records/val-*"
}
model_config {
  model_name: "efficientdet-d0"
}
"""

MASK_RCNN = """\
total_steps: 120000
train_batch_size: 2
num_steps_per_eval: 10000
learning_rate_steps: "[60000, 80000, 100000]"
learning_rate_decay_levels: "[0.1, 0.02, 0.002]"
data_config {
  image_size: "(832, 1344)"
  num_classes: 91
  training_file_pattern: "records/train*"
}
maskrcnn_config {
  arch: "resnet"
  nlayers: 50
  freeze_blocks: "[0, 1]"
}
"""

KITTI = """\
kitti_config {
  root_directory_path: "data"
  image_dir_name: "images"
  label_dir_name: "labels"
  val_split: 20
}
target_class_mapping { key: "car" value: "car" }
"""
