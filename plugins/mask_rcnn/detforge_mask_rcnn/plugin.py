"""Mask R-CNN for detforge: boxes and masks from a feature pyramid (arXiv:1703.06870).

This release reads, checks and prints its specs, and converts COCO files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.cli.options import OptionChange
    from detforge.recipe import Recipe
    from detforge.requests import ConvertReport, ConvertRequest
    from detforge_mask_rcnn import spec_pb2


@hookimpl
def spec_schema() -> type[spec_pb2.Experiment]:
    from detforge_mask_rcnn import spec_pb2

    return spec_pb2.Experiment


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge_mask_rcnn.recipe import to_recipe

    return to_recipe(spec)


@hookimpl
def arrives(task: str) -> str | None:
    return None if task == "convert" else "mask_rcnn"


@hookimpl
def convert(request: ConvertRequest) -> ConvertReport:
    from dataclasses import replace

    from detforge.data.convert import convert_dataset

    # There is nothing to train on without masks.
    return convert_dataset(replace(request, include_mask=True))


@hookimpl
def cli_options(task: str) -> Sequence[OptionChange]:
    from detforge.cli.options import COCO_CONVERSION, OptionChange

    if task == "convert":
        return COCO_CONVERSION
    if task == "train":
        return [OptionChange.prefer("results_dir", "-d", "--model_dir")]
    if task == "prune":
        return [OptionChange.folder("output")]
    if task == "export":
        return [OptionChange.drop("cal_json_file", reason="it does not train with quantisation")]
    return []
