"""``detforge <detector> summary``: layers, sizes and costs of the network that a spec describes.

Builds the network with random weights, or with those of a checkpoint; reads no data.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from detforge.cli import logs
from detforge.cli.commands import SUMMARIES
from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.task_command import TaskCommand
from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

    from detforge.files import Checkpoint
    from detforge.inspection.network import Network
    from detforge.model import DetectionModel
    from detforge.plugins import Detector
    from detforge.spec import Spec

SUMMARY_OPTIONS: tuple[Option, ...] = (
    replace(shared.SPEC, required=False, help="Experiment spec; without it that in the checkpoint"),
    replace(
        shared.MODEL,
        required=False,
        help="Checkpoint whose network to show; of a pruned one the widths before and after",
        example="",
    ),
    shared.CHANGES,
    Option(
        name="variables",
        spellings=("--variables",),
        help="Show every weight, not every layer; with --json in addition",
        type=bool,
    ),
    shared.JSON,
    shared.KEY,
    shared.KEY_FILE,
    *shared.MESSAGES,
)


class SummaryCommand(TaskCommand):
    """``detforge <detector> summary``."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        super().__init__("summary", SUMMARY_OPTIONS, self._start, SUMMARIES["summary"])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and a command line that does it."""
        from detforge.cli.help import write_example

        super().format_help_text(ctx, formatter)
        write_example(formatter, ctx.command_path, self.options)

    def _start(self, given: Mapping[str, Any]) -> None:
        from detforge.cli.parameters import checked_values

        run(self._detector, checked_values(SUMMARY_OPTIONS, given))


def run(detector: Detector, values: Mapping[str, Any]) -> None:
    """Show the network of a spec or a checkpoint.

    Raises:
        DetforgeError: what the user can mend.
    """
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    if values["verbose"]:
        from detforge.cli.run import log_start

        log_start(detector, "summary", SUMMARY_OPTIONS, values)
    if values["spec"] is None and values["model"] is None:
        raise UsageError("missing --experiment_spec_file (-e), or --model (-m)")
    if feature := detector.arrives("train"):
        from detforge.cli.later import refuse_task

        refuse_task(detector, "train", "summary", feature, values, {})
    network = _network(detector, values)
    if values["json"]:
        from detforge.inspection.network import as_json

        files = {name: values[name] and str(values[name]) for name in ("spec", "model")}
        numbers = as_json(network, variables=values["variables"])
        content = {"detector": detector.name, **files, **numbers}
        logs.say(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        from detforge.cli.summary_report import describe

        files = ", ".join(str(values[name]) for name in ("spec", "model") if values[name])
        title = f"{detector.name}: {files}"
        logs.say(describe(network, title, variables=values["variables"]))


def _network(detector: Detector, values: Mapping[str, Any]) -> Network:
    spec, checkpoint = _read(detector, values)
    recipe = detector.recipe(spec)
    if not values["verbose"]:
        from detforge.cli.quiet import quiet_import

        quiet_import("tensorflow")
    from detforge.graph.freeze import apply_freeze
    from detforge.inspection.network import describe_network  # Keras loads here
    from detforge.weights import load_model

    before = None
    if checkpoint is None:
        model = detector.build_model(spec, "infer", recipe)
    else:
        file = str(values["model"])
        model = load_model(detector, spec, recipe, checkpoint, "infer", file)
        if checkpoint.variant.widths:
            whole = replace(checkpoint.variant, widths={})
            before = detector.build_model(spec, "infer", replace(recipe, variant=whole))
    with spec.located():
        apply_freeze(model, recipe.freeze)
    if before is not None:
        _freeze_alike(before, model)
    return describe_network(model, recipe, before)


def _freeze_alike(before: DetectionModel, model: DetectionModel) -> None:
    """Freeze the layers of a network that are frozen in another; what is frozen is said once."""
    for name, part in before.parts.items():
        for layer in part.layers:
            if layer.weights:  # Keras may number the names of the others
                layer.trainable = model.parts[name].get_layer(layer.name).trainable


def _read(detector: Detector, values: Mapping[str, Any]) -> tuple[Spec, Checkpoint | None]:
    """Return the spec, of the option or of the checkpoint, and the checkpoint."""
    from detforge.cli.inputs import find_key, read_spec

    spec, path = read_spec(detector, "train", values), values["model"]
    if path is None:
        assert spec is not None
        return spec, None
    from detforge.files import load_checkpoint
    from detforge.spec import parse_spec
    from detforge.weights import check_detector

    checkpoint = load_checkpoint(path, find_key("train", values, spec))
    check_detector(detector.name, checkpoint.detector, str(path))
    if spec is None:
        schema, changes = detector.spec_schema(), values["changes"]
        file = f"the spec in {path}"
        spec = parse_spec(checkpoint.spec_text, schema, file, changes, check=detector.check)
    return spec, checkpoint
