"""Small specs of Faster R-CNN, and what becomes of them."""

from __future__ import annotations

from typing import Any

from detforge.spec.floats import shortest
from tests.detector_specs import DetectorSpecs

SIZE = "size_height_width { height: 384 width: 1248 }"
SHORTER_SIDE = "size_min { min: 600 }"
COLOR = """
  image_channel_order: "bgr"
  image_channel_mean { key: "b" value: 103.939 }
  image_channel_mean { key: "g" value: 116.779 }
  image_channel_mean { key: "r" value: 123.68 }
"""
GREY = """
  image_type: GRAY_SCALE
  image_channel_order: "l"
  image_channel_mean { key: "l" value: 117.3786 }
"""
SOURCE = 'data_sources { tfrecords_path: "records/a*" }'
MAPPING = """
  target_class_mapping { key: "car" value: "car" }
  target_class_mapping { key: "van" value: "car" }
  target_class_mapping { key: "pedestrian" value: "person" }
"""
BATCH = "batch_size_per_gpu: 1"
OPTIMIZER = "optimizer { sgd { momentum: 0.9 } }"
RATE = "learning_rate { soft_start { base_lr: 0.02 start_lr: 0.002 soft_start: 0.1 } }"


def spec_text(
    *,
    size: str = SIZE,
    color: str = COLOR,
    image: str = "",
    arch: str = "resnet:18",
    model: str = "",
    source: str = SOURCE,
    mapping: str = MAPPING,
    data: str = "",
    batch: str = BATCH,
    optimizer: str = OPTIMIZER,
    rate: str = RATE,
    training: str = "",
    rest: str = "",
) -> str:
    """Return a spec with what must be there, as far as the arguments leave it so.

    Args:
        size: fields of input_image_config, as are color and image.
        color: likewise.
        image: likewise.
        arch: the backbone.
        model: more fields of model_config.
        source: fields of dataset_config, as are mapping and data.
        mapping: likewise.
        data: likewise.
        batch: fields of training_config, as are optimizer, rate and training.
        optimizer: likewise.
        rate: likewise.
        training: likewise.
        rest: fields and blocks of the top level.
    """
    return f"""
model_config {{
  arch: "{arch}"
  input_image_config {{ {size} {color} {image} }}
  anchor_box_config {{ scale: [64.0, 128.0, 256.0] ratio: [1.0, 0.5, 2.0] }}
  {model}
}}
dataset_config {{ {source} {mapping} {data} }}
training_config {{ {batch} {optimizer} {rate} {training} }}
{rest}
"""


def preprocessing(fields: str) -> str:
    return f"augmentation_config {{ preprocessing {{ {fields} }} }}"


specs = DetectorSpecs("faster_rcnn")
read, recipe = specs.read, specs.recipe
problems, warnings = specs.problems, specs.warnings


def value_at(message: Any, path: str) -> Any:
    """Return the field at a path: the name of an enum, a list or a dictionary of plain values."""
    *blocks, name = path.split(".")
    for block in blocks:
        message = getattr(message, block)
    field, value = message.DESCRIPTOR.fields_by_name[name], getattr(message, name)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, bool | int | str):
        return value
    return dict(value) if hasattr(value, "keys") else list(value)
