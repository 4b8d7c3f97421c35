"""docs/backbones.md shows the families that there are."""

import re

import pytest

from detforge.backbones import BackboneOptions
from tests.docs.backbones_page import BLOCKS
from tests.docs.page import DOCS, blocks_of

PAGE = (DOCS / "backbones.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BLOCKS)
def test_page_shows_what_the_program_says(name):
    assert blocks_of(PAGE)[name] == BLOCKS[name](), "run: make docs"


def test_page_describes_every_option():
    table = PAGE.partition("## Options")[2].partition("\n## ")[0]
    assert re.findall(r"(?m)^\| `(\w+)`", table) == list(BackboneOptions.__dataclass_fields__)


def test_links_of_the_page_lead_to_its_headings():
    headings = re.findall(r"(?m)^## (.*)$", PAGE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) == anchors
