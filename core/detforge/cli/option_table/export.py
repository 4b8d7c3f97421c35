"""Options of ``export``."""

from __future__ import annotations

from pathlib import Path

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import FOLDER, PATH, PRECISION, ByteSize
from detforge.deployment import NEWEST_OPSET, OLDEST_OPSET, OPSET

_CALIBRATION = (
    Option(
        name="cal_json_file",
        spellings=("--cal_json_file",),
        help="JSON file for the ranges of a model that was trained with quantisation",
        type=PATH,
        metavar="FILE",
        group="writes",
        arrives="quantization",
    ),
    Option(
        name="cal_data_file",
        spellings=("--cal_data_file",),
        help="Tensorfile to calibrate with; with --cal_image_dir it is written first",
        type=PATH,
        metavar="FILE",
        arrives="quantization",
    ),
    Option(
        name="cal_image_dir",
        spellings=("--cal_image_dir",),
        help="Folder of at least batches x batch_size images to calibrate with",
        type=FOLDER,
        metavar="FOLDER",
        arrives="quantization",
    ),
    Option(
        name="cal_cache_file",
        spellings=("--cal_cache_file",),
        help="Calibration cache",
        type=PATH,
        metavar="FILE",
        default=Path("cal.bin"),
        arrives="quantization",
    ),
    Option(
        name="batches",
        spellings=("--batches",),
        help="Batches to calibrate with",
        type=click.IntRange(min=1),
        default=10,
        arrives="quantization",
    ),
    Option(
        name="batch_size",
        spellings=("--batch_size",),
        help="Images in each of them",
        type=click.IntRange(min=1),
        default=8,
        arrives="quantization",
    ),
    Option(
        name="force_ptq",
        spellings=("--force_ptq",),
        help="Calibrate a model that was trained with quantisation, as DLA needs it",
        type=bool,
        arrives="quantization",
    ),
)

_ENGINE = (
    Option(
        name="engine_file",
        spellings=("--engine_file",),
        help="TensorRT engine to build as well",
        type=PATH,
        metavar="FILE",
        group="writes",
        arrives="tensorrt",
    ),
    Option(
        name="max_batch_size",
        spellings=("--max_batch_size",),
        help="Largest batch of the engine",
        type=click.IntRange(min=1),
        default=16,
        arrives="tensorrt",
    ),
    Option(
        name="max_workspace_size",
        spellings=("--max_workspace_size",),
        help="Memory to build the engine in: bytes, or with a unit, 512M or 1G",
        type=ByteSize(),
        default=2**30,
        arrives="tensorrt",
    ),
    Option(
        name="strict_type_constraints",
        spellings=("-s", "--strict_type_constraints"),
        help="Let no layer of the engine run in another precision",
        type=bool,
        arrives="tensorrt",
    ),
    Option(
        name="gen_ds_config",
        spellings=("--gen_ds_config",),
        help="Write nvinfer_config.txt and labels.txt for DeepStream beside the model",
        type=bool,
        group="writes",
        arrives="tensorrt",
    ),
)

OPTIONS = (
    shared.SPEC,
    shared.CHANGES,
    shared.MODEL,
    Option(
        name="output",
        spellings=("-o", "--output", "--output_file", "--output_path"),
        help="File to write, .onnx or encrypted .etlt; without it .onnx beside the checkpoint",
        type=PATH,
        metavar="FILE",
        group="writes",
        example="model.onnx",
    ),
    shared.FORCE,
    Option(
        name="target",
        spellings=("--target",),
        help="onnx: standard operators only",
        type=click.Choice(["onnx", "tensorrt-plugins"]),
        default="onnx",
        arrives={"tensorrt-plugins": "tensorrt"},
    ),
    Option(
        name="static_batch_size",
        spellings=("--static_batch_size",),
        help="The only batch size that the model takes; -1 or 0 for any",
        type=click.IntRange(min=-1),
        default=-1,
    ),
    Option(
        name="target_opset",
        spellings=("--target_opset",),
        help=f"Version of ONNX's operators, {OLDEST_OPSET} to {NEWEST_OPSET}",
        type=click.IntRange(OLDEST_OPSET, NEWEST_OPSET),
        default=OPSET,
    ),
    Option(
        name="data_type",
        spellings=("--data_type",),
        help="Precision",
        type=PRECISION,
        default="fp32",
        arrives={"fp16": "tensorrt", "int8": "quantization"},
    ),
    *_CALIBRATION,
    *_ENGINE,
    *shared.COMMON,
)
