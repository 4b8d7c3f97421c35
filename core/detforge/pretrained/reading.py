"""Weights of any kind of file, as layers and arrays.

Nothing here runs code that a file brings, unpickles, or follows a link out of it. What a file
claims to hold is compared with its size before it is read.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from detforge.errors import CheckpointError
from detforge.files import is_checkpoint, read_unlocked, unpack_checkpoint
from detforge.files.reading import explain_foreign
from detforge.pretrained.apart import CONFIG, read_apart
from detforge.pretrained.archives import member_sizes, raise_damaged, read_member
from detforge.pretrained.layer_names import Entry, entries_of, group_layers, slot_of
from detforge.recipe import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from detforge.files import Checkpoint

Kind = Literal["checkpoint", "keras", "safetensors", "npz"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NPY = ".npy"
_NUMBERS = "fiub"  # kinds of NumPy's dtypes
_READ = (
    "weights are read from .detforge and .tlt files of detforge, .h5, .hdf5 and .keras files of "
    "Keras, .safetensors and .npz"
)
_SAFETENSORS_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "?",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeightFile:
    """The weights in a file.

    Attributes:
        path: the file.
        kind: how they were stored.
        arrays: by the names that the file gives them.
        layers: layer name -> slot (kernel, bias, gamma, ...) -> one of `arrays`. Layers without
            weights are there where the file lists them. Names that are not made of layers, as
            PyTorch's are not, are in `arrays` alone.
        variant: how the network differs from the one that its spec describes.
        checkpoint: all of it, where detforge wrote it.
    """

    path: Path
    kind: Kind
    arrays: Mapping[str, np.ndarray]
    layers: Mapping[str, Mapping[str, np.ndarray]]
    variant: Variant = field(default_factory=Variant)
    checkpoint: Checkpoint | None = None


def read_weights(path: Path, key: str | None = None) -> WeightFile:
    """Return the weights in a file; its content decides what it is, not its name.

    Args:
        path: a checkpoint of any detector, an HDF5 or ``.keras`` file, safetensors or npz.
        key: opens an encrypted checkpoint; ignored for all else.

    Raises:
        CheckpointError: the file is missing, of another kind, cut short, damaged, locked, made
            to be large when it is read, or needs code to be read.
    """
    path = Path(path)
    data, file = read_unlocked(path, key), str(path)
    if data.startswith(_HDF5):
        return _keras(data, path)
    if _looks_like_safetensors(data) or path.suffix.lower() == ".safetensors":
        return _safetensors(data, path)
    # A zip of ours is told from others by what it holds; a damaged one by its name.
    members = member_sizes(data, file)
    if members is None and path.suffix.lower() in (".keras", ".npz") and data:
        raise_damaged(file, ValueError("its archive has no end"))
    members = members or {}
    if CONFIG in members and "metadata.json" in members:
        return _keras(data, path)
    if members and all(name.endswith(_NPY) for name in members):
        return _npz(data, members, path)
    if data.startswith(b"\x80") or any(name.endswith("data.pkl") for name in members):
        raise CheckpointError(
            f"{file} is a pickle, which runs code when it is read (PyTorch's .pt and .pth are). "
            "Save its state dict with safetensors.torch.save_file and give that file"
        )
    if is_checkpoint(data):
        return _checkpoint(unpack_checkpoint(data, file), path)
    raise CheckpointError(f"{explain_foreign(data, file, 'a checkpoint')}; {_READ}")


def _checkpoint(checkpoint: Checkpoint, path: Path) -> WeightFile:
    arrays = checkpoint.weights
    entries = []
    for name in sorted(arrays):
        part, _, variable = name.partition("/")
        entries.append(Entry(part, variable.partition("/")[0], slot_of(variable), name))
    return WeightFile(
        path=path,
        kind="checkpoint",
        arrays=arrays,
        layers=_filled(group_layers(entries), arrays),
        variant=checkpoint.variant,
        checkpoint=checkpoint,
    )


def _keras(data: bytes, path: Path) -> WeightFile:
    arrays, layers = read_apart(data, str(path))
    return WeightFile(path=path, kind="keras", arrays=arrays, layers=_filled(layers, arrays))


def _named(kind: Kind, arrays: Mapping[str, np.ndarray], path: Path) -> WeightFile:
    if not arrays:
        raise CheckpointError(f"{path} holds no weights")
    layers = _filled(group_layers(entries_of(sorted(arrays))), arrays)
    return WeightFile(path=path, kind=kind, arrays=arrays, layers=layers)


def _filled(
    layers: Mapping[str, Mapping[str, str]], arrays: Mapping[str, np.ndarray]
) -> dict[str, dict[str, np.ndarray]]:
    # Two names of one layer go on having the same arrays.
    return {
        layer: {slot: arrays[name] for slot, name in slots.items()}
        for layer, slots in layers.items()
    }


def _looks_like_safetensors(data: bytes) -> bool:
    header = int.from_bytes(data[:8], "little")
    return data[8:9] == b"{" and header < 100 * 2**20 and len(data) >= 8 + header


def _safetensors(data: bytes, path: Path) -> WeightFile:
    import numpy as np
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(data)
    except SafetensorError as err:
        raise_damaged(str(path), err)
    arrays = {}
    for name, tensor in found:
        kind = _SAFETENSORS_DTYPES.get(tensor["dtype"])
        if kind is None:
            raise CheckpointError(
                f"{path}: {name} in it is of the type {tensor['dtype']}; save it as float32"
            )
        array = np.frombuffer(tensor["data"], kind).reshape(tensor["shape"])
        if tensor["dtype"] == "BF16":  # the upper half of a float32
            array = (array.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = array
    return _named("safetensors", arrays, path)


def _npz(data: bytes, members: Mapping[str, int], path: Path) -> WeightFile:
    arrays = {}
    for name, size in members.items():
        array = _npy(read_member(data, name, str(path)), name, size, path)
        if array.dtype.kind in _NUMBERS:
            arrays[name.removesuffix(_NPY)] = array
    return _named("npz", arrays, path)


def _npy(data: bytes, name: str, size: int, path: Path) -> np.ndarray:
    """Return the array of a member; its header is checked before memory is taken for it."""
    try:
        return _npy_array(data, size)
    except Exception as err:  # a forged header is parsed by ast, which raises much
        raise CheckpointError(
            f"{path}: {name} in it is damaged, or holds other than numbers ({err}); save arrays of "
            "numbers"
        ) from err


def _npy_array(data: bytes, size: int) -> np.ndarray:
    import numpy as np

    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, is_fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("Python objects, which run code when they are read")
    start = stream.tell()
    if min(shape, default=0) < 0 or dtype.itemsize * math.prod(shape) != size - start:
        raise ValueError(f"a shape of {shape} in {size} bytes")
    array = np.frombuffer(data, dtype, offset=start)
    return array.reshape(shape, order="F" if is_fortran else "C")
