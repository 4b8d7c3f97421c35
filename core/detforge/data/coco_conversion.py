"""What is written of a COCO file that is converted without a spec.

For detectors whose class numbers are category ids: EfficientDet, Mask R-CNN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.coco import CocoFile
from detforge.data.conversion_plan import ConversionPlan, FoldPlan, ShardPlan, deal_in_turn
from detforge.data.manifest import undivided_shard_name
from detforge.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from detforge.data.samples import Sample
    from detforge.requests import ConvertRequest


def plan_coco_file(request: ConvertRequest) -> ConversionPlan:
    """Return the plan of one undivided set of records; all labels are read, and no image.

    Image i of the file goes to shard i modulo their number.

    Raises:
        DatasetError: labels are wrong, category ids cannot be class numbers, or there are no
            masks to keep.
        UsageError: the file or the folder of its images is not named.
    """
    file, images = request.annotations_file, request.image_dir
    if file is None or images is None:
        raise UsageError("without a spec, name a COCO file and the folder of its images")
    source = CocoFile(file, images, masks=request.include_mask)
    if request.include_mask and not source.has_masks:
        raise DatasetError(f"{file} has no outlines (segmentation) to make masks of")
    used = source.category_numbers()
    if not used:
        raise DatasetError(f"{file} has no object of a class to learn")
    unused = {name: number for number, name in source.categories.items() if number > 0}
    numbers = dict(sorted({**unused, **used}.items(), key=lambda item: item[1]))
    pieces = deal_in_turn(range(len(source)), request.num_shards)
    shards = (
        ShardPlan(undivided_shard_name(request.output.name, number, len(pieces)), 0, rows)
        for number, rows in enumerate(pieces)
    )
    return ConversionPlan(
        folds=(FoldPlan(name=file.name, source=source, shards=tuple(shards)),),
        left_out=(),
        numbers=numbers,
        prepare=_as_it_is,
        decode=not request.no_decode,
        description={
            "kind": "coco",
            "annotations": [str(file)],
            "images": [str(images)],
            "masks": request.include_mask,
        },
    )


def _as_it_is(sample: Sample) -> Sample:
    return sample
