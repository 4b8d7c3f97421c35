"""Checks before a task starts: the key, the GPU, and whether its output can be written.

A run of hours must not end at a folder it cannot write. Nothing is created here: a command
that is refused leaves no trace.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

_HIDES_ALL = ("", "-1", "NoDevFiles")


def read_key(values: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """Return the key of a command: the option, the key file, or ``DETFORGE_KEY``.

    Args:
        values: the options' values; "key" and "key_file" count.
        environment: the process's environment variables.

    Raises:
        UsageError: both options are given, or the file has no key.
    """
    key, key_file = values.get("key"), values.get("key_file")
    if key is not None and key_file is not None:
        raise UsageError("--key and --key_file are both given; one is enough")
    if key_file is not None:
        try:
            # Editors of Windows begin UTF-8 with a mark.
            key = key_file.read_text(encoding="utf-8-sig").partition("\n")[0].strip()
        except UnicodeDecodeError as err:
            raise UsageError(f"--key_file {key_file} is not a text file in UTF-8") from err
        if not key:
            raise UsageError(f"--key_file {key_file}: the first line is empty; it holds the key")
    if key is None and environment.get("DETFORGE_KEY"):
        key = environment["DETFORGE_KEY"]
        log.debug("the key comes from the environment variable DETFORGE_KEY")
    return key


def chosen_gpus(numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the values of ``--gpu_index``.

    Raises:
        UsageError: a number is negative, or there twice.
    """
    shown = ",".join(map(str, numbers))
    if any(number < 0 for number in numbers):
        raise UsageError(f"--gpu_index is {shown}; use numbers from 0 on")
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"--gpu_index names a GPU twice: {shown}")
    return tuple(numbers)


def visible_devices(gpus: Sequence[int], visible: str | None) -> str:
    """Return the value of ``CUDA_VISIBLE_DEVICES`` that leaves only the chosen GPUs.

    Args:
        gpus: numbers of `chosen_gpus`.
        visible: the variable's value so far. A scheduler sets it to the GPUs that a job may
            use; numbers count among those.

    Raises:
        UsageError: a number is not below the number of visible GPUs, or all are hidden.
    """
    if visible is None:
        return ",".join(map(str, gpus))
    if visible.strip() in _HIDES_ALL:
        raise UsageError(
            f"--gpu_index is {gpus[0]}, but CUDA_VISIBLE_DEVICES={visible!r} hides all GPUs; leave "
            "one of the two out"
        )
    devices = visible.split(",")
    if absent := [gpu for gpu in gpus if gpu >= len(devices)]:
        last = len(devices) - 1
        raise UsageError(
            f"--gpu_index is {absent[0]}, but CUDA_VISIBLE_DEVICES={visible} leaves "
            f"{len(devices)}; use {f'a number from 0 to {last}' if last else '0'}"
        )
    return ",".join(devices[gpu] for gpu in gpus)


def lacks_nvidia_gpu(devices: Path = Path("/dev")) -> bool:
    """Return whether this machine certainly has no NVIDIA GPU, without loading a driver.

    Args:
        devices: folder of device files. Linux shows a GPU there as ``nvidia0``, a Jetson as
            ``nvhost-gpu`` or ``nvgpu``, and WSL as ``dxg``; other systems cannot be asked.
    """
    if sys.platform != "linux":
        return False
    nodes = ("nvidia[0-9]*", "nvhost-gpu", "nvgpu", "dxg")
    return not any(True for node in nodes for _ in devices.glob(node))


def check_folder(path: Path, option: str) -> None:
    """Check that a folder exists or can be made, and that files can be put into it.

    Raises:
        UsageError: a file is in the way, or permission is missing.
    """
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        what = "it is a file" if existing == path else f"{existing} is a file"
        raise UsageError(f"{option} {path} cannot be a folder: {what}")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UsageError(f"{option} {path} cannot be written: no permission in {existing}")


def check_file(path: Path, option: str, *, or_folder: bool = False) -> None:
    """Check that a file can be written.

    Args:
        path: the file.
        option: what messages call it.
        or_folder: a slash at the end would mean a folder.

    Raises:
        UsageError: the path is a folder, a file stands in for its folder, or permission is
            missing.
    """
    if path.is_dir():
        hint = f", or end it with a slash: {path}/" if or_folder else ""
        raise UsageError(f"{option} {path} is a folder; name a file in it{hint}")
    check_folder(path.parent, option)
