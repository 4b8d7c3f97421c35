"""How far a long task is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from types import TracebackType

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """A context in which `advance` tells of images that are done."""

    def __init__(self, what: str, total: int, log: logging.Logger) -> None:
        """Begin.

        Args:
            what: is being done, as the start of a line.
            total: images to do.
            log: where lines go.
        """
        self._what, self._total, self._log = what, total, log
        self._done = 0
        self._bar: Any = None
        self._task: Any = None
        self._began = self._last_line = time.monotonic()

    def __enter__(self) -> Progress:
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_terminal:
            self._open_bar(console)
        return self

    def _open_bar(self, console: Any) -> None:
        from rich.progress import Progress as Bar
        from rich.progress import TimeRemainingColumn

        columns = (*Bar.get_default_columns()[:3], TimeRemainingColumn())
        # Drawn by this thread alone: a process that is forked would find locks of another held.
        self._bar = Bar(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._bar.add_task(self._what, total=self._total)
        self._bar.start()

    def advance(self, images: int) -> None:
        """Tell that so many more are done."""
        self._done += images
        if self._bar:
            self._bar.update(self._task, completed=self._done, refresh=True)
        elif time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            rate = self._done / (self._last_line - self._began)
            left = (self._total - self._done) / rate
            self._log.info(
                "%s: %d of %d images, %.0f/s, %.0f s left",
                *(self._what, self._done, self._total, rate, left),
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
        if kind is None and self._done:
            seconds = time.monotonic() - self._began
            rate = self._done / seconds if seconds else 0.0
            self._log.info("%s: %d images in %.1f s, %.0f/s", self._what, self._done, seconds, rate)
