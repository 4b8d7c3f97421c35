"""DSSD for detforge: SSD with deconvolutions back to the larger maps (arXiv:1701.06659).

Its specs are those of SSD, with ``dssd_config`` in place of ``ssd_config``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl
from detforge_ssd.plugin import build_model, cli_options, export_glue, spec_schema

if TYPE_CHECKING:
    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2

__all__ = ["build_model", "cli_options", "export_glue", "recipe", "spec_schema"]


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge_ssd.recipe import to_recipe

    return to_recipe(spec, "dssd")
