"""What a conversion spec asks to be written."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from detforge.data.coco import CocoFile
from detforge.data.conversion_plan import ConversionPlan, FoldPlan, ShardPlan, deal_contiguous
from detforge.data.images import read_bytes
from detforge.data.kitti import KittiFolder
from detforge.data.manifest import shard_name
from detforge.data.partition import (
    PARTITION_SEED,
    Partition,
    random_partition,
    read_sequences,
    sequence_partition,
)
from detforge.data.renaming import Renaming, labels_as_classes
from detforge.data.sample_modifier import SampleModifier
from detforge.data.samples import Dropped
from detforge.data.sources import check_categories
from detforge.errors import DatasetError, UsageError
from detforge.spec.conversion import check_conversion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detforge.protos.convert_pb2 import CocoConfig, Convert, KittiConfig
    from detforge.requests import ConvertRequest
    from detforge.spec import Spec

log = logging.getLogger(__name__)

NO_SEQUENCE = "image of no sequence"


class _Fold(NamedTuple):
    partition: Partition
    source: KittiFolder | CocoFile
    folder: Path
    shards: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _DataSet:
    """A data set dealt to folds.

    Attributes:
        folds: in their order.
        validation: number of the fold that is for validation by its nature; None for none.
        left_out: files that are in no fold.
        description: for the manifest.
    """

    folds: tuple[_Fold, ...]
    validation: int | None
    left_out: tuple[Dropped, ...]
    description: Mapping[str, Any]

    @property
    def counts(self) -> dict[str, int]:
        """Label -> objects."""
        counts: Counter[str] = Counter()
        for source in {id(fold.source): fold.source for fold in self.folds}.values():
            counts.update(source.class_counts())
        return dict(counts)


def plan_by_spec(request: ConvertRequest, spec: Spec) -> ConversionPlan:
    """Return what a conversion spec asks for; all labels are read, and no image.

    Raises:
        SpecError: fields of the spec disagree, or it names no data set.
        DatasetError: labels are wrong, or a class is not mapped.
        UsageError: --drop_unmapped without a mapping, or a validation fold that is none.
    """
    for warning in check_conversion(spec):
        log.warning("%s", warning)
    config = cast("Convert", spec.message)
    mapping = _mapping(config, request.class_file)
    if request.drop_unmapped and not mapping:
        raise UsageError(
            "--drop_unmapped leaves out what target_class_mapping does not name, and "
            f"{spec.file} has none, so that every label is kept. Add the classes to "
            "keep to target_class_mapping, or leave the option out"
        )
    data = _open(config)
    counts = data.counts
    renaming = Renaming(mapping or labels_as_classes(counts))
    if not request.drop_unmapped:
        renaming.check(counts)
    if not any(renaming.class_of(label) and count for label, count in counts.items()):
        raise DatasetError(f"{data.folds[0].source.name} has no object of a class to learn")
    log.info("classes of the records: %s", ", ".join(renaming.classes))
    data = _modify(data, config, renaming, request.validation_fold)
    return ConversionPlan(
        folds=tuple(_fold_plans(data.folds, request.output.name)),
        left_out=data.left_out,
        numbers={name: number for number, name in enumerate(renaming.classes, start=1)},
        prepare=renaming,
        decode=not request.no_decode,
        description={**data.description, "target_class_mapping": mapping},
    )


def _mapping(config: Convert, class_file: Path | None) -> dict[str, str]:
    """Return label, lower-case -> class: of the spec, else of the file of class names."""
    mapping = {label.lower(): name for label, name in sorted(config.target_class_mapping.items())}
    if class_file is None:
        return mapping
    names = _read_class_names(class_file)
    if not mapping:
        return {name.lower(): name for name in names}
    log.warning(
        "--class_names_file %s has no effect: target_class_mapping names the classes", class_file
    )
    return mapping


def _read_class_names(path: Path) -> list[str]:
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as err:
        raise DatasetError(f"{path} is not UTF-8 text (byte {err.start})") from err
    names = sorted(line.strip() for line in lines if line.strip())
    if not names:
        raise DatasetError(f"{path} names no class; it takes one name a line")
    by_label = sorted(names, key=str.lower)
    for one, other in pairwise(by_label):
        if one.lower() == other.lower():
            raise DatasetError(
                f"{path} names {one!r} and {other!r}; names are compared without case, so leave "
                "one out"
            )
    return names


def _open(config: Convert) -> _DataSet:
    if config.HasField("kitti_config"):
        return _open_kitti(config.kitti_config, config.image_directory_path)
    return _open_coco(config.coco_config, config.image_directory_path)


def _open_kitti(config: KittiConfig, image_root: str) -> _DataSet:
    root = Path(config.root_directory_path)
    images = Path(image_root or root) / config.image_dir_name
    labels = root / config.label_dir_name
    source = KittiFolder(images, labels, extension=config.image_extension, field="kitti_config")
    description = {
        "kind": "kitti",
        "images": str(images),
        "labels": str(labels),
        "partition_mode": config.partition_mode,
        "seed": PARTITION_SEED,
    }
    if config.partition_mode == "random":
        partitions = random_partition(len(source), config.val_split)
        description["val_split"] = float(f"{config.val_split:.6g}")
    else:
        file = root / config.kitti_sequence_to_frames_file
        rows_of = {Path(name).stem: row for row, name in enumerate(source.file_names)}
        sequences = read_sequences(file, rows_of, str(images))
        partitions = sequence_partition(sequences, config.num_partitions, str(file))
        description["sequences"] = str(file)
    used = {row for partition in partitions for row in partition.rows}
    alone = [name for row, name in enumerate(source.file_names) if row not in used]
    return _DataSet(
        folds=tuple(_Fold(p, source, images, config.num_shards) for p in partitions),
        validation=0 if config.partition_mode == "random" else None,
        left_out=(*source.left_out, *(_left_out(images / name, NO_SEQUENCE) for name in alone)),
        description=description,
    )


def _open_coco(config: CocoConfig, image_root: str) -> _DataSet:
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
        partition = Partition(name, list(range(len(source))))
        folds.append(_Fold(partition, source, folder, count))
    _compare_categories([fold.source for fold in folds])
    description = {
        "kind": "coco",
        "annotations": [str(file) for file in annotations],
        "images": [str(folder) for folder in images],
    }
    return _DataSet(folds=tuple(folds), validation=None, left_out=(), description=description)


def _compare_categories(sources: Sequence[KittiFolder | CocoFile]) -> None:
    """Refuse files that mean different things by one category id; tell what only some define."""
    check_categories(sources)
    everything = {name.lower(): name for s in sources for name in s.categories.values()}
    for source in sources:
        own = {name.lower() for name in source.categories.values()}
        if missing := sorted(everything[key] for key in everything.keys() - own):
            log.warning("%s does not define the categories %s", source.name, ", ".join(missing))


def _left_out(path: Path, reason: str) -> Dropped:
    return Dropped(place=str(path), class_name="", reason=reason)


def _modify(
    data: _DataSet, config: Convert, renaming: Renaming, validation_fold: int | None
) -> _DataSet:
    """Leave out and repeat images as the sample modifier says."""
    modifier = SampleModifier.from_spec(config.sample_modifier_config, renaming.mapping)
    if modifier and (unknown := modifier.unknown_classes):
        raise DatasetError(
            f"sample_modifier_config names {', '.join(unknown)}, and the classes of the data are "
            f"{', '.join(renaming.classes)}"
        )
    if modifier is None:
        if validation_fold is not None:
            log.warning(
                "--validation_fold has no effect: it keeps sample_modifier_config from a fold, and "
                "there is none; training takes the number from its own spec"
            )
        return data
    kept = _kept_fold(data, validation_fold)
    modified = modifier.apply(
        [fold.partition for fold in data.folds],
        () if kept is None else (kept,),
        [fold.source.object_classes for fold in data.folds],
    )
    log.info(
        "sample_modifier_config leaves out %d images and repeats %d",
        *(sum(map(len, modified.left_out)), modified.repeated),
    )
    left_out = [
        _left_out(fold.folder / fold.source.file_names[row], reason)
        for fold, reasons in zip(data.folds, modified.left_out, strict=True)
        for row, reason in sorted(reasons.items())
    ]
    folds = zip(data.folds, modified.folds, strict=True)
    return replace(
        data,
        folds=tuple(fold._replace(partition=partition) for fold, partition in folds),
        left_out=(*data.left_out, *left_out),
        description={
            **data.description,
            "sample_modifier": {**modifier.as_json(), "validation_fold": kept},
        },
    )


def _kept_fold(data: _DataSet, validation_fold: int | None) -> int | None:
    """Return the fold that the sample modifier leaves as it is."""
    count = len(data.folds)
    if validation_fold is not None:
        if validation_fold >= count:
            raise UsageError(
                f"--validation_fold is {validation_fold}, but the folds are 0 to {count - 1}"
            )
        return validation_fold
    if data.validation is None and count > 1:
        raise UsageError(
            "sample_modifier_config changes all folds but the one for validation; say which that "
            f"is: --validation_fold 0 to {count - 1}"
        )
    return data.validation


def _fold_plans(folds: Sequence[_Fold], prefix: str) -> Iterator[FoldPlan]:
    for index, fold in enumerate(folds):
        pieces = deal_contiguous(fold.partition.rows, fold.shards)
        shards = (
            ShardPlan(shard_name(prefix, index, len(folds), number, fold.shards), index, rows)
            for number, rows in enumerate(pieces)
        )
        yield FoldPlan(name=fold.partition.name, source=fold.source, shards=tuple(shards))
