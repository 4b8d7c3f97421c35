"""Checkpoints: what training saves and everything else starts from.

A ``.detforge`` file is one zip whose members are stored, never compressed:

- ``manifest.json``: detector, versions, class names, position in the run;
- ``spec.txt``: the spec it was trained with, as text;
- ``weights.safetensors``: part and variable name -> array;
- ``optimizer.safetensors``: state of the optimiser, to go on from.

Equal content gives equal bytes; `detforge.files.sealed_zip` says how damage is found.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import detforge
from detforge.errors import CheckpointError
from detforge.files.atomic import remove_leftovers, write_atomically
from detforge.files.encryption import encrypt
from detforge.files.reading import explain_foreign, read_unlocked
from detforge.files.sealed_zip import check_members, looks_sealed, pack_sealed, verify_seal
from detforge.recipe import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

FORMAT_VERSION = 2
# Version -> the release that a reader must have at least; written for older readers.
_FIRST_RELEASES = {1: "0.1", 2: "0.5"}
_FORMAT_NAME = "detforge-checkpoint"
_MANIFEST, _SPEC = "manifest.json", "spec.txt"
_WEIGHTS, _OPTIMIZER = "weights.safetensors", "optimizer.safetensors"
_MEMBERS = (_MANIFEST, _SPEC, _WEIGHTS, _OPTIMIZER)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Checkpoint:
    """A training run at one moment.

    Attributes:
        detector: canonical name of the detector.
        plugin_version: version of the package that brought it.
        class_names: in label order.
        spec_text: the spec file, without keys.
        epoch: epochs completed.
        step: optimiser steps completed.
        weights: ``part/variable path`` -> array; see `detforge.weights`.
        optimizer: name -> array; empty when the run cannot go on from here.
        variant: how the network differs from the one that the spec describes.
        extra: further facts that JSON can hold.
    """

    detector: str
    plugin_version: str
    class_names: tuple[str, ...]
    spec_text: str
    epoch: int
    step: int
    weights: Mapping[str, np.ndarray]
    optimizer: Mapping[str, np.ndarray] = field(default_factory=dict)
    variant: Variant = field(default_factory=Variant)
    extra: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint, key: str | None = None) -> None:
    """Write a checkpoint so that a crash leaves the previous file or this one.

    Args:
        path: where to; by convention ``.detforge``, or ``.tlt`` with a key.
        checkpoint: what to write.
        key: encrypts the file; None for plain.

    Raises:
        CheckpointError: the file cannot be written.
    """
    data = pack_checkpoint(checkpoint)
    write_atomically(path, data if key is None else encrypt(data, key))
    remove_leftovers(path.parent)


def load_checkpoint(path: Path, key: str | None = None) -> Checkpoint:
    """Read a checkpoint and verify every byte of it.

    Args:
        path: the file.
        key: opens an encrypted file; ignored for a plain one.

    Raises:
        CheckpointError: the file is missing, of another kind, cut short, damaged, locked, or of
            a newer release.
    """
    return unpack_checkpoint(read_unlocked(path, key), str(path))


def is_checkpoint(data: bytes) -> bool:
    """Return whether unlocked bytes look like a checkpoint, perhaps a damaged one."""
    return looks_sealed(data)


def pack_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a plain checkpoint; equal checkpoints give equal bytes."""
    members = {
        _MANIFEST: _manifest(checkpoint),
        _SPEC: checkpoint.spec_text.encode(),
        _WEIGHTS: _pack_arrays(checkpoint.weights),
        _OPTIMIZER: _pack_arrays(checkpoint.optimizer),
    }
    return pack_sealed(members)


def unpack_checkpoint(data: bytes, file: str) -> Checkpoint:
    """Return the checkpoint in the bytes of a plain file.

    Args:
        data: the whole file.
        file: its name, for messages.

    Raises:
        CheckpointError: as `load_checkpoint`.
    """
    verify_seal(data, file)
    manifest, members = _read_archive(data, file)
    try:
        return Checkpoint(
            detector=str(manifest["detector"]),
            plugin_version=str(manifest["plugin_version"]),
            class_names=tuple(str(name) for name in manifest["class_names"]),
            spec_text=members[_SPEC].decode(),
            epoch=int(manifest["epoch"]),
            step=int(manifest["step"]),
            weights=_unpack_arrays(members[_WEIGHTS], file),
            optimizer=_unpack_arrays(members[_OPTIMIZER], file),
            variant=Variant.from_json(manifest.get("variant", {})),
            extra=dict(manifest["extra"]),
        )
    except (KeyError, TypeError, ValueError) as err:
        raise CheckpointError(
            f"{file} has an incomplete {_MANIFEST} ({type(err).__name__}: {err}); "
            "it was not written by detforge"
        ) from err


def _manifest(checkpoint: Checkpoint) -> bytes:
    # A release that knows no variants must not take this for the plain network.
    version = 1 if checkpoint.variant == Variant() else 2
    content = {
        "format": _FORMAT_NAME,
        "format_version": version,
        "readable_from_release": _FIRST_RELEASES[version],
        "detforge_version": detforge.__version__,
        "detector": checkpoint.detector,
        "plugin_version": checkpoint.plugin_version,
        "class_names": list(checkpoint.class_names),
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "extra": dict(checkpoint.extra),
    }
    if version > 1:
        content["variant"] = checkpoint.variant.to_json()
    return json.dumps(
        content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False
    ).encode()


def _read_manifest(content: bytes, file: str) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
        version = int(manifest["format_version"])
        ours = manifest["format"] == _FORMAT_NAME
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise CheckpointError(
            f"{file} has an unreadable {_MANIFEST}; it was not written by detforge"
        ) from err
    if not ours:
        raise CheckpointError(f"{file} is not a checkpoint of detforge: {manifest['format']!r}")
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{file} has format {version}, written by detforge "
            f"{manifest.get('detforge_version', '?')}; detforge {detforge.__version__} reads up "
            f"to format {FORMAT_VERSION}: install detforge "
            f"{manifest.get('readable_from_release', '?')} or newer"
        )
    return manifest


def _read_archive(data: bytes, file: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return manifest and members; a forged archive can make this neither large nor slow."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            check_members(infos, len(data), file)
            if _MANIFEST not in archive.namelist():
                raise CheckpointError(explain_foreign(data, file, "a checkpoint"))
            # Before the other members: a newer format may have others.
            manifest = _read_manifest(archive.read(_MANIFEST), file)
            _check_names(infos, file)
            return manifest, {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as err:
        raise CheckpointError(
            f"{file} is not a checkpoint of detforge: its archive is inconsistent ({err})"
        ) from err


def _check_names(infos: list[zipfile.ZipInfo], file: str) -> None:
    names = sorted(info.filename for info in infos)
    if names != sorted(_MEMBERS):
        raise CheckpointError(
            f"{file} is not a checkpoint of detforge: it holds {', '.join(names)} instead of "
            f"{', '.join(_MEMBERS)}"
        )


def _pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    # safetensors writes the buffer as it lies in memory, whatever the strides say.
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def _unpack_arrays(content: bytes, file: str) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content)
    except SafetensorError as err:
        raise CheckpointError(
            f"{file} is not a checkpoint of detforge: its arrays are inconsistent ({err})"
        ) from err
