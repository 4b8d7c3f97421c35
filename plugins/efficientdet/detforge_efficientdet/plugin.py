"""EfficientDet for detforge: a weighted feature pyramid on EfficientNet (arXiv:1911.09070).

This release reads, checks and prints its specs, and converts COCO files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.cli.options import OptionChange
    from detforge.recipe import Recipe
    from detforge_efficientdet import spec_pb2


@hookimpl
def spec_schema() -> type[spec_pb2.Experiment]:
    from detforge_efficientdet import spec_pb2

    return spec_pb2.Experiment


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge_efficientdet.recipe import to_recipe

    return to_recipe(spec)


@hookimpl
def arrives(task: str) -> str | None:
    return None if task == "convert" else "efficientdet"


@hookimpl
def cli_options(task: str) -> Sequence[OptionChange]:
    from detforge.cli.options import COCO_CONVERSION, OptionChange

    if task == "convert":
        return COCO_CONVERSION
    if task == "train":
        return [OptionChange.prefer("results_dir", "-d", "--model_dir")]
    if task == "infer":
        return [OptionChange.drop("include_mask", reason="it finds boxes, not masks")]
    if task == "prune":
        return [OptionChange.folder("output")]
    if task == "export":
        return [OptionChange.drop("cal_json_file", reason="it does not train with quantisation")]
    return []
