"""Reads damaged copies of a file, one after the other, in a process that may not survive them.

Run as ``python -m tests.core.pretrained.damaged_files FILE FIRST STEP`` from the repository. Writes
a line for each copy before it is read and one behind it; ends with 7 at an exception that is no
CheckpointError.
"""

from __future__ import annotations

import sys
from pathlib import Path

from detforge.errors import CheckpointError
from detforge.pretrained.apart import read_keras


def copies(data: bytes):
    """Return a function of a number that gives a damaged copy, and how many there are."""
    size = len(data)

    def copy(number: int) -> bytes:
        if number >= size:
            return data[: number - size]
        changed = bytearray(data)
        changed[number] ^= 0xFF if number % 2 else 1 << (number % 8)
        return bytes(changed)

    return copy, 2 * size


def main() -> int:
    """Read the copies and say how far it got."""
    path, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    copy, count = copies(path.read_bytes())
    for number in range(first, count, step):
        print(number, flush=True)
        try:
            read_keras(copy(number), path.name)
        except CheckpointError:
            pass
        except BaseException as err:  # noqa: BLE001 - all but one is wrong
            print(f"{type(err).__name__}: {err}", flush=True)
            return 7
    print("all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
