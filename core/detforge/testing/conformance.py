"""Checks that every detector must pass, whoever wrote it; nothing is trained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge.errors import DetforgeError, PluginError
from detforge.plugins import load_detector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detforge.plugins import Detector

HEAVY = ("keras", "tensorflow", "jax", "torch", "numpy", "cv2", "onnx", "onnxruntime")
"""Modules that a plugin must not import before one of its hooks does the work."""


class ConformanceError(AssertionError):
    """A detector breaks the contract; lists everything found."""

    def __init__(self, name: str, findings: list[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join([f"{name} breaks the contract:", *findings]))


def check_detector(name: str, *, spec: str | os.PathLike[str] | None = None) -> None:
    """Check that an installed detector keeps the contract.

    In a few seconds, without Keras: it loads by its entry point; its hooks match the
    specifications; loading it for help imports nothing heavy; the rules of its schema make
    sense (`detforge.spec.check_schema`); its changes to options apply; what comes later has a
    release.

    Given an example spec, with Keras: recipe, operators and deployment are of the right kind. If
    training is there (`detforge.hookspecs.arrives`): the parts of all modes are flat and have the
    same weights by name and shape; what it detects in noise has the shapes, types and order of
    `Detections`; its losses are finite scalars, without objects too; on TensorFlow and with the
    hook `export_glue`, the exported model finds the same; and it can be pruned. That it learns
    anything is not checked.

    Args:
        name: the detector's name on the command line.
        spec: an example of its experiment spec; the smaller its network input, the quicker.
            The data it names need not exist.

    Raises:
        ConformanceError: with everything that was found.
    """
    try:
        detector = load_detector(name)
    except PluginError as err:
        raise ConformanceError(name, [str(err)]) from err
    checks: list[Callable[[], Iterator[str]]] = [
        lambda: _imports(name),
        lambda: _schema("spec_schema", detector.spec_schema()),
        lambda: _schema("convert_schema", detector.convert_schema()),
        lambda: _command_lines(detector),
    ]
    if spec is not None:
        checks.append(lambda: _answers(detector, Path(spec)))
    findings = [finding for check in checks for finding in _run(check)]
    if findings:
        raise ConformanceError(name, findings)


def _run(check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """Yield what a check finds; a user's error is a finding, another one is a bug to show."""
    try:
        yield from check()
    except DetforgeError as err:
        yield str(err)


def _imports(name: str) -> Iterator[str]:
    """Load the detector in a fresh process, as `--help` does."""
    code = (
        "import sys; from detforge.plugins import load_detector; "
        f"load_detector({name!r}).spec_schema(); "
        f"print(*(module for module in {HEAVY!r} if module in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        yield f"loading {name} in a fresh process fails: {result.stderr.strip()}"
    elif modules := result.stdout.split():
        yield f"loading {name} imports {', '.join(modules)}; import them inside the hooks"


def _schema(hook: str, schema: Any) -> Iterator[str]:
    from google.protobuf.message import Message

    from detforge.spec import check_schema

    if not (isinstance(schema, type) and issubclass(schema, Message)):
        yield f"{hook} returns {schema!r}, not a protobuf message class"
        return
    if "/" not in schema.DESCRIPTOR.file.name:
        yield (
            f"{hook} is registered as {schema.DESCRIPTOR.file.name!r}, without a folder: two "
            "such plugins cannot be loaded together; compile it with 'detforge dev protos'"
        )
    try:
        check_schema(schema)
    except PluginError as err:
        yield from str(err).splitlines()


def _command_lines(detector: Detector) -> Iterator[str]:
    """Make the help of every task: options, their changes, and what comes later."""
    import click

    from detforge.cli.task_command import DetectorTask
    from detforge.cli.words import TASK_WORDS

    for word in TASK_WORDS:
        try:
            command = DetectorTask(detector, word, summary="")
            command.get_help(click.Context(command, info_name=word))
        except PluginError as err:
            yield str(err)


def _answers(detector: Detector, path: Path) -> Iterator[str]:
    from detforge.deployment import Deployment, TensorRTPlugin
    from detforge.recipe import Recipe
    from detforge.spec import load_spec

    spec = load_spec(path, detector.spec_schema())
    is_recipe = isinstance(recipe := detector.recipe(spec), Recipe)
    if not is_recipe:
        yield f"recipe returns {recipe!r}, not a Recipe"
    plugins = detector.tensorrt_plugins(spec)
    if not (isinstance(plugins, tuple) and all(isinstance(p, TensorRTPlugin) for p in plugins)):
        yield f"tensorrt_plugins returns {plugins!r}, not a tuple of TensorRTPlugin"
    if not isinstance(deployment := detector.deployment(spec), Deployment):
        yield f"deployment returns {deployment!r}, not a Deployment"
    if is_recipe and not detector.arrives("train"):
        from detforge.testing.models import check_models  # NumPy loads here

        yield from check_models(detector, spec, recipe)
