"""Every option of every task, with every spelling found in the documents users have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detforge.cli.options import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
FILE_OR_FOLDER = click.Path(exists=True, readable=True, path_type=Path)
PATH = click.Path(path_type=Path)

_WITH_MODEL = ("evaluate", "infer", "prune", "export")
_WITH_SPEC = ("train", "evaluate", "infer", "export")
_BUT_CONVERT = ("train", "evaluate", "prune", "infer", "export")
_BUT_TRAIN = ("convert", "evaluate", "prune", "infer", "export")


def _task(task: str, *options: Option) -> Sequence[Option]:
    return [replace(option, tasks=(task,)) for option in options]


OPTIONS: tuple[Option, ...] = (
    Option(
        name="model",
        spellings=("-m", "--model", "--model_path", "--pretrained_model"),
        help="Checkpoint; evaluate and inference read an exported ONNX file too",
        type=FILE,
        required=True,
        tasks=_WITH_MODEL,
    ),
    Option(
        name="spec",
        spellings=("-e", "--experiment_spec_file", "--experiment_spec", "--config_path"),
        help="Experiment spec",
        type=FILE,
        required=True,
        tasks=_WITH_SPEC,
    ),
    *_task(
        "convert",
        Option(
            name="spec",
            spellings=("-d", "--dataset_spec", "--dataset_export_spec"),
            help="Conversion spec",
            type=FILE,
            required=True,
        ),
        Option(
            name="output",
            spellings=("-o", "--output", "--output_filename"),
            help="Start of the names of the record files, a folder included: records/train",
            required=True,
            metavar="PREFIX",
        ),
        Option(
            name="drop_unmapped",
            spellings=("--drop_unmapped",),
            help="Leave out labels that the mapping does not name, instead of refusing them",
            type=bool,
        ),
        Option(
            name="force",
            spellings=("--force",),
            help="Replace records that are already there",
            type=bool,
        ),
        Option(
            name="key",
            spellings=("-k", "--key", "--enc_key", "--ke"),
            no_effect="records are never encrypted",
            secret=True,
        ),
        Option(
            name="gpu_index",
            spellings=("--gpu_index",),
            multiple=True,
            no_effect="conversion uses no GPU",
        ),
    ),
    *_task(
        "train",
        Option(
            name="results_dir",
            spellings=("-r", "--results_dir", "-d", "--model_dir"),
            help="Folder for checkpoints, metrics and the report",
            type=PATH,
            required=True,
            metavar="FOLDER",
        ),
        Option(
            name="resume_model_weights",
            spellings=("-m", "--resume_model_weights"),
            help="Checkpoint to start from",
            type=FILE,
        ),
        Option(
            name="initial_epoch",
            spellings=("--initial_epoch",),
            help="Epoch to go on with; above 1 the optimiser is taken from the checkpoint too",
            type=click.IntRange(min=1),
            default=1,
        ),
        Option(name="gpus", spellings=("--gpus",), type=int, default=1, arrives="0.4"),
        Option(
            name="num_processes",
            spellings=("-np", "--num_processes"),
            type=int,
            default=-1,
            arrives="0.4",
            works=(1,),
        ),
        Option(name="use_amp", spellings=("--use_amp",), type=bool, arrives="0.4"),
        Option(
            name="use_multiprocessing",
            spellings=("--use_multiprocessing",),
            type=bool,
            arrives="0.4",
        ),
    ),
    *_task(
        "prune",
        Option(
            name="spec",
            spellings=("-e", "--experiment_spec_file", "--experiment_spec", "--config_path"),
            type=FILE,
            arrives="0.6",
        ),
        Option(
            name="output",
            spellings=("-o", "--output", "--output_file", "--output_dir"),
            help="Pruned checkpoint",
            type=PATH,
            required=True,
        ),
        Option(
            name="normalizer",
            spellings=("-n", "--normalizer"),
            help="What the kernel norms of a layer are divided by: the largest, or their L2 norm",
            type=click.Choice(["max", "L2"], case_sensitive=False),
            default="max",
        ),
        Option(
            name="equalization_criterion",
            spellings=("-eq", "--equalization_criterion"),
            help="How layers whose outputs meet are made to agree",
            type=click.Choice(
                ["union", "intersection", "arithmetic_mean", "geometric_mean"],
                case_sensitive=False,
            ),
            default="union",
        ),
        Option(
            name="granularity",
            spellings=("-pg", "--pruning_granularity", "-pruning_granularity"),
            help="Filters are kept in multiples of this",
            type=click.IntRange(min=1),
            default=8,
        ),
        Option(
            name="threshold",
            spellings=("-pth", "--pruning_threshold"),
            help="Filters whose normalised norm is at most this are removed",
            type=click.FloatRange(min=0),
            default=0.1,
        ),
        Option(
            name="min_filters",
            spellings=("-nf", "--min_num_filters"),
            help="Least number of filters a layer keeps",
            type=click.IntRange(min=1),
            default=16,
        ),
        Option(
            name="excluded_layers",
            spellings=("-el", "--excluded_layers"),
            help="Layers left whole",
            multiple=True,
            metavar="NAME ...",
        ),
    ),
    *_task(
        "infer",
        Option(
            name="images",
            spellings=("-i", "--image_dir", "--in_image_dir", "--in_image_path"),
            help="Folder of images, or one image",
            type=FILE_OR_FOLDER,
            required=True,
        ),
        Option(
            name="annotated_dir",
            spellings=("-o", "--out_image_dir", "--out_image_path"),
            help="Folder for the images with the boxes drawn",
            type=PATH,
            required=True,
            metavar="FOLDER",
        ),
        Option(
            name="labels_dir",
            spellings=("-l", "--out_label_dir", "--out_label_path"),
            help="Folder for KITTI label files",
            type=PATH,
            metavar="FOLDER",
        ),
        Option(
            name="threshold",
            spellings=("-t", "--threshold"),
            help="Least score of what is drawn and written; absent: the detector's own",
            type=click.FloatRange(0, 1),
        ),
    ),
    *_task(
        "export",
        Option(
            name="output",
            spellings=("-o", "--output", "--output_file", "--output_path"),
            help="File to write; absent: beside the checkpoint",
            type=PATH,
            metavar="FILE",
        ),
        Option(
            name="target",
            spellings=("--target",),
            help="onnx: standard operators only",
            type=click.Choice(["onnx", "tensorrt-plugins"]),
            default="onnx",
            arrives={"tensorrt-plugins": "0.8"},
        ),
        Option(
            name="data_type",
            spellings=("--data_type",),
            help="Precision",
            type=click.Choice(["fp32", "fp16", "int8"], case_sensitive=False),
            default="fp32",
            arrives={"fp16": "0.8", "int8": "0.7"},
        ),
        Option(
            name="force",
            spellings=("--force",),
            help="Replace a file that is already there",
            type=bool,
        ),
        Option(name="gen_ds_config", spellings=("--gen_ds_config",), type=bool, arrives="0.8"),
        Option(name="cal_json_file", spellings=("--cal_json_file",), arrives="0.7"),
        Option(name="cal_data_file", spellings=("--cal_data_file",), arrives="0.7"),
        Option(name="cal_image_dir", spellings=("--cal_image_dir",), arrives="0.7"),
        Option(name="cal_cache_file", spellings=("--cal_cache_file",), arrives="0.7"),
        Option(name="batches", spellings=("--batches",), arrives="0.7"),
        Option(name="batch_size", spellings=("--batch_size",), arrives="0.7"),
        Option(name="force_ptq", spellings=("--force_ptq",), type=bool, arrives="0.7"),
        Option(name="engine_file", spellings=("--engine_file",), arrives="0.8"),
        Option(name="max_batch_size", spellings=("--max_batch_size",), arrives="0.8"),
        Option(name="max_workspace_size", spellings=("--max_workspace_size",), arrives="0.8"),
        Option(
            name="strict_type_constraints",
            spellings=("-s", "--strict_type_constraints"),
            type=bool,
            arrives="0.8",
        ),
    ),
    Option(
        name="key",
        spellings=("-k", "--key", "--enc_key", "--ke"),
        help="Key that encrypts and decrypts model files; also from $DETFORGE_KEY. Without one "
        "files are plain",
        tasks=_BUT_CONVERT,
        common=True,
        secret=True,
    ),
    Option(
        name="key_file",
        spellings=("--key_file",),
        help="File whose first line is the key",
        type=FILE,
        tasks=_BUT_CONVERT,
        common=True,
    ),
    Option(
        name="results_dir",
        spellings=("-r", "--results_dir"),
        help="Folder for the report as JSON",
        type=PATH,
        metavar="FOLDER",
        tasks=_BUT_TRAIN,
        common=True,
    ),
    Option(
        name="gpu_index",
        spellings=("--gpu_index",),
        help="GPU to use, counted among the visible ones",
        multiple=True,
        metavar="NUMBER",
        tasks=_BUT_CONVERT,
        common=True,
    ),
    Option(
        name="log_file",
        spellings=("--log_file",),
        help="File to which all output goes as well",
        type=PATH,
        metavar="FILE",
        common=True,
    ),
    Option(
        name="verbose",
        spellings=("-v", "--verbose"),
        help="Show debug messages",
        type=bool,
        common=True,
    ),
    Option(
        name="debug",
        spellings=("--debug",),
        help="Show the traceback of an error",
        type=bool,
        common=True,
    ),
)


def task_options(task: str) -> tuple[Option, ...]:
    """Return the core's options of a task, by its hook name."""
    return tuple(option for option in OPTIONS if task in option.tasks)
