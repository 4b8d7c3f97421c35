"""Small models of Faster R-CNN and batches for them."""

from __future__ import annotations

import numpy as np

from detforge.spec import parse_spec
from detforge_faster_rcnn import plugin, spec_pb2
from tests.faster_rcnn.specs import spec_text

SIZE = 128
TRAINING = """
  gt_as_roi: true
  rpn_mini_batch: 64
  rpn_pre_nms_top_N: 300
  rpn_nms_max_boxes: 100
"""
DETECTING = """
  rpn_pre_nms_top_N: 200
  rpn_nms_max_boxes: 50
  object_confidence_thres: 0.05
"""


FIXED_SIZE = f"size_height_width {{ height: {SIZE} width: {SIZE} }}"


def small_spec(*, arch="resnet:10", model="", training=TRAINING, size=FIXED_SIZE, **changes):
    """Return the text of a spec with small anchors, samples and numbers of proposals."""
    text = spec_text(
        arch=arch,
        size=size,
        model=f"roi_mini_batch: 16 {model}",
        training=training,
        rest=f"evaluation_config {{ {DETECTING} }} inference_config {{ {DETECTING} }}",
        **changes,
    )
    return text.replace("[64.0, 128.0, 256.0]", "[16.0, 32.0, 64.0]")


def small_message(**changes):
    """Return `small_spec`, read."""
    return parse_spec(small_spec(**changes), spec_pb2.Experiment).message


def recipe_of(**changes):
    """Return the recipe of `small_spec`."""
    return plugin.recipe(small_message(**changes))


def build(mode="train", **changes):
    """Return the model of `small_spec`."""
    spec = small_message(**changes)
    return plugin.build_model(spec, plugin.recipe(spec), mode)


def batch(images=2, objects=4, size=SIZE, seed=0, channels=3):
    """Return coloured ground with some objects; the last image has none."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, size / 2, (images, objects, 2))
    sides = rng.uniform(10, size / 2, low.shape)
    labels = rng.integers(0, 2, (images, objects)).astype(np.int32)
    labels[-1], labels[:, -1] = -1, -1
    boxes = np.concatenate([low, low + sides], axis=2)
    return {
        "images": rng.normal(0, 60, (images, size, size, channels)).astype(np.float32),
        "valid": np.full((images, 2), size, np.int32),
        "boxes": np.where(labels[..., None] >= 0, boxes, 0).astype(np.float32),
        "labels": labels,
        "ignore": np.zeros(labels.shape, bool),
        "row": np.arange(images, dtype=np.int32),
        "seed": np.arange(images, dtype=np.int32) + 100 * seed,
    }
