"""Make the blocks of the pages anew: ``python -m tests.docs.write``."""

from __future__ import annotations

import sys

from tests.docs import backbones_page, command_line_page, data_page, specs_page
from tests.docs.page import DOCS, rewritten

PAGES = {
    "specs.md": specs_page.BLOCKS,
    "command-line.md": command_line_page.BLOCKS,
    "data.md": data_page.BLOCKS,
    "backbones.md": backbones_page.BLOCKS,
}


def main() -> None:
    """Rewrite every page, and say which ones changed."""
    for name, makers in PAGES.items():
        path = DOCS / name
        before = path.read_text(encoding="utf-8")
        after = rewritten(before, makers)
        path.write_text(after, encoding="utf-8")
        sys.stdout.write(f"{name}: {'fresh' if after == before else 'written'}\n")


if __name__ == "__main__":
    main()
