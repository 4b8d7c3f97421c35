"""TFRecord files: framing, checksums and random access, without TensorFlow.

A record is framed as: uint64 length, masked CRC-32C of the length, payload, masked CRC-32C of the
payload, all little-endian (https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

import google_crc32c
import numpy as np

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_FRAMING = _HEADER.size + _CHECKSUM.size
_MASK_DELTA = 0xA282EAD8
_GZIP = b"\x1f\x8b"


def _masked_crc(*parts: bytes) -> int:
    crc = 0
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def frame(payload: bytes) -> bytes:
    """Return a payload as one record."""
    return b"".join(frame_parts(payload))


def frame_parts(*parts: bytes) -> tuple[bytes, ...]:
    """Return a payload as one record, in pieces that belong one behind the other.

    Args:
        parts: of the payload; they may be large, and are not copied.
    """
    length = struct.pack("<Q", sum(map(len, parts)))
    head, tail = length + _CHECKSUM.pack(_masked_crc(length)), _CHECKSUM.pack(_masked_crc(*parts))
    return head, *parts, tail


class TFRecordFile:
    """Random access to the records of one file; safe to read from several threads.

    Opening walks the frame headers; a payload is read, and its checksum compared, when it is
    asked for.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        """Find where the records are.

        Raises:
            DatasetError: the file cannot be read, is of another kind, or is cut off inside a
                record.
        """
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb", buffering=0) as file:
                self._offsets = _walk(file, size, path)
        except OSError as err:
            raise DatasetError(f"{path} cannot be read: {err.strerror}") from err

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        """Return one payload.

        Raises:
            DatasetError: it does not match its checksum.
        """
        start, end = (int(v) for v in self._offsets[index : index + 2])
        try:
            with self.path.open("rb") as file:
                file.seek(start + _HEADER.size)
                body = file.read(end - start - _HEADER.size)
        except OSError as err:
            raise DatasetError(f"{self.path} cannot be read: {err.strerror}") from err
        payload, checksum = body[: -_CHECKSUM.size], body[-_CHECKSUM.size :]
        if len(body) != end - start - _HEADER.size or checksum != _CHECKSUM.pack(
            _masked_crc(payload)
        ):
            raise DatasetError(
                f"{self.path} is damaged: record {index} at byte {start} does not match its "
                "checksum. Copy the file again, or convert again"
            )
        return payload


def _walk(file: BinaryIO, size: int, path: Path) -> np.ndarray:
    """Return int64 (records + 1,): where each record begins, and the size of the file."""
    offsets = [0]
    while offsets[-1] < size:
        start = offsets[-1]
        file.seek(start)
        end = size + 1
        header = file.read(_HEADER.size)
        if len(header) == _HEADER.size:
            length, checksum = _HEADER.unpack(header)
            if checksum != _masked_crc(header[:8]):
                raise DatasetError(_not_a_record(path, len(offsets) - 1, start, header))
            end = start + _FRAMING + length
        if end > size:
            raise DatasetError(
                f"{path} is cut off inside record {len(offsets) - 1}: it ends at byte {size}. "
                "Copy the file again, or convert again"
            )
        offsets.append(end)
    return np.array(offsets, np.int64)


def _not_a_record(path: Path, index: int, start: int, header: bytes) -> str:
    if index == 0 and header.startswith(_GZIP):
        return f"{path} is a compressed TFRecord file; unpack it with gunzip first"
    if index == 0:
        return f"{path} is not a TFRecord file"
    return (
        f"{path} is damaged: the header of record {index} at byte {start} does not match its "
        "checksum. Copy the file again, or convert again"
    )
