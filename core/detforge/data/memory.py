"""What becomes of memory that is freed."""

from __future__ import annotations

import numpy as np

# The largest block that changes anything is one of 32 MiB with what is kept about it.
_BLOCK = (32 << 20) - (64 << 10)


def keep_freed_memory() -> None:
    """Let this process keep what it frees, up to 64 MiB, instead of giving it back at once.

    An image that is decoded and let go, one after the other, otherwise gets new pages from the
    system each time: that is half the time of decoding one of 640x480. glibc gives back what is
    free at the end of its heap beyond twice the largest block that was ever mapped on its own and
    freed (mallopt(3), M_MMAP_THRESHOLD), so one such block is freed here. Nothing is written to
    it: this takes microseconds, and may be called as often as one likes. Other C libraries do as
    they did.
    """
    np.empty(_BLOCK, np.uint8)
