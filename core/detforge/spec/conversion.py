"""Checks of the conversion spec (``detforge/protos/convert.proto``) that need several fields."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec.class_mapping import check_class_mapping
from detforge.spec.fields import element_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.protos.convert_pb2 import CocoConfig, Convert


def check_conversion(config: Convert) -> list[Problem]:
    """Return the disagreements between fields of a conversion spec.

    Args:
        config: a spec that follows its rules, absent fields filled in.
    """
    problems = [*check_class_mapping("target_class_mapping", config.target_class_mapping)]
    if config.HasField("coco_config"):
        problems += _check_partitions(config.coco_config)
    elif not config.HasField("kitti_config"):
        problems.append(Problem("", "no data set is named; give a kitti_config or a coco_config"))
    return problems


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
