"""Options of ``dataset_convert``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import FILE, FOLDER
from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEVER_ENCRYPTED = "records are never encrypted"

OPTIONS = (
    Option(
        name="spec",
        spellings=("-d", "--dataset_spec", "--dataset_export_spec"),
        help="Conversion spec",
        type=FILE,
        group="reads",
        example="convert.txt",
    ),
    replace(
        shared.CHANGES,
        help="Change a field of the spec for this run, kitti_config.val_split=20; once a field",
    ),
    Option(
        name="image_dir",
        spellings=("-i", "--image_dir"),
        help="Folder of the images of a COCO file",
        type=FOLDER,
        group="reads",
        example="images",
    ),
    Option(
        name="annotations_file",
        spellings=("-a", "--annotations_file"),
        help="COCO file",
        type=FILE,
        group="reads",
        example="instances.json",
    ),
    Option(
        name="output",
        spellings=("-o", "--output", "--output_filename", "--output_dir"),
        help="Where the records go: the start of their names (--output_filename), or a folder "
        "(--output_dir, or a / at the end)",
        required=True,
        metavar="PREFIX",
        group="writes",
        example="records/train",
        output="file",
    ),
    shared.FORCE,
    Option(
        name="tag",
        spellings=("-t", "--tag"),
        help="Start of the names of the record files in their folder; without it the name of "
        "the COCO file",
    ),
    Option(
        name="num_shards",
        spellings=("-s", "--num_shards"),
        help="Number of record files",
        type=click.IntRange(min=1),
        default=256,
    ),
    Option(
        name="include_mask",
        spellings=("--include_mask", "--include_masks"),
        help="Keep the masks of the COCO file",
        type=bool,
    ),
    Option(
        name="drop_unmapped",
        spellings=("--drop_unmapped",),
        help="Leave out labels that the mapping does not name, instead of refusing them",
        type=bool,
    ),
    Option(
        name="class_file",
        spellings=("-c", "--class_names_file"),
        help="File of class names, one a line, for a spec without target_class_mapping",
        type=FILE,
    ),
    Option(
        name="validation_fold",
        spellings=("-f", "--validation_fold"),
        help="Fold that the sample modifier leaves as it is",
        type=click.IntRange(min=0),
    ),
    Option(
        name="no_decode",
        spellings=("--no_decode",),
        help="Check only header and end of each image, instead of decoding it: several times as "
        "fast, and damage in between shows in training",
        type=bool,
    ),
    Option(
        name="resume",
        spellings=("--resume",),
        help="Go on with a conversion that did not finish",
        type=bool,
        group="writes",
    ),
    Option(
        name="processes",
        spellings=("--processes",),
        help="Processes that do the work; 0: one per core",
        type=click.IntRange(min=0),
        default=0,
    ),
    replace(shared.KEY, no_effect=_NEVER_ENCRYPTED),
    replace(shared.KEY_FILE, no_effect=_NEVER_ENCRYPTED),
    shared.RESULTS_DIR,
    replace(shared.GPU_INDEX, remark="conversion uses no GPU"),
    *shared.MESSAGES,
)

_OF_COCO = ("image_dir", "annotations_file", "tag", "num_shards", "include_mask")


def check(options: Mapping[str, Option], values: Mapping[str, Any]) -> None:
    """Hold a conversion to one of its two ways: by a spec, or by a COCO file and its images."""
    of_coco = [
        options[name].title
        for name in _OF_COCO
        if values[name] not in (None, False, options[name].default)
    ]
    absent = [name for name in ("image_dir", "annotations_file") if values[name] is None]
    if values["spec"] is not None:
        if of_coco:
            raise UsageError(
                f"{options['spec'].title} says what to convert; leave out {', '.join(of_coco)}, "
                "or the spec"
            )
    elif absent and not of_coco:
        raise UsageError(
            "missing --dataset_spec (-d), or --image_dir (-i) and --annotations_file (-a)"
        )
    elif absent:
        raise UsageError(f"missing {', '.join(options[name].title for name in absent)}")
    elif values["changes"]:
        raise UsageError(f"{options['changes'].title} changes a spec, and there is none")
