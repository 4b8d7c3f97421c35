"""Options of ``inference``."""

from __future__ import annotations

from dataclasses import replace

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import FILE, FILE_OR_FOLDER, PATH

_RESULTS = (
    "Folder for the report as JSON and, where -o or -l is left out, for images_annotated or labels"
)

OPTIONS = (
    shared.SPEC,
    shared.CHANGES,
    replace(shared.MODEL, help="Checkpoint, or an exported ONNX file"),
    Option(
        name="images",
        spellings=("-i", "--image_dir", "--in_image_dir", "--in_image_path"),
        help="Folder of images, or one image",
        type=FILE_OR_FOLDER,
        required=True,
        group="reads",
        example="images",
    ),
    Option(
        name="label_map",
        spellings=("--label_map", "--class_map", "-c"),
        help="File of class names, one a line in the order of the classes",
        type=FILE,
        group="reads",
    ),
    Option(
        name="annotated_dir",
        spellings=("-o", "--out_image_dir", "--out_image_path"),
        help="Folder for the images with the boxes drawn",
        type=PATH,
        metavar="FOLDER",
        group="writes",
        example="annotated",
        in_results="images_annotated",
    ),
    Option(
        name="labels_dir",
        spellings=("-l", "--out_label_dir", "--out_label_path"),
        help="Folder for KITTI label files with scores",
        type=PATH,
        metavar="FOLDER",
        group="writes",
        example="labels",
        in_results="labels",
    ),
    Option(
        name="detections_file",
        spellings=("--out_json_file", "--out_json"),
        help="File for all objects as COCO results: a JSON list",
        type=PATH,
        metavar="FILE",
        group="writes",
    ),
    replace(
        shared.FORCE,
        help="Replace label files that inference did not write too; its own, the drawings, the "
        "JSON and the report are replaced in any case",
    ),
    Option(
        name="threshold",
        spellings=("-t", "--threshold"),
        help="Least score of what is drawn and written; without it the detector's own",
        type=click.FloatRange(0, 1),
    ),
    Option(
        name="include_mask",
        spellings=("--include_mask", "--include_masks"),
        help="Draw the masks too",
        type=bool,
    ),
    *(
        replace(option, help=_RESULTS) if option is shared.RESULTS_DIR else option
        for option in shared.COMMON
    ),
)
