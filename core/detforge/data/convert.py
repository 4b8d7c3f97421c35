"""Labelled images to records: the task `dataset_convert`."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from typing import TYPE_CHECKING

from detforge import __version__
from detforge.data.coco_conversion import plan_coco_file
from detforge.data.manifest import Fold, Manifest
from detforge.data.spec_conversion import plan_by_spec
from detforge.data.writer import RecordWriter
from detforge.errors import DatasetError
from detforge.requests import ConvertReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detforge.data.conversion_plan import ConversionPlan
    from detforge.data.shards import ShardEntry
    from detforge.requests import ConvertRequest

log = logging.getLogger(__name__)


def convert_dataset(request: ConvertRequest) -> ConvertReport:
    """Write the records that are asked for, and say what became of the data.

    Each image is decoded once, to be sure that training can. Running twice gives the same shards
    to the byte, whatever the number of processes. A run that is killed leaves nothing that
    training would read, and can go on where it was.

    Raises:
        SpecError: fields of the spec disagree, or it names no data set.
        DatasetError: labels or images are wrong, a class is not mapped, or the output exists
            already or cannot be written.
        UsageError: options disagree with each other, with the spec or with the data.
    """
    writer = RecordWriter(request.output)
    writer.check_free(force=request.force, resume=request.resume)
    spec = request.spec
    plan = plan_coco_file(request) if spec is None else plan_by_spec(request, spec)
    try:
        with writer.open(plan, resume=request.resume):
            entries = writer.write(plan, processes=request.processes)
            by_fold = _by_fold(plan, entries)
            manifest = _manifest(plan, by_fold)
            warnings = {} if spec else {k: v for e in entries for k, v in e.warnings.items()}
            writer.publish(manifest, warnings)
    except DatasetError as err:
        if not writer.can_resume:
            raise
        raise DatasetError(f"{err}. Once that is mended, --resume goes on from here") from err
    except KeyboardInterrupt:
        if writer.can_resume:
            log.warning("what is converted so far is kept; --resume goes on from here")
        raise
    return ConvertReport(
        manifest=writer.manifest,
        images={fold.name: fold.images for fold in manifest.folds},
        objects={fold.name: fold.objects for fold in manifest.folds},
        class_images={
            fold.name: _total(entry.class_images for entry in own)
            for fold, own in zip(plan.folds, by_fold, strict=True)
        },
        dropped=manifest.dropped,
        dropped_file=writer.dropped_file if manifest.dropped else None,
        notes=manifest.notes,
        warnings_file=writer.warnings_file if warnings else None,
    )


def _by_fold(plan: ConversionPlan, entries: Iterable[ShardEntry]) -> list[tuple[ShardEntry, ...]]:
    rest = iter(entries)
    return [tuple(itertools.islice(rest, len(fold.shards))) for fold in plan.folds]


def _manifest(plan: ConversionPlan, by_fold: Sequence[Sequence[ShardEntry]]) -> Manifest:
    entries = [entry for own in by_fold for entry in own]
    left_out = Counter(one.reason for one in plan.left_out)
    return Manifest(
        detforge=__version__,
        classes=tuple(plan.numbers),
        class_numbers=plan.numbers,
        folds=tuple(
            Fold(index=index, name=fold.name, shards=tuple(entry.shard for entry in own))
            for index, (fold, own) in enumerate(zip(plan.folds, by_fold, strict=True))
        ),
        source=plan.description,
        dropped=_total([left_out, *(entry.dropped for entry in entries)]),
        notes=_total(entry.notes for entry in entries),
    )


def _total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
