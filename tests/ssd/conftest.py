"""A small SSD on drawn scenes."""

from __future__ import annotations

from pathlib import Path

import pytest

SPEC = """
random_seed: 7
ssd_config {{
  aspect_ratios_global: "[1.0]"
  scales: "[0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0]"
  two_boxes_for_ar1: true
  arch: "resnet"
  nlayers: 10
}}
training_config {{
  batch_size_per_gpu: {batch}
  num_epochs: {epochs}
  checkpoint_interval: {interval}
  learning_rate {{ soft_start_annealing_schedule {{
    min_learning_rate: 1e-4 max_learning_rate: {rate} soft_start: 0.1 annealing: 0.6 }} }}
}}
eval_config {{ average_precision_mode: INTEGRATE validation_period_during_training: {epochs} }}
nms_config {{ clustering_iou_threshold: 0.5 top_k: 50 }}
augmentation_config {{
  output_width: 128 output_height: 128
  brightness: 0 contrast: 0 saturation: 0 hue: 0 random_flip: 0
  zoom_out_max_scale: 1 random_crop_min_scale: 1
}}
dataset_config {{
  data_sources {{ image_directory_path: "{data}/images" label_directory_path: "{data}/labels" }}
  validation_data_sources {{
    image_directory_path: "{data}/images" label_directory_path: "{data}/labels" }}
  target_class_mapping {{ key: "circle" value: "circle" }}
  target_class_mapping {{ key: "square" value: "square" }}
  target_class_mapping {{ key: "triangle" value: "triangle" }}
}}
"""


@pytest.fixture
def spec_file(tmp_path: Path, scenes: Path):
    """Return a function that writes the small spec with some values changed."""

    def write(*, data: Path = scenes, batch=4, epochs=2, rate=1e-2, interval=1) -> Path:
        path = tmp_path / f"spec_{epochs}_{batch}_{rate}.txt"
        path.write_text(
            SPEC.format(data=data, batch=batch, epochs=epochs, rate=rate, interval=interval)
        )
        return path

    return write
