"""Labelled images to records: the images and labels of a conversion spec, dealt to folds."""

from __future__ import annotations

import logging
import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from detforge import __version__
from detforge.data.coco import CocoFile
from detforge.data.kitti import KittiFolder
from detforge.data.labels import explain_unmapped, is_ignore_marker, unmapped_counts
from detforge.data.manifest import Manifest
from detforge.data.samples import Dropped, Sample
from detforge.data.writer import FoldPlan, RecordWriter
from detforge.errors import DatasetError, Problem, SpecError, UsageError
from detforge.requests import ConvertReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.protos.convert_pb2 import CocoConfig, Convert, KittiConfig
    from detforge.requests import ConvertRequest
    from detforge.spec import Spec

log = logging.getLogger(__name__)

# Fixed, so that a data set converted again is dealt out alike.
PARTITION_SEED = 42

DONT_CARE = "DontCare"
UNMAPPED = "not in target_class_mapping"


class _Plan(NamedTuple):
    folds: tuple[FoldPlan, ...]
    description: dict[str, Any]


def convert_dataset(request: ConvertRequest) -> ConvertReport:
    """Write the records that a conversion spec asks for, and say what became of the data.

    Each image is decoded once, to be sure that training can. Running twice gives the same shards
    to the byte. A run that is killed leaves nothing that training would read.

    Raises:
        SpecError: the spec names no data set, or its lists disagree in length.
        DatasetError: labels or images are wrong, a class is not mapped, or the output exists
            already or cannot be written.
        UsageError: --drop_unmapped without a mapping.
    """
    writer = RecordWriter(request.output)
    writer.check_free(force=request.force)
    config = cast("Convert", request.spec.message)
    mapping = _mapping(request.spec, config)
    if request.drop_unmapped and not mapping:
        raise UsageError(
            "--drop_unmapped leaves out what target_class_mapping does not name, and "
            f"{request.spec.file} has none, so that every label is kept. Add the classes to "
            "keep to target_class_mapping, or leave the option out"
        )
    plan = _plan(request.spec, config)
    counts = _class_counts(plan)
    if mapping and not request.drop_unmapped:
        _check_mapped(counts, mapping)
    classes = _classes(counts, mapping)
    if not any(_class_of(name, mapping) and count for name, count in counts.items()):
        raise DatasetError(f"{plan.folds[0].source.name} has no object of a class to learn")
    log.info("classes of the records: %s", ", ".join(classes))
    with writer:
        folds = writer.write(plan.folds, classes, lambda sample: _rename(sample, mapping))
        manifest = Manifest(
            detforge=__version__,
            classes=classes,
            folds=folds,
            source={**plan.description, "target_class_mapping": mapping},
            dropped=writer.dropped,
        )
        writer.publish(manifest)
    return ConvertReport(
        manifest=writer.manifest,
        images={fold.name: fold.images for fold in folds},
        objects={fold.name: fold.objects for fold in folds},
        dropped=writer.dropped,
        dropped_file=writer.dropped_file if writer.dropped else None,
    )


def _plan(spec: Spec, config: Convert) -> _Plan:
    kind = config.WhichOneof("dataset")
    if kind == "kitti_config":
        return _kitti_plan(config.kitti_config)
    if kind == "coco_config":
        return _coco_plan(spec, config.coco_config)
    problem = Problem("", "no data set is named; give a kitti_config or a coco_config")
    raise SpecError(spec.locate(problem))


def _kitti_plan(config: KittiConfig) -> _Plan:
    root = Path(config.root_directory_path)
    images, labels = root / config.image_dir_name, root / config.label_dir_name
    source = KittiFolder(images, labels, extension=config.image_extension, field="kitti_config")
    rows = list(range(len(source)))
    random.Random(PARTITION_SEED).shuffle(rows)
    # A third-decimal percentage is a little less in binary; its text is what was meant.
    percent = Decimal(f"{config.val_split:.6g}")
    held_out = int(percent * len(rows) / 100)
    folds = (
        FoldPlan("validation", source, rows[:held_out], config.num_shards),
        FoldPlan("training", source, rows[held_out:], config.num_shards),
    )
    description = {
        "kind": "kitti",
        "images": str(images),
        "labels": str(labels),
        "partition_mode": config.partition_mode,
        "val_split": float(percent),
        "seed": PARTITION_SEED,
    }
    return _Plan(folds, description)


