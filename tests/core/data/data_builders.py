"""Small recipes, requests and sources for the tests of the data room."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import cv2
import numpy as np

from detforge.data.samples import Sample, SampleSource
from detforge.protos.convert_pb2 import Convert
from detforge.recipe import (
    Checkpoints,
    Classes,
    ColorShift,
    Data,
    Evaluation,
    Expand,
    HorizontalFlip,
    InputFormat,
    IouCrop,
    Photometric,
    RandomInterpolation,
    Recipe,
    ScaleJitter,
    SoftStartAnnealing,
    Spatial,
    VerticalFlip,
)
from detforge.requests import ConvertRequest
from detforge.spec import parse_spec

SHAPES = ("circle", "square", "triangle")

SSD_CHAIN = (
    Photometric(brightness=32, contrast=0.5, saturation=0.5, hue=18),
    Expand(min_ratio=1.0, max_ratio=4.0),
    IouCrop(min_scale=0.3, max_scale=1.0, min_aspect_ratio=0.5, max_aspect_ratio=2.0),
    HorizontalFlip(probability=0.5),
    RandomInterpolation(),
)

DETECTNET_CHAIN = (
    HorizontalFlip(probability=0.5),
    VerticalFlip(probability=0.5),
    Spatial(
        min_shrink=0.8,
        max_shrink=1.25,
        max_shift_x=12,
        max_shift_y=8,
        max_rotation=0.5,
        rotation_probability=0.7,
    ),
    ColorShift(
        shift_stddev=0.05,
        max_hue_rotation=25,
        max_saturation_shift=0.2,
        max_contrast_scale=0.1,
    ),
)
JITTER_CHAIN = (HorizontalFlip(probability=0.5), ScaleJitter(min_scale=0.1, max_scale=2.0))


def detector_stub(readers=()):
    """What the data room asks of a detector: its further readers."""
    return SimpleNamespace(hook=SimpleNamespace(dataset_readers=lambda: list(readers)))


def network(width=64, height=48, **changes):
    return InputFormat(**{"width": width, "height": height} | changes)


def make_recipe(classes=SHAPES, *, augmentation=(), input=None, evaluation_batch=4, **data):
    schedule = SoftStartAnnealing(
        min_learning_rate=1e-4, max_learning_rate=1e-2, soft_start=0.1, annealing=0.5
    )
    return Recipe(
        classes=Classes(names=tuple(classes), mapping={name.lower(): name for name in classes}),
        input=input or network(),
        data=Data(**{"training": (), "batch_size": 4, "workers": 1} | data),
        checkpoints=Checkpoints(name="test"),
        schedule=schedule,
        epochs=1,
        augmentation=tuple(augmentation),
        evaluation=Evaluation(batch_size=evaluation_batch),
    )


def convert_request(text, output, **options):
    spec = parse_spec(text, Convert, "convert.txt")
    return ConvertRequest(detector=detector_stub(), spec=spec, output=output, **options)


def kitti_spec(images, labels, *, shards=2, val_split=25, mapping=None, extension=".jpg"):
    text = f"""
        kitti_config {{
          image_dir_name: "{images}" label_dir_name: "{labels}" image_extension: "{extension}"
          num_shards: {shards} val_split: {val_split} partition_mode: "random"
        }}
    """
    return text + mapping_text(mapping)


def coco_spec(annotations, images, *, shards=(1,), partitions=None, mapping=None):
    lists = "".join(f' annotation_files: "{path}"' for path in annotations)
    lists += "".join(f' img_dir_names: "{path}"' for path in images)
    lists += "".join(f" num_shards: {count}" for count in shards)
    count = len(annotations) if partitions is None else partitions
    return f"coco_config {{ num_partitions: {count} {lists} }}" + mapping_text(mapping)


def mapping_text(mapping):
    pairs = (mapping or {}).items()
    return "".join(f' target_class_mapping {{ key: "{k}" value: "{v}" }}' for k, v in pairs)


def write_kitti(folder, rows_by_stem, *, size=(64, 48), extension=".png"):
    """Write grey images and label files; returns (images, labels)."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    picture = cv2.imencode(extension, np.full((size[1], size[0], 3), 90, np.uint8))[1].tobytes()
    for stem, rows in rows_by_stem.items():
        (images / f"{stem}{extension}").write_bytes(picture)
        (labels / f"{stem}.txt").write_text("".join(f"{row}\n" for row in rows))
    return images, labels


def kitti_row(name="car", box=(10, 10, 30, 30), occlusion="0"):
    numbers = " ".join(str(v) for v in box)
    return f"{name} 0.00 {occlusion} 0.00 {numbers} 0 0 0 0 0 0 0"


class ListSource(SampleSource):
    """Samples held in memory."""

    def __init__(self, samples, name="memory"):
        self.name = name
        self.samples = list(samples)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, row):
        return self.samples[row]

    def class_counts(self):
        names = [name for sample in self.samples for name in sample.class_names]
        return {name: names.count(name) for name in sorted(set(names))}

    def max_objects(self):
        return max(len(sample.class_names) for sample in self.samples)


def make_sample(boxes, names, *, image=None, masks=None, **flags):
    """A sample of a drawn image, 64 x 48 unless given."""
    image = np.full((48, 64, 3), 120, np.uint8) if image is None else image
    encoded = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    count = len(names)
    return Sample(
        name="memory.png",
        encoded=encoded,
        width=image.shape[1],
        height=image.shape[0],
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        class_names=tuple(names),
        difficult=np.array(flags.get("difficult", [False] * count), bool),
        crowd=np.array(flags.get("crowd", [False] * count), bool),
        masks=masks,
    )


def assert_same_sample(got, want):
    """Everything but the place of the file; boxes to a hundredth of a pixel."""
    assert (got.name, got.width, got.height) == (want.name, want.width, want.height)
    assert (got.class_names, got.source_id) == (want.class_names, want.source_id)
    np.testing.assert_allclose(got.boxes, want.boxes, rtol=0, atol=0.01)
    np.testing.assert_array_equal(got.difficult, want.difficult)
    np.testing.assert_array_equal(got.crowd, want.crowd)
    np.testing.assert_array_equal(got.image(), want.image())
    assert (got.masks or ()) == (want.masks or ())


def with_each_value_replaced(content, value):
    """JSON content again and again, each time with one of its values, at any depth, replaced."""
    for *way, last in _places(content):
        changed = inner = copy.deepcopy(content)
        for key in way:
            inner = inner[key]
        inner[last] = value
        yield changed


def _places(content, place=()):
    inside = dict(enumerate(content)) if isinstance(content, list) else content
    for key, inner in inside.items() if isinstance(inside, dict) else ():
        yield (*place, key)
        yield from _places(inner, (*place, key))
