"""docs/files.md: the tables of exported models say what exported models say."""

from __future__ import annotations

import re

from detforge.deployment import NEWEST_OPSET, OLDEST_OPSET, OPSET, PLAIN_OUTPUTS
from detforge.files.metadata import ModelInfo, to_metadata
from detforge.recipe import InputFormat
from tests.docs.page import DOCS

PAGE = (DOCS / "files.md").read_text(encoding="utf-8")
EXPORTED = PAGE.partition("## Exported models")[2]


def first_column(header):
    """Return the words in backticks of a table's first column."""
    rows = EXPORTED.partition(f"| {header} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_metadata_are_listed_to_the_last_key():
    info = ModelInfo(
        detector="ssd",
        plugin_version="1",
        detforge_version="1",
        class_names=("car",),
        input=InputFormat(height=8, width=8),
        spec_sha256="0",
    )
    assert sorted(first_column("key")) == sorted(to_metadata(info))


def test_outputs_are_listed_in_their_order():
    assert first_column("tensor") == ["images", *PLAIN_OUTPUTS, "detection_masks"]


def test_operator_sets_are_those_that_can_be_asked_for():
    assert f"{OLDEST_OPSET} to {NEWEST_OPSET}; {OPSET} unless told otherwise" in EXPORTED
