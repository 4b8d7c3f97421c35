"""Rows of text in columns, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows in aligned columns: the first ones to the left, the others to the right.

    Args:
        header: the first line.
        rows: as many cells each.
        left: columns aligned to the left.
    """
    from rich.cells import cell_len  # class names may hold wide characters

    lines = [header, *rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(header))]

    def aligned(cells: Sequence[str]) -> str:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        padded = [
            cell + gap if column < left else gap + cell
            for column, (cell, gap) in enumerate(zip(cells, gaps, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join(map(aligned, lines))
