"""Blobs for detforge: objects as peaks of a heatmap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl
from detforge_blobs import spec_pb2

if TYPE_CHECKING:
    from detforge.export.graph import GlueGraph
    from detforge.model import Mode
    from detforge.recipe import Recipe
    from detforge_blobs.model import Blobs

MASK_SIZE = 8


@hookimpl
def spec_schema() -> type[spec_pb2.Experiment]:
    return spec_pb2.Experiment


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge.spec import standard_recipe

    return standard_recipe(spec, name="blobs", mask_size=MASK_SIZE)


@hookimpl
def build_model(spec: spec_pb2.Experiment, recipe: Recipe, mode: Mode) -> Blobs:
    from detforge_blobs.model import Blobs

    # Training masks every labelled object; inference only the peaks it keeps.
    return Blobs(recipe, spec.blobs_config, peaks=0 if mode == "train" else None)


@hookimpl
def export_glue(model: Blobs, graph: GlueGraph) -> None:
    from detforge_blobs.export import add_glue

    add_glue(model, graph)
