"""Running a task: from the values of the options to a report on the screen and on disk."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import platform
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge import __version__, requests
from detforge.cli import doors, logs, reports
from detforge.cli.option_table import task_options
from detforge.cli.quiet import quiet_import
from detforge.errors import PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detforge.cli.options import Option
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

_FOLDERS = ("results_dir", "annotated_dir", "labels_dir")
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def run_task(
    detector: Detector, task: str, word: str, options: Sequence[Option], values: dict[str, Any]
) -> None:
    """Run one task of a detector and report.

    Args:
        detector: the loaded detector.
        task: hook name of the task.
        word: the task's word on the command line; names the report file.
        options: the options of the command.
        values: name -> value of each of them.

    Raises:
        DetforgeError: anything the user can mend.
    """
    titles = {option.name: option.title for option in options}
    outputs = _check_outputs(task, values, titles)
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    _log_start(detector, word, options, values)
    _prepare_process(task, values)
    request = build_request(detector, task, values)
    with _told_when_unwritable(outputs):
        report = getattr(detector.hook, task)(request=request)
        if report is None:
            raise PluginError(f"no hook of {detector.name} answered the task {task!r}")
        if request.results_dir is not None:
            reports.write_json(report, request.results_dir / f"{word}.json", detector.name, word)
    logs.say(reports.describe(report))


def _log_start(
    detector: Detector, word: str, options: Sequence[Option], values: Mapping[str, Any]
) -> None:
    """Say in debug messages what runs, and what each option came to; no secrets."""
    log.debug("detforge %s on Python %s", __version__, platform.python_version())
    owner = f"{detector.distribution} {detector.version}".rstrip()
    log.debug("%s of the detector %s, from %s", word, detector.name, owner)
    for extension in detector.extensions:
        log.debug("with the extension %s", extension)
    for option in options:
        value = values[option.name]
        if value is None or value is False or value == ():
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        log.debug("%s is %s", option.title, "given" if option.secret else shown)


def build_request(detector: Detector, task: str, values: Mapping[str, Any]) -> requests.Request:
    """Return the request of a task; reads the spec and the key.

    Raises:
        SpecError: the spec is wrong; warnings are logged.
        UsageError: the key is empty or given twice.
    """
    arguments = dict(values)
    own = {option.name for option in task_options(task)}
    arguments["options"] = {name: value for name, value in values.items() if name not in own}
    arguments["detector"] = detector
    arguments["key"] = None if task == "convert" else doors.read_key(values, os.environ)
    if task == "convert":
        arguments["output"] = _record_prefix(values["output"])
    if values.get("spec") is not None:
        arguments["spec"] = _read_spec(detector, task, values["spec"])
    request = REQUESTS[task]
    return request(
        **{
            field.name: arguments[field.name]
            for field in fields(request)
            if field.name in arguments
        }
    )


def _read_spec(detector: Detector, task: str, path: Path) -> Spec:
    from detforge.spec import load_spec

    schema = detector.convert_schema() if task == "convert" else detector.spec_schema()
    spec = load_spec(path, schema)
    for problem in spec.warnings:
        log.warning("%s", problem)
    return spec


def _record_prefix(text: str) -> Path:
    if text.endswith(("/", os.sep)):
        raise UsageError(
            f"--output {text} is a folder; name the start of the file names too, like {text}train"
        )
    return Path(text)


def _check_outputs(task: str, values: Mapping[str, Any], titles: Mapping[str, str]) -> list[Path]:
    """Check that all outputs can be written, and return where they are."""
    folders = [name for name in _FOLDERS if values.get(name) is not None]
    for name in folders:
        doors.check_folder(values[name], titles[name])
    outputs = [values[name] for name in folders]
    if values.get("output") is None:
        return outputs
    output = Path(values["output"])
    if task == "convert":
        doors.check_folder(output.parent, titles["output"])
    else:
        doors.check_file(output, titles["output"])
    return [*outputs, output.parent]


def _prepare_process(task: str, values: Mapping[str, Any]) -> None:
    """Set what must be set before the numeric libraries are imported."""
    if not values["verbose"]:
        quiet_import("tensorflow")
    if gpus := doors.chosen_gpus(values["gpu_index"]):
        _leave_only(gpus, task)


def _leave_only(gpus: Sequence[int], task: str) -> None:
    """Hide all GPUs but the chosen one from this process."""
    if len(gpus) > 1:
        raise UsageError(
            f"--gpu_index names {len(gpus)} GPUs; "
            + (
                "training on several arrives with release 0.4"
                if task == "train"
                else "this task runs on one"
            )
        )
    devices = doors.visible_devices(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if doors.lacks_nvidia_gpu():
        log.warning("--gpu_index %d: this machine shows no NVIDIA GPU; going on without", gpus[0])
    # Numbers as nvidia-smi shows them, not fastest first.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    os.environ["CUDA_VISIBLE_DEVICES"] = devices
    log.debug("CUDA_VISIBLE_DEVICES is %s", devices)


@contextlib.contextmanager
def _told_when_unwritable(outputs: Sequence[Path]) -> Iterator[None]:
    """Turn a failure to write an output into the user's error; other failures are ours."""
    try:
        yield
    except OSError as err:
        if err.errno in _FULL_DISK:
            raise UsageError(f"the disk is full: {err.filename or err.strerror}") from err
        if err.filename is None or not _is_below(err.filename, outputs):
            raise
        raise UsageError(f"{err.filename} cannot be written: {err.strerror}") from err


def _is_below(filename: Any, folders: Sequence[Path]) -> bool:
    path = Path(os.fsdecode(filename)).resolve()
    return any(path.is_relative_to(folder.resolve()) for folder in folders)