def _coco_plan(spec: Spec, config: CocoConfig) -> _Plan:
    shards = _shard_counts(spec, config)
    root = Path(config.root_directory_path)
    folds = []
    for file, images, count in zip(
        config.annotation_files, config.img_dir_names, shards, strict=True
    ):
        source = CocoFile(root / file, root / images)
        folds.append(FoldPlan(file, source, range(len(source)), count))
    description = {
        "kind": "coco",
        "annotations": [str(root / file) for file in config.annotation_files],
        "images": [str(root / folder) for folder in config.img_dir_names],
    }
    return _Plan(tuple(folds), description)


def _shard_counts(spec: Spec, config: CocoConfig) -> list[int]:
    """Return the number of shards of each partition.

    Raises:
        SpecError: the lists of the spec disagree with num_partitions, or a file is named twice.
    """
    wanted = config.num_partitions
    problems = []
    for name in ("annotation_files", "img_dir_names"):
        entries = len(getattr(config, name))
        if entries != wanted:
            message = f"has {entries} entries, but num_partitions is {wanted}; they must agree"
            problems.append(Problem(f"coco_config.{name}", message))
    shards = list(config.num_shards)
    if len(shards) not in (1, wanted):
        message = f"has {len(shards)} entries; give one for all, or {wanted}, one per partition"
        problems.append(Problem("coco_config.num_shards", message))
    for file, times in Counter(config.annotation_files).items():
        if times > 1:
            problems.append(Problem("coco_config.annotation_files", f"{file!r} is named twice"))
    if problems:
        raise SpecError([spec.locate(problem) for problem in problems])
    return shards * wanted if len(shards) == 1 else shards


def _mapping(spec: Spec, config: Convert) -> dict[str, str]:
    """Return the mapping of the spec with lower-case keys; empty for 'keep labels as they are'.

    Raises:
        SpecError: two keys differ only in case and lead to different classes.
    """
    mapping: dict[str, str] = {}
    for key, target in sorted(config.target_class_mapping.items()):
        if mapping.setdefault(key.lower(), target) != target:
            message = (
                f"labels are compared without case, and {key.lower()!r} is mapped to both "
                f"{mapping[key.lower()]!r} and {target!r}"
            )
            raise SpecError(spec.locate(Problem("target_class_mapping", message)))
    return mapping


def _class_of(name: str, mapping: Mapping[str, str]) -> str | None:
    """Return the class of a label in the records, None for one that is left out."""
    if mapping:
        return mapping.get(name.lower())
    return None if is_ignore_marker(name) else name


def _class_counts(plan: _Plan) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for source in {id(fold.source): fold.source for fold in plan.folds}.values():
        counts.update(source.class_counts())
    return dict(counts)


def _check_mapped(counts: Mapping[str, int], mapping: Mapping[str, str]) -> None:
    if unmapped := unmapped_counts(counts, mapping):
        raise DatasetError(
            "the labels have classes that target_class_mapping does not name: "
            f"{explain_unmapped(unmapped, mapping)}. Add them to target_class_mapping, or leave "
            "their objects out with --drop_unmapped"
        )


def _classes(counts: Mapping[str, int], mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Return the class list: what the mapping leads to, or without one what the labels name."""
    names = mapping.values() if mapping else (n for n in counts if not is_ignore_marker(n))
    return tuple(sorted(set(names)))


def _rename(sample: Sample, mapping: Mapping[str, str]) -> Sample:
    """Return a sample with the classes of the records, without the objects that have none."""
    classes = [_class_of(name, mapping) for name in sample.class_names]
    kept = np.array([name is not None for name in classes], bool)
    dropped = [
        Dropped(
            place=sample.place,
            class_name=name,
            reason=DONT_CARE if is_ignore_marker(name) else UNMAPPED,
            box=tuple(sample.boxes[i].tolist()),
        )
        for i, name in enumerate(sample.class_names)
        if not kept[i]
    ]
    masks = sample.masks
    return replace(
        sample,
        class_names=tuple(name for name in classes if name is not None),
        boxes=sample.boxes[kept],
        difficult=sample.difficult[kept],
        crowd=sample.crowd[kept],
        masks=None if masks is None else tuple(m for m, k in zip(masks, kept, strict=True) if k),
        dropped=(*sample.dropped, *dropped),
    )
