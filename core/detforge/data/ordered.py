"""Work done by threads, ahead of time, delivered in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from detforge.data.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_count(workers: int) -> int:
    """Return a number of threads; 0 asks for one per core."""
    return workers or os.cpu_count() or 1


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int, ahead: int
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` for each item, in their order.

    Args:
        function: called in threads.
        items: may be endless.
        workers: threads.
        ahead: most results that are ready or under way at one time, at least 1.

    Yields:
        The results. What `function` raises is raised at its place in the order.
    """
    keep_freed_memory()  # the items are images, one after the other
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="detforge-data") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= max(1, ahead):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
