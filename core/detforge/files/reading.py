"""Reading a file whole, unlocking it when it is locked, and saying what it is when it is none."""

from __future__ import annotations

import codecs
from pathlib import Path

from detforge.errors import CheckpointError
from detforge.files.encryption import decrypt, is_encrypted
from detforge.roadmap import arrival

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_OLDER_TOOLKIT = (".tlt", ".etlt", ".hdf5", ".h5")
# An ONNX file is a protobuf message whose first field is a small version (tag 0x08); one of these
# tags of ModelProto in onnx.proto follows: producer, domain, graph, operator sets, properties.
_ONNX_TAGS = b"\x12\x1a\x22\x28\x32\x3a\x42\x72"
ENGINES = (".engine", ".trt", ".plan")
"""Endings that files of TensorRT have."""
_GIVE = "give the file that training or export wrote"


def read_unlocked(path: Path, key: str | None = None) -> bytes:
    """Return the plain bytes of a file.

    Args:
        path: any file.
        key: opens an encrypted file; a plain file does not need it and ignores it.

    Raises:
        CheckpointError: the file is missing or unreadable, or does not open with the key.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as err:
        raise CheckpointError(f"there is no file {path}; check the path{_near(path)}") from err
    except IsADirectoryError as err:
        raise CheckpointError(
            f"{path} is a folder; name one file in it{_near(path / '_')}"
        ) from err
    except OSError as err:
        raise CheckpointError(f"{path} cannot be read: {err.strerror or err}") from err
    return decrypt(data, key, str(path)) if is_encrypted(data) else data


def looks_like_onnx(data: bytes) -> bool:
    """Return whether the bytes begin like an ONNX model."""
    return len(data) > 2 and data[0] == 0x08 and 0 < data[1] < 0x80 and data[2] in _ONNX_TAGS


def explain_foreign(data: bytes, file: str, wanted: str) -> str:
    """Return why a file that detforge did not write cannot be used, and what to do.

    Args:
        data: its bytes.
        file: its name.
        wanted: what was expected, with its article: ``"a checkpoint"``.
    """
    suffix = Path(file).suffix.lower()
    if not data:
        return f"{file} is empty; copy it again from where it came from"
    if _is_text(data):
        return f"{file} is a text file, not {wanted} of detforge; {_GIVE}"
    if looks_like_onnx(data):
        return f"{file} is an ONNX model; this needs {wanted}, the file that training wrote"
    if data.startswith(_HDF5):
        return (
            f"{file} is an HDF5 file, as Keras writes them; this needs {wanted} of detforge. "
            "Training can start from the weights in it: 'train -m FILE'"
        )
    if suffix in _OLDER_TOOLKIT:
        return (
            f"{file} is a file of an older toolkit ({suffix} without detforge's mark). "
            "Its contents cannot be read here. Train again with detforge from the same spec and "
            "data, or start from public weights"
        )
    if suffix in ENGINES:
        return (
            f"{file} is a TensorRT engine by its name; running one {arrival('tensorrt')}. Until "
            "then use the checkpoint or the exported .onnx file"
        )
    if data.startswith(_ZIP):
        return f"{file} is a zip archive of another program, not {wanted} of detforge; {_GIVE}"
    return f"{file} is not {wanted} of detforge; {_GIVE}"


def _is_text(data: bytes) -> bool:
    try:
        start = codecs.getincrementaldecoder("utf-8")().decode(data[:1024])
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in start)


def _near(path: Path) -> str:
    """Offer the checkpoints that do exist in the folder."""
    try:
        found = sorted(entry.name for entry in path.parent.glob("*.detforge"))
    except OSError:
        found = []
    return f" (beside it: {', '.join(found[-3:])})" if found else ""
