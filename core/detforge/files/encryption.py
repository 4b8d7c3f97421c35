"""Locking bytes with a key: AES-256-GCM under a key derived with scrypt.

Layout, little endian; everything before the ciphertext is the header and is authenticated
with it::

    offset  bytes
         0      8  magic "DETFORGE"
         8      1  version of this layout
         9      2  first release of detforge that reads it: major, minor
        11      1  log2 of scrypt's N
        12      1  scrypt's r
        13      1  scrypt's p
        14      2  zero
        16      8  length of the plain bytes
        24     16  salt
        40     12  nonce
        52         ciphertext, as long as the plain bytes
              16  tag
              32  SHA-256 of all bytes before it

The SHA-256 needs no key: it tells a damaged file from a wrong key. It protects nothing
against somebody who alters the file on purpose; the tag does.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass

import detforge
from detforge.errors import CheckpointError, UsageError

MAGIC = b"DETFORGE"
LAYOUT_VERSION = 1
_FIRST_RELEASE = (0, 1)
# RFC 7914 section 2 names the parameters; 2**15, 8, 1 takes about 32 MiB and a tenth of a second.
_LOG2_N, _R, _P = 15, 8, 1
_MAX_LOG2_N, _MAX_R, _MAX_P = 17, 8, 4
_HEADER = struct.Struct("<8s B BB B B B 2x Q 16s 12s")
_TAG_SIZE = 16
_DIGEST_SIZE = 32
_MAX_PLAIN_SIZE = 2**31 - 1 - _TAG_SIZE  # limit of one call of the AES-GCM implementation


@dataclass(frozen=True, slots=True)
class _Header:
    version: int
    major: int
    minor: int
    log2_n: int
    r: int
    p: int
    length: int
    salt: bytes
    nonce: bytes

    def pack(self) -> bytes:
        return _HEADER.pack(
            MAGIC,
            self.version,
            self.major,
            self.minor,
            self.log2_n,
            self.r,
            self.p,
            self.length,
            self.salt,
            self.nonce,
        )


def is_encrypted(data: bytes) -> bool:
    """Return whether the bytes begin like a file that `encrypt` made, perhaps a damaged one.

    One wrong byte in the mark, or an end inside it, is damage and not another kind of file.
    """
    mark = data[: len(MAGIC)]
    if len(mark) < len(MAGIC):
        return bool(mark) and MAGIC.startswith(mark)
    return sum(a != b for a, b in zip(mark, MAGIC, strict=True)) <= 1


def encrypt(data: bytes, key: str) -> bytes:
    """Return the bytes locked with a key; different each time, for salt and nonce are drawn.

    Args:
        data: plain bytes, less than 2 GiB.
        key: any text that is not empty.

    Raises:
        UsageError: the key is empty.
        CheckpointError: the data is too long for one file.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(data) > _MAX_PLAIN_SIZE:
        raise CheckpointError(
            f"{len(data)} bytes are too many for one encrypted file (at most {_MAX_PLAIN_SIZE}); "
            "write it without a key and encrypt the disk instead"
        )
    header = _Header(
        LAYOUT_VERSION,
        *_FIRST_RELEASE,
        _LOG2_N,
        _R,
        _P,
        len(data),
        os.urandom(16),
        os.urandom(12),
    )
    bound = header.pack()
    sealed = bound + AESGCM(_derive(key, header)).encrypt(header.nonce, data, bound)
    return sealed + hashlib.sha256(sealed).digest()


def decrypt(data: bytes, key: str | None, file: str = "") -> bytes:
    """Return the plain bytes of what `encrypt` made.

    Args:
        data: the locked bytes.
        key: the key they were locked with.
        file: name of the file, for messages. The key itself never appears in one.

    Raises:
        CheckpointError: not encrypted by detforge, cut short, damaged, of a newer release,
            no key given, or the wrong one.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    name = file or "the data"
    header = _read_header(data, name)
    _check_whole(data, header, name)
    if not key:
        raise CheckpointError(
            f"{name} is encrypted and no key was given; pass -k KEY, --key_file FILE or set "
            "DETFORGE_KEY"
        )
    sealed = data[_HEADER.size : -_DIGEST_SIZE]
    try:
        return AESGCM(_derive(key, header)).decrypt(header.nonce, sealed, data[: _HEADER.size])
    except InvalidTag as err:
        raise CheckpointError(
            f"{name} does not open with this key; it was written with another one"
        ) from err


def _read_header(data: bytes, name: str) -> _Header:
    if not is_encrypted(data):
        raise CheckpointError(f"{name} is not a file that detforge encrypted")
    if len(data) < _HEADER.size:
        raise CheckpointError(_truncated(name, len(data), _HEADER.size))
    header = _Header(*_HEADER.unpack_from(data)[1:])
    if header.version > LAYOUT_VERSION and _digest_holds(data):
        raise CheckpointError(
            f"{name} is encrypted in layout {header.version}; detforge {detforge.__version__} "
            f"reads up to layout {LAYOUT_VERSION}: install detforge {header.major}.{header.minor} "
            "or newer"
        )
    return header


def _check_whole(data: bytes, header: _Header, name: str) -> None:
    expected = _HEADER.size + header.length + _TAG_SIZE + _DIGEST_SIZE
    if len(data) < expected and header.length <= _MAX_PLAIN_SIZE:
        raise CheckpointError(_truncated(name, len(data), expected))
    # The bounds keep a forged header from asking scrypt for all the memory there is.
    sane = header.log2_n <= _MAX_LOG2_N and header.r <= _MAX_R and header.p <= _MAX_P
    sane = sane and header.version == LAYOUT_VERSION and header.log2_n and header.r and header.p
    if not sane or len(data) != expected or not _digest_holds(data):
        raise CheckpointError(
            f"{name} is damaged: its SHA-256 does not match its content; copy it again from "
            "where it came from, or use an earlier checkpoint"
        )


def _digest_holds(data: bytes) -> bool:
    return hashlib.sha256(data[:-_DIGEST_SIZE]).digest() == data[-_DIGEST_SIZE:]


def _truncated(name: str, found: int, expected: int) -> str:
    return (
        f"{name} is cut short: it has {found} of {expected} bytes; copy it again from where it "
        "came from, or use an earlier checkpoint"
    )


def _derive(key: str, header: _Header) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if not key:
        raise UsageError("the key is empty; give a key, or leave the option out for a plain file")
    # Bytes of the environment that are no UTF-8 arrive as lone surrogates and are a key too.
    secret = key.encode("utf-8", "surrogateescape")
    return Scrypt(salt=header.salt, length=32, n=2**header.log2_n, r=header.r, p=header.p).derive(
        secret
    )
