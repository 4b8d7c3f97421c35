"""docs/data.md shows what the program says today, and names all that it looks for."""

import re
from typing import get_args

import pytest

from detforge.inspection.suspicious import Kind
from tests.docs.data_page import BLOCKS
from tests.docs.page import DOCS, blocks_of

PAGE = (DOCS / "data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BLOCKS)
def test_page_shows_what_the_program_says(name):
    assert blocks_of(PAGE)[name] == BLOCKS[name](), "run: make docs"


def test_page_has_every_block_once_and_no_other():
    assert sorted(re.findall(r"<!-- shown: ([\w-]+) -->", PAGE)) == sorted(BLOCKS)


def test_every_kind_of_suspicious_label_is_on_the_page():
    table = PAGE.partition("| kind |")[2].partition("\n\n")[0]
    assert re.findall(r"(?m)^\| `(\w+)` \|", table) == list(get_args(Kind))
