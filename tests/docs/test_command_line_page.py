"""docs/command-line.md shows what the program says today, and all the options it has."""

import re

import pytest

from detforge.cli.option_table import task_options
from detforge.cli.words import TASK_WORDS
from tests.docs.command_line_page import BLOCKS
from tests.docs.page import DOCS, blocks_of

PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BLOCKS)
def test_page_shows_what_the_program_says(name):
    assert blocks_of(PAGE)[name] == BLOCKS[name](), "run: make docs"


def test_page_has_every_block_once_and_no_other():
    assert sorted(re.findall(r"<!-- shown: ([\w-]+) -->", PAGE)) == sorted(BLOCKS)


def test_links_of_the_page_lead_to_its_headings():
    headings = re.findall(r"(?m)^## (.*)$", PAGE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) == anchors


def test_page_names_every_task_and_every_common_option():
    text = PAGE.partition("## Every option")[0]
    assert all(f"| `{word}` |" in text for word in TASK_WORDS)
    common = [option for option in task_options("evaluate") if option.group == "common"]
    left_out = PAGE.partition("Common options (")[2].partition(")")[0]
    assert [option.spellings[0] for option in common] == re.findall("`([^`]+)`", left_out)
