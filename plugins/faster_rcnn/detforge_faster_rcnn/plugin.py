"""Faster R-CNN for detforge: region proposals, then a classifier for each (arXiv:1506.01497).

This release reads, checks and prints its specs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.cli.options import OptionChange
    from detforge.model import Mode
    from detforge.recipe import Recipe
    from detforge_faster_rcnn import spec_pb2
    from detforge_faster_rcnn.model import FasterRCNN


@hookimpl
def spec_schema() -> type[spec_pb2.Experiment]:
    from detforge_faster_rcnn import spec_pb2

    return spec_pb2.Experiment


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge_faster_rcnn.recipe import to_recipe

    return to_recipe(spec)


@hookimpl
def build_model(spec: spec_pb2.Experiment, recipe: Recipe, mode: Mode) -> FasterRCNN:
    from detforge_faster_rcnn.model import FasterRCNN  # Keras loads here

    return FasterRCNN.from_spec(spec, recipe, mode)


@hookimpl
def arrives(task: str) -> str | None:
    return None if task == "convert" else "faster_rcnn"


@hookimpl
def cli_options(task: str) -> Sequence[OptionChange]:
    from detforge.cli.options import SPEC_CONVERSION, OptionChange

    if task == "convert":
        return SPEC_CONVERSION
    if task == "evaluate":
        return [OptionChange.optional("model")]
    if task == "infer":
        names = ("model", "images", "annotated_dir", "labels_dir")
        return [
            *(OptionChange.optional(name) for name in names),
            OptionChange.drop("include_mask", reason="it finds boxes, not masks"),
            OptionChange.drop("label_map", reason="the spec names the classes"),
        ]
    return []
