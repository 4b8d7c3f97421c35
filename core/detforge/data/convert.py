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
from detforge.errors import DatasetError, SpecError, UsageError
from detforge.requests import ConvertReport
from detforge.roadmap import arrival
from detforge.spec.conversion import check_conversion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.protos.convert_pb2 import CocoConfig, Convert, KittiConfig
    from detforge.requests import ConvertRequest

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
        SpecError: fields of the spec disagree, or it names no data set.
        DatasetError: labels or images are wrong, a class is not mapped, or the output exists
            already or cannot be written.
        UsageError: --drop_unmapped without a mapping, or there is no spec.
    """
    spec = request.spec
    if spec is None:
        raise UsageError(
            f"a COCO file without a spec {arrival('coco_conversion')}; until then name it in the "
            "coco_config of a conversion spec: -d FILE"
        )
    writer = RecordWriter(request.output)
    writer.check_free(force=request.force)
    config = cast("Convert", spec.message)
    if problems := check_conversion(config):
        raise SpecError([spec.locate(problem) for problem in problems])
    mapping = {label.lower(): name for label, name in sorted(config.target_class_mapping.items())}
    if request.drop_unmapped and not mapping:
        raise UsageError(
            "--drop_unmapped leaves out what target_class_mapping does not name, and "
            f"{spec.file} has none, so that every label is kept. Add the classes to "
            "keep to target_class_mapping, or leave the option out"
        )
    plan = _plan(config)
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


def _plan(config: Convert) -> _Plan:
    if config.HasField("kitti_config"):
        return _kitti_plan(config.kitti_config, config.image_directory_path)
    return _coco_plan(config.coco_config, config.image_directory_path)


def _kitti_plan(config: KittiConfig, image_root: str) -> _Plan:
    root = Path(config.root_directory_path)
    images = Path(image_root or root) / config.image_dir_name
    labels = root / config.label_dir_name
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


def _coco_plan(config: CocoConfig, image_root: str) -> _Plan:
    root = Path(config.root_directory_path)
    annotations = [root / name for name in config.annotation_files]
    images = [Path(image_root or root) / name for name in config.img_dir_names]
    shards = list(config.num_shards)
    if len(shards) == 1:
        shards *= len(annotations)
    folds = []
    for name, file, folder, count in zip(
        config.annotation_files, annotations, images, shards, strict=True
    ):
        source = CocoFile(file, folder)
        folds.append(FoldPlan(name, source, range(len(source)), count))
    description = {
        "kind": "coco",
        "annotations": [str(file) for file in annotations],
        "images": [str(folder) for folder in images],
    }
    return _Plan(tuple(folds), description)


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
    names = tuple(name for name in classes if name is not None)
    return replace(sample.select(kept), class_names=names, dropped=(*sample.dropped, *dropped))
