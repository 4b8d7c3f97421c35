"""Blocks of a page between ``<!-- shown: NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"<!-- shown: ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)


def blocks_of(text: str) -> dict[str, str]:
    """Return the blocks of a page by name."""
    return dict(_BLOCK.findall(text))


def rewritten(text: str, makers: Mapping[str, Callable[[], str]]) -> str:
    """Return a page with every block made anew.

    Args:
        text: the page.
        makers: name -> what makes the block.

    Raises:
        KeyError: nothing makes a block of the page.
    """

    def block(match: re.Match[str]) -> str:
        return f"<!-- shown: {match[1]} -->\n{makers[match[1]]()}<!-- end -->"

    return _BLOCK.sub(block, text)
