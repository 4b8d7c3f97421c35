"""Members of zip archives of other programs, read only as far as the archive explains them."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import NoReturn

from detforge.errors import CheckpointError

MAX_BYTES = 4 * 2**30
"""What compressed content may come to, unless the file itself is larger."""

MAX_RATIO = 1032
"""How many bytes deflate (RFC 1951) can make of one."""


def member_sizes(data: bytes, file: str) -> dict[str, int] | None:
    """Return name -> bytes of the members of a zip, without reading them; None for no whole zip.

    Raises:
        CheckpointError: a member claims more than its compressed bytes can hold, or all of them
            more than `MAX_BYTES`; or two have one name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    sizes = {info.filename: info.file_size for info in infos}
    grows = any(info.file_size > MAX_RATIO * (info.compress_size + 1) for info in infos)
    # Members may share their bytes, and each be as large as the file.
    claimed = sum(info.compress_size for info in infos)
    if grows or claimed > len(data) or sum(sizes.values()) > max(MAX_BYTES, len(data)):
        raise CheckpointError(
            f"{file} is damaged, or made to be large when it is read: its members claim more than "
            f"its {len(data)} bytes can hold"
        )
    if len(sizes) < len(infos):
        raise CheckpointError(f"{file} is damaged: two members of its archive have one name")
    return sizes


def read_member(data: bytes, name: str, file: str) -> bytes:
    """Return the content of a member that `member_sizes` lists.

    Raises:
        CheckpointError: it cannot be read, or its checksum does not match.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as err:
        raise_damaged(file, err)


def raise_damaged(file: str, err: Exception) -> NoReturn:
    """Raise the message for a file that ends too early or holds other bytes than were written.

    Raises:
        CheckpointError: always.
    """
    raise CheckpointError(
        f"{file} is cut short or damaged ({type(err).__name__}: {err}); copy it again from where "
        "it came from"
    ) from err
