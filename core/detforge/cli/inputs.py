"""From the values of a task's options to its request: reads the spec and finds the key."""

from __future__ import annotations

import logging
import os
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge import requests
from detforge.cli import doors
from detforge.cli.option_table import task_options
from detforge.cli.words import names_folder
from detforge.errors import SpecError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detforge.cli.options import Option
    from detforge.errors import Problem
    from detforge.plugins import Detector
    from detforge.spec import Spec

REQUESTS: dict[str, type[requests.Request]] = {
    "convert": requests.ConvertRequest,
    "train": requests.TrainRequest,
    "evaluate": requests.EvaluateRequest,
    "prune": requests.PruneRequest,
    "infer": requests.InferRequest,
    "export": requests.ExportRequest,
}

log = logging.getLogger(__name__)


def build_request(
    detector: Detector, task: str, options: Sequence[Option], values: Mapping[str, Any]
) -> requests.Request:
    """Return the request of a task.

    Args:
        detector: the loaded detector.
        task: hook name of the task.
        options: of the command, as the detector changed them.
        values: name -> value of each option.

    Raises:
        SpecError: the spec is wrong; warnings are logged.
        UsageError: the key is empty or given twice, or neither an option nor the spec says what
            the task needs.
    """
    arguments = dict(values)
    own = {option.name for option in task_options(task)}
    arguments["options"] = {name: value for name, value in values.items() if name not in own}
    arguments["detector"] = detector
    spec = arguments["spec"] = read_spec(detector, task, values)
    key = arguments["key"] = find_key(task, values, spec)
    if spec is not None:
        arguments |= _from_spec(detector, task, spec, options, values)
    arguments |= _in_results(options, arguments)
    if values.get("output") is not None:
        arguments["output"] = output_path(task, values, key)
    request = REQUESTS[task]
    names = [field.name for field in fields(request) if field.name in arguments]
    return request(**{name: arguments[name] for name in names})


def read_spec(detector: Detector, task: str, values: Mapping[str, Any]) -> Spec | None:
    """Return the checked spec of a task, with the changes of ``--set``; None without a spec.

    Raises:
        SpecError: it is wrong; carries every problem. Warnings are logged.
    """
    path = values.get("spec")
    if path is None:
        return None
    from detforge.cli.owners import experiment_schemas
    from detforge.spec import load_spec
    from detforge.spec.conversion import conversion_check

    try:
        if task == "convert":
            schema = detector.convert_schema()
            spec = load_spec(path, schema, values["changes"], check=conversion_check(schema))
        else:
            schema = detector.spec_schema()
            spec = load_spec(path, schema, values["changes"], experiment_schemas, detector.check)
    except SpecError as err:
        _tell(err.warnings)
        raise
    _tell(spec.warnings)
    return spec


def _tell(warnings: Iterable[Problem]) -> None:
    for warning in warnings:
        log.warning("%s", warning)


def find_key(task: str, values: Mapping[str, Any], spec: Spec | None) -> str | None:
    """Return the key of model files: an option's, the environment's, or the spec's.

    Raises:
        UsageError: it is empty or given twice.
    """
    if task == "convert":
        return None  # records are never encrypted
    key = doors.read_key(values, os.environ)
    if key is None and spec is not None and spec.key:
        log.debug("the key comes from %s", spec.file)
        return spec.key
    return key


def output_path(task: str, values: Mapping[str, Any], key: str | None) -> Path:
    """Return the file to write, or the prefix of the files.

    An output that ends in a slash is a folder: the file or the prefix in it has a fixed name.

    Raises:
        UsageError: a prefix and a tag say two things.
    """
    text = str(values["output"])
    if not names_folder(text):
        tag = values.get("tag")
        if tag is not None and tag != Path(text).name:
            raise UsageError(
                f"--tag {tag} names the records in a folder, and {text} is the start of their "
                f"names already; write --output_dir {text}, or leave --tag out"
            )
        return Path(text)
    path = Path(text) / _name_in_folder(task, values, key)
    log.info("writing %s%s", path, "*" if task == "convert" else "")
    return path


def _name_in_folder(task: str, values: Mapping[str, Any], key: str | None) -> str:
    if task == "prune":
        return "model.tlt" if key else "model.detforge"
    return values.get("tag") or (values["spec"] or values["annotations_file"]).stem


def _from_spec(
    detector: Detector,
    task: str,
    spec: Spec,
    options: Sequence[Option],
    values: Mapping[str, Any],
) -> dict[str, Path]:
    """Return what the spec says in the place of absent options.

    Raises:
        UsageError: the spec does not say it either.
    """
    wanted = [option for option in options if option.from_spec and values[option.name] is None]
    if not wanted:
        return {}
    recipe = detector.recipe(spec)
    part = recipe.evaluation if task == "evaluate" else recipe.inference
    found = {option.name: getattr(part, option.name) for option in wanted}
    needed = {field.name for field in fields(REQUESTS[task]) if field.default is MISSING}
    missing = [
        option.title for option in wanted if option.name in needed and not found[option.name]
    ]
    if missing:
        raise UsageError(f"missing {', '.join(missing)}; {spec.file} does not say it either")
    return {name: Path(value) for name, value in found.items() if value}


def _in_results(options: Sequence[Option], arguments: Mapping[str, Any]) -> dict[str, Path]:
    """Return the places in the results folder of what has no other, if there is that folder."""
    folder = arguments.get("results_dir")
    if folder is None:
        return {}
    return {
        option.name: folder / option.in_results
        for option in options
        if option.in_results and arguments[option.name] is None
    }
