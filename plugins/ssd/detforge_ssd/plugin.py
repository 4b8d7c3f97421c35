"""SSD for detforge: one forward pass scores anchors on six feature maps (arXiv:1512.02325)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.cli.options import OptionChange
    from detforge.export.graph import GlueGraph
    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2
    from detforge_ssd.model import SSD


@hookimpl
def spec_schema() -> type[spec_pb2.Experiment]:
    from detforge_ssd import spec_pb2

    return spec_pb2.Experiment


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge_ssd.recipe import to_recipe

    return to_recipe(spec, "ssd")


@hookimpl
def build_model(spec: spec_pb2.Experiment, recipe: Recipe) -> SSD:
    from detforge_ssd.model import SSD  # Keras loads here

    return SSD.from_spec(spec, recipe)  # the same graph in all modes


@hookimpl
def export_glue(model: SSD, graph: GlueGraph) -> None:
    from detforge_ssd.export import add_glue

    add_glue(model, graph)


@hookimpl
def cli_options(task: str) -> Sequence[OptionChange]:
    from detforge.cli.options import SPEC_CONVERSION, OptionChange

    if task == "convert":
        return SPEC_CONVERSION
    if task == "infer":
        return [
            OptionChange.drop("include_mask", reason="it finds boxes, not masks"),
            OptionChange.drop("label_map", reason="the spec names the classes"),
        ]
    return []
