"""Records as other converters write them, feature by feature."""

from __future__ import annotations

import hashlib

from detforge.data.headers import read_header
from detforge.data.tfrecord import frame
from detforge.protos.example_pb2 import Example


def example(**lists):
    """A serialised message; keys are written with double underscores for slashes."""
    message = Example()
    for key, values in lists.items():
        feature = message.features.feature[key.replace("__", "/")]
        values = list(values)
        kind = type(values[0]) if values else None
        if kind is bytes:
            feature.bytes_list.value.extend(values)
        elif kind is int:
            feature.int64_list.value.extend(values)
        else:
            feature.float_list.value.extend(values)
    return message.SerializeToString()


def tao_ssd_example(sample, numbers, folder="image_2"):
    """The image within, shares of its sides, class numbers as floats."""
    x1, y1, x2, y2 = sample.boxes.astype(float).T
    width, height = sample.width, sample.height
    return example(
        **_frame(sample, folder),
        frame__encoded=[sample.data()],
        target__object_class_id=[float(numbers[name.lower()]) for name in sample.class_names],
        target__coordinates_x1=x1 / width,
        target__coordinates_y1=y1 / height,
        target__coordinates_x2=x2 / width,
        target__coordinates_y2=y2 / height,
    )


def tao_named_example(sample, folder="image_2"):
    """The image elsewhere, pixels, class names in lower case."""
    x1, y1, x2, y2 = sample.boxes.astype(float).T
    return example(
        **_frame(sample, folder),
        target__object_class=[name.lower().encode() for name in sample.class_names],
        target__coordinates_x1=x1,
        target__coordinates_y1=y1,
        target__coordinates_x2=x2,
        target__coordinates_y2=y2,
    )


def _frame(sample, folder):
    objects = len(sample.class_names)
    nothing = [0.0] * objects
    world = ("h", "w", "l", "x", "y", "z", "rot_y")
    return {
        "frame__id": [f"{folder}/{sample.name.rpartition('.')[0]}".encode()],
        "frame__width": [sample.width],
        "frame__height": [sample.height],
        "target__truncation": nothing,
        "target__occlusion": [int(flag) for flag in sample.difficult],
        "target__observation_angle": nothing,
        **{f"target__world_bbox_{name}": nothing for name in world},
    }


def od_api_example(sample, labels, *, masks=True, texts=True, sizes=True):
    """The keys of the TensorFlow Object Detection API, without those that detforge adds."""
    x1, y1, x2, y2 = sample.boxes.astype(float).T
    width, height = sample.width, sample.height
    encoded = sample.data()
    lists = {
        "image__encoded": [encoded],
        "image__format": [read_header(encoded).format.encode()],
        "image__filename": [sample.name.encode()],
        "image__source_id": [sample.source_id.encode()],
        "image__key__sha256": [hashlib.sha256(encoded).hexdigest().encode()],
        "image__object__bbox__xmin": x1 / width,
        "image__object__bbox__ymin": y1 / height,
        "image__object__bbox__xmax": x2 / width,
        "image__object__bbox__ymax": y2 / height,
        "image__object__class__label": [labels[name] for name in sample.class_names],
        "image__object__is_crowd": [int(flag) for flag in sample.crowd],
    }
    if sizes:
        lists |= {"image__width": [width], "image__height": [height]}
    if texts:
        lists["image__object__class__text"] = [name.encode() for name in sample.class_names]
    if masks and sample.masks:
        lists["image__object__mask"] = sample.masks
    return example(**lists)


def write_shard(path, payloads):
    """A record file, and TAO's index beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [frame(payload) for payload in payloads]
    path.write_bytes(b"".join(frames))
    starts = [sum(len(f) for f in frames[:i]) for i in range(len(frames))]
    index = "".join(f"{start} {len(f)}\n" for start, f in zip(starts, frames, strict=True))
    path.with_name(f"idx-{path.name}").write_text(index)
    return path
