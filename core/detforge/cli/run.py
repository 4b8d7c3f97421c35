"""Running a task: from the values of the options to a report on the screen and on disk."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge import __version__
from detforge.cli import doors, logs, reports
from detforge.cli.inputs import build_request
from detforge.cli.later import feature_of_task, refuse_options, refuse_task
from detforge.cli.quiet import quiet_import
from detforge.cli.words import names_folder
from detforge.errors import PluginError, UsageError
from detforge.requests import InferReport
from detforge.roadmap import arrival

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detforge.cli.options import Option
    from detforge.plugins import Detector
    from detforge.requests import Request

log = logging.getLogger(__name__)

_FOLDERS = ("results_dir", "annotated_dir", "labels_dir")
_PARTIAL = 3
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def run_task(
    detector: Detector,
    task: str,
    word: str,
    options: Sequence[Option],
    values: Mapping[str, Any],
    waiting: Mapping[str, str],
) -> int:
    """Run one task of a detector, report, and return the exit code.

    Args:
        detector: the loaded detector.
        task: hook name of the task.
        word: the task's word on the command line; names the report file.
        options: the options of the command.
        values: name -> value of each of them.
        waiting: option that was given and does not take effect yet -> feature that it waits for.

    Raises:
        DetforgeError: anything the user can mend.
    """
    _check_outputs(values, options)
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    values = _without_remarked(options, values)
    gpus = doors.chosen_gpus(values.get("gpu_index", ()))
    log_start(detector, word, options, values)
    if feature := feature_of_task(detector, task):
        refuse_task(detector, task, word, feature, values, waiting)
    refuse_options(waiting)
    _prepare_process(task, gpus, verbose=values["verbose"])
    request = build_request(detector, task, options, values)
    with _told_when_unwritable(request):
        report = getattr(detector.hook, task)(request=request)
        if report is None:
            raise PluginError(f"no hook of {detector.name} answered the task {task!r}")
        if request.results_dir is not None:
            reports.write_json(report, request.results_dir / f"{word}.json", detector.name, word)
    logs.say(reports.describe(report))
    is_partial = isinstance(report, InferReport) and report.unreadable
    return _PARTIAL if is_partial else 0


def log_start(
    detector: Detector, word: str, options: Sequence[Option], values: Mapping[str, Any]
) -> None:
    """Say in debug messages what runs, and what each option came to; no secrets."""
    log.debug("detforge %s on Python %s", __version__, platform.python_version())
    owner = f"{detector.distribution} {detector.version}".rstrip()
    log.debug("%s of the detector %s, from %s", word, detector.name, owner)
    for extension in detector.extensions:
        log.debug("with the extension %s", extension)
    for option in options:
        value = values.get(option.name)
        if value is None or value is False or value == () or option.no_effect:
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        log.debug("%s is %s", option.title, "given" if option.secret else shown)


def _without_remarked(options: Sequence[Option], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the options that count here; answer the others that are given."""
    for option in options:
        if option.remark and values[option.name]:
            log.info("%s: %s", option.title, option.remark)
    remarked = {option.name for option in options if option.remark}
    return {name: value for name, value in values.items() if name not in remarked}


def _check_outputs(values: Mapping[str, Any], options: Sequence[Option]) -> None:
    """Check that everything that options name for writing can be written."""
    for option in options:
        value = values[option.name]
        if value is not None and option.name in _FOLDERS:
            doors.check_folder(value, option.title)
        elif value is not None and option.name == "detections_file":
            doors.check_file(value, option.title)
        elif value is not None and option.name == "output":
            if names_folder(str(value)):
                doors.check_folder(Path(value), option.title)
            else:
                doors.check_file(Path(value), option.title, or_folder=bool(option.output))


def _prepare_process(task: str, gpus: Sequence[int], *, verbose: bool) -> None:
    """Set what must be set before the numeric libraries are imported."""
    if not verbose:
        quiet_import("tensorflow")
    if gpus:
        _leave_only(gpus, task)


def _leave_only(gpus: Sequence[int], task: str) -> None:
    """Hide all GPUs but the chosen one from this process."""
    if len(gpus) > 1:
        several = f"--gpu_index names {len(gpus)} GPUs; "
        later = f"training on them {arrival('multi_gpu')}"
        raise UsageError(several + (later if task == "train" else "this task runs on one"))
    devices = doors.visible_devices(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if doors.lacks_nvidia_gpu():
        log.warning("--gpu_index %d: this machine shows no NVIDIA GPU; going on without", gpus[0])
    # Numbers as nvidia-smi shows them, not fastest first.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    os.environ["CUDA_VISIBLE_DEVICES"] = devices
    log.debug("CUDA_VISIBLE_DEVICES is %s", devices)


@contextlib.contextmanager
def _told_when_unwritable(request: Request) -> Iterator[None]:
    """Turn a failure to write an output into the user's error; other failures are ours."""
    try:
        yield
    except OSError as err:
        if err.errno in _FULL_DISK:
            raise UsageError(f"the disk is full: {err.filename or err.strerror}") from err
        if err.filename is None or not _is_below(err.filename, _outputs(request)):
            raise
        raise UsageError(f"{err.filename} cannot be written: {err.strerror}") from err


def _outputs(request: Request) -> list[Path]:
    """Return the folders that a task writes to."""
    folders = [getattr(request, name, None) for name in _FOLDERS]
    files = [getattr(request, name, None) for name in ("output", "detections_file")]
    return [*filter(None, folders), *(path.parent for path in files if path)]


def _is_below(filename: Any, folders: Sequence[Path]) -> bool:
    path = Path(os.fsdecode(filename)).resolve()
    return any(path.is_relative_to(folder.resolve()) for folder in folders)
