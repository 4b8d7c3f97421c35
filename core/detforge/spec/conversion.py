"""Checks of the conversion spec (``detforge/protos/convert.proto``) that need several fields."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from detforge.errors import Problem, SpecError
from detforge.nearest import did_you_mean
from detforge.protos import convert_pb2
from detforge.spec.checks import check_class_mapping
from detforge.spec.fields import element_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from detforge.protos.convert_pb2 import CocoConfig, Convert, KittiConfig
    from detforge.spec.load import Spec

_FIELDS_OF_CLASSES = (
    "filter_samples_containing_only",
    "dominant_target_classes",
    "minimum_target_class_imbalance",
)


def conversion_check(schema: type[Message]) -> Callable[[Spec], list[Problem]] | None:
    """Return `check_conversion` for its message; None for a conversion spec of a detector's own.

    Such a detector checks it in its own ``convert``.
    """
    return check_conversion if schema is convert_pb2.Convert else None


def check_conversion(spec: Spec) -> list[Problem]:
    """Check what takes several fields of a conversion spec.

    Args:
        spec: of a `Convert` message.

    Returns:
        The fields that have no effect, with their places.

    Raises:
        SpecError: fields disagree.
    """
    config = cast("Convert", spec.message)
    if problems := [spec.locate(problem) for problem in _problems(config)]:
        raise SpecError(problems)
    return [spec.locate(warning) for warning in _warnings(config, spec)]


def _problems(config: Convert) -> Iterator[Problem]:
    yield from check_class_mapping("target_class_mapping", config.target_class_mapping)
    if config.HasField("coco_config"):
        yield from _check_partitions(config.coco_config)
    elif config.HasField("kitti_config"):
        yield from _check_sequences(config.kitti_config)
    else:
        yield Problem("", "no data set is named; give a kitti_config or a coco_config")
    yield from _check_modifier(config)


def _check_partitions(config: CocoConfig) -> Iterator[Problem]:
    count = config.num_partitions
    lengths = {name: len(getattr(config, name)) for name in ("annotation_files", "img_dir_names")}
    if len(set(lengths.values())) == 1 and count not in lengths.values():
        files = lengths["annotation_files"]
        message = f"is {count}, but annotation_files and img_dir_names have {files}; write {files}"
        yield Problem("coco_config.num_partitions", message)
    else:
        for name, length in lengths.items():
            if length != count:
                message = f"has {length} entries, but num_partitions is {count}; they must agree"
                yield Problem(f"coco_config.{name}", message)
    shards = len(config.num_shards)
    if shards not in (1, count):
        message = f"has {shards} entries; give one for all, or {count}, one per partition"
        yield Problem("coco_config.num_shards", message)
    for index, file in enumerate(config.annotation_files):
        if Counter(config.annotation_files[: index + 1])[file] == 2:
            path = element_path("coco_config.annotation_files", index)
            yield Problem(path, f'"{file}" is named twice')


def _check_sequences(config: KittiConfig) -> Iterator[Problem]:
    if config.partition_mode == "sequence" and not config.kitti_sequence_to_frames_file:
        yield Problem(
            "kitti_config.kitti_sequence_to_frames_file",
            'is required when partition_mode is "sequence": it says which frames belong together',
        )


def _check_modifier(config: Convert) -> Iterator[Problem]:
    """Yield the classes of the sample modifier that no label leads to."""
    modifier, block = config.sample_modifier_config, "sample_modifier_config"
    own = modifier.source_to_target_class_mapping
    yield from check_class_mapping(f"{block}.source_to_target_class_mapping", own)
    known = sorted({*(own or config.target_class_mapping).values()})
    if not known:
        return  # every label is a class
    for field in _FIELDS_OF_CLASSES:
        names = list(getattr(modifier, field))
        for index, name in enumerate(names):
            is_map = field == "minimum_target_class_imbalance"
            path = element_path(f"{block}.{field}", name if is_map else index)
            if name not in known:
                hint = did_you_mean(name, known)
                yield Problem(path, f'"{name}" is none of the classes {", ".join(known)}.{hint}')
            elif name in names[:index]:
                yield Problem(path, f'"{name}" is named twice')


def _warnings(config: Convert, spec: Spec) -> Iterator[Problem]:
    split = "kitti_config.val_split"
    is_given = split in spec.positions or split in spec.changes
    if config.kitti_config.partition_mode == "sequence" and is_given:
        yield Problem(split, 'has no effect: kitti_config.partition_mode is "sequence"')
    modifier = config.sample_modifier_config
    is_used = modifier.filter_samples_containing_only or (
        modifier.dominant_target_classes and modifier.num_duplicates
    )
    if modifier.source_to_target_class_mapping and not is_used:
        yield Problem(
            "sample_modifier_config.source_to_target_class_mapping",
            "has no effect: no other field of the block names a class",
        )
