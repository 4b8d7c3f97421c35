"""Reading Keras files in a process of its own.

The HDF5 library is written in C and trusts the files it opens: one changed byte can end its process
or keep it busy for ever. So another process opens them, with limits of time and memory, and hands
back plain arrays; whatever becomes of it, this one goes on.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

from detforge.errors import CheckpointError
from detforge.pretrained.archives import member_sizes, read_member
from detforge.pretrained.hdf5 import KerasWeights, read_hdf5

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
"""Members of a ``.keras`` archive."""

_LAYERS = "layers"
_REFUSED = 3
_SECONDS, _BYTES_PER_SECOND = 60.0, 1e6
_SPARE_BYTES = 2 * 2**30


def read_apart(data: bytes, file: str, *, seconds: float = _SECONDS) -> KerasWeights:
    """Return the weights in a Keras file: HDF5, or a ``.keras`` archive.

    Args:
        data: the whole file.
        file: its name, for messages.
        seconds: what reading may take, beside the time for its bytes.

    Raises:
        CheckpointError: as `detforge.pretrained.hdf5.read_hdf5`; or the process ended itself.
    """
    import h5py  # noqa: F401 - where it is not installed the message says so, as for all packages

    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__, file],
            input=data,
            capture_output=True,
            timeout=seconds + len(data) / _BYTES_PER_SECOND,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise CheckpointError(_broken(file, "reading it does not end")) from err
    if done.returncode == _REFUSED:
        raise CheckpointError(done.stdout.decode())
    if done.returncode:
        how = f"the process that read it ended with {done.returncode}"
        raise CheckpointError(_broken(file, how))
    return unpack(done.stdout)


def read_keras(data: bytes, file: str) -> KerasWeights:
    """Return the weights in a Keras file, in this process; see `read_apart`.

    Raises:
        CheckpointError: as `detforge.pretrained.hdf5.read_hdf5`.
    """
    sizes = member_sizes(data, file)
    if sizes is None:
        return read_hdf5(data, file)
    if WEIGHTS not in sizes:
        raise CheckpointError(
            f"{file} is a .keras archive without {WEIGHTS}; save the model with its weights in "
            "one HDF5 file, as model.save does"
        )
    return read_hdf5(read_member(data, WEIGHTS, file), file, read_member(data, CONFIG, file))


def pack(found: KerasWeights) -> bytes:
    """Return weights as the bytes of a safetensors file."""
    import numpy as np
    from safetensors.numpy import save

    # It writes the buffer as it lies in memory, whatever the order of bytes and axes.
    arrays = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
        for name, array in found.arrays.items()
    }
    return save(arrays, {_LAYERS: json.dumps(found.layers)})


def unpack(data: bytes) -> KerasWeights:
    """Return what `pack` packed."""
    from safetensors.numpy import load

    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return KerasWeights(load(data), json.loads(header["__metadata__"][_LAYERS]))


def _broken(file: str, how: str) -> str:
    return f"{file} is damaged: {how}; copy it again from where it came from"


def _limit_memory(size: int) -> None:
    """Keep a forged file from taking all the memory there is, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = 6 * size + _SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Read the file on standard input and write its weights to standard output."""
    data = sys.stdin.buffer.read()
    _limit_memory(len(data))
    try:
        packed = pack(read_keras(data, sys.argv[1]))
    except CheckpointError as err:
        sys.stdout.buffer.write(str(err).encode())
        return _REFUSED
    sys.stdout.buffer.write(packed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
