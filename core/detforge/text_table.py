"""Rows of text in columns, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in aligned columns: the first to the left, the others to the right."""
    from rich.cells import cell_len  # class names may hold wide characters

    lines = [header, *rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(header))]

    def aligned(cells: Sequence[str]) -> str:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        rest = (gap + cell for gap, cell in zip(gaps[1:], cells[1:], strict=True))
        return "  ".join([cells[0] + gaps[0], *rest]).rstrip()

    return "\n".join(map(aligned, lines))
