"""docs/specs.md shows what the program says today, for mistakes that really are some."""

import re
import tempfile
from pathlib import Path

import pytest

from tests.docs import base_specs, write
from tests.docs.console import run
from tests.docs.mistakes import MISTAKES
from tests.docs.page import DOCS, blocks_of, rewritten
from tests.docs.specs_page import BLOCKS

PAGE = (DOCS / "specs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BLOCKS)
def test_page_shows_what_the_program_says(name):
    assert blocks_of(PAGE)[name] == BLOCKS[name](), "run: make docs"


def test_page_has_every_block_once_and_no_other():
    assert sorted(re.findall(r"<!-- shown: ([\w-]+) -->", PAGE)) == sorted(BLOCKS)
    assert PAGE.count("<!-- end -->") == len(BLOCKS)


def test_page_can_be_written_again_without_a_change(monkeypatch, tmp_path):
    (tmp_path / "specs.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(write, "DOCS", tmp_path)
    monkeypatch.setattr(write, "PAGES", {"specs.md": BLOCKS})
    write.main()
    assert (tmp_path / "specs.md").read_text(encoding="utf-8") == PAGE


def test_block_without_a_maker_is_not_written():
    with pytest.raises(KeyError, match="mystery"):
        rewritten("<!-- shown: mystery -->\n<!-- end -->", BLOCKS)


def test_page_names_no_folder_of_this_machine():
    for folder in (Path.home(), Path(__file__).parents[2], Path(tempfile.gettempdir())):
        assert str(folder) == "/" or str(folder) not in PAGE


def test_links_of_the_page_lead_to_its_headings():
    headings = re.findall(r"(?m)^## (.*)$", PAGE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) == anchors


@pytest.mark.parametrize(
    ("line", "spec"),
    [
        ("detforge ssd spec --check spec.txt", base_specs.SSD),
        ("detforge faster_rcnn spec --check spec.txt", base_specs.FASTER_RCNN),
        ("detforge efficientdet spec --check spec.txt", base_specs.EFFICIENTDET),
        ("detforge mask_rcnn spec --check spec.txt", base_specs.MASK_RCNN),
        ("detforge ssd spec --convert --check spec.txt", base_specs.KITTI),
    ],
    ids=["ssd", "faster_rcnn", "efficientdet", "mask_rcnn", "conversion"],
)
def test_spec_is_correct_before_the_mistake(line, spec):
    assert run(line, {"spec.txt": spec}) == (0, "spec.txt: correct\n")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_mistake_is_refused_in_one_message_that_names_the_file(mistake):
    shown = mistake.run()
    assert shown.code == 2
    lines = shown.text.removeprefix("Error: ").splitlines()
    assert all(line.startswith("spec.txt:") for line in lines)
    assert "Traceback" not in shown.text


def test_mistakes_are_shown_for_every_detector():
    shown = {mistake.line.split()[1] for mistake in MISTAKES}
    assert shown == {"ssd", "faster_rcnn", "efficientdet", "mask_rcnn"}
