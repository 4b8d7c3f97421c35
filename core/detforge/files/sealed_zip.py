"""A zip that is sealed: every byte of it is covered by one SHA-256.

A zip's own checksums cover the members and not its directory. Here the archive comment is
``sha256:`` and the hash of every byte before the comment, so that the file stays a plain zip for
every other program. Members are stored, never compressed: what is read is never larger than
the file.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING, NoReturn

from detforge.errors import CheckpointError
from detforge.files.reading import explain_foreign

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL_HEADER, _END_RECORD, _END_RECORD_SIZE = b"PK\x03\x04", b"PK\x05\x06", 22
_SEAL = b"sha256:"
_SEAL_SIZE = len(_SEAL) + 64
_MAX_TEXT_BYTES = 16 * 2**20


def pack_sealed(members: Mapping[str, bytes]) -> bytes:
    """Return a sealed zip of the members, in their order; equal members give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # otherwise the bytes differ between systems
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
        archive.comment = _SEAL + b"0" * 64
    # In place, because a copy of a large model takes as long as its hash.
    with buffer.getbuffer() as view:
        view[-64:] = hashlib.sha256(view[:-_SEAL_SIZE]).hexdigest().encode()
    return buffer.getvalue()


def looks_sealed(data: bytes) -> bool:
    """Return whether the bytes look like a zip of ours, perhaps a damaged one."""
    start = data[: len(_LOCAL_HEADER)]
    return bool(start) and (_LOCAL_HEADER.startswith(start) or data[-_SEAL_SIZE:].startswith(_SEAL))


def verify_seal(data: bytes, file: str) -> None:
    """Check that a file is a sealed zip and that every byte of it is as it was written.

    Raises:
        CheckpointError: it is of another kind, cut short, or damaged.
    """
    if not looks_sealed(data):
        raise CheckpointError(explain_foreign(data, file, "a checkpoint"))
    comment = data[-_SEAL_SIZE:]
    end_record = data[-_SEAL_SIZE - _END_RECORD_SIZE : -_SEAL_SIZE]
    # One damaged byte spoils at most one of the two marks of a complete file.
    if not comment.startswith(_SEAL) and not end_record.startswith(_END_RECORD):
        _raise_unsealed(data, file)
    digest = hashlib.sha256(memoryview(data)[:-_SEAL_SIZE]).hexdigest().encode()
    if comment != _SEAL + digest:
        raise CheckpointError(
            f"{file} is damaged: its SHA-256 does not match its content; copy it again from where "
            "it came from, or use an earlier checkpoint"
        )


def _raise_unsealed(data: bytes, file: str) -> NoReturn:
    """Tell a file cut short from one that went on too long and from a foreign archive."""
    record = data.rfind(_END_RECORD)
    comment = record + _END_RECORD_SIZE
    whole = record >= 0 and len(data) >= comment
    if whole and len(data) >= comment + int.from_bytes(data[comment - 2 : comment], "little"):
        if data.startswith(_SEAL, comment):
            raise CheckpointError(
                f"{file} is damaged: {len(data) - comment - _SEAL_SIZE} bytes follow its end; copy "
                "it again from where it came from, or use an earlier checkpoint"
            )
        raise CheckpointError(explain_foreign(data, file, "a checkpoint"))
    raise CheckpointError(
        f"{file} is cut short: its end is missing after {len(data)} bytes; copy it again from "
        "where it came from, or use an earlier checkpoint"
    )


def check_members(infos: list[zipfile.ZipInfo], size: int, file: str) -> None:
    """Check before reading that no member is compressed or claims more than the file holds.

    Args:
        infos: the archive's directory.
        size: bytes of the whole file.
        file: its name, for messages.

    Raises:
        CheckpointError: the archive was made to be large when it is read.
    """
    stored = all(
        info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
        for info in infos
    )
    texts = [info.file_size for info in infos if info.filename.endswith((".json", ".txt"))]
    too_large = sum(info.file_size for info in infos) > size
    if not stored or too_large or max(texts, default=0) > _MAX_TEXT_BYTES:
        raise CheckpointError(
            f"{file} is not a checkpoint of detforge: a member is compressed, or larger than the "
            "file allows"
        )
