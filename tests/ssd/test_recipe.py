"""What the recipe of SSD checks, and that it does so before Keras is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from detforge.errors import SpecError
from detforge.spec import parse_spec
from detforge_ssd import recipe, spec_pb2
from tests.ssd.conftest import SPEC

TEXT = SPEC.format(data="data", batch=2, epochs=1, rate=1e-2, interval=1)


def problems(*replacements):
    text = TEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    spec = parse_spec(text, spec_pb2.Experiment)
    try:
        recipe.to_recipe(spec.message)
    except SpecError as err:
        return [str(problem) for problem in err.problems]
    return []


@pytest.mark.parametrize(
    ("nlayers", "message"),
    [
        ("nlayers: 34", "resnet 34 comes with release 0.5"),
        ("nlayers: 101", "resnet 101 comes with release 0.5"),
        ("nlayers: 12", "resnet has no depth 12; use 10 or 18 (to come: 34, 50, 101)"),
        ("nlayers: 0", "resnet has no depth 0; use 10 or 18"),
        ("", "is missing; use 10 or 18"),
    ],
    ids=["34", "101", "12", "zero", "absent"],
)
def test_depth_that_is_not_there_says_which_are_and_when_others_come(nlayers, message):
    (problem,) = problems(("nlayers: 10", nlayers))
    assert problem.startswith(f"ssd_config.nlayers: {message}")


@pytest.mark.parametrize("blocks", ["0", "[0, 4]", "[]"])
def test_blocks_of_the_backbone_can_be_frozen(blocks):
    assert problems(("nlayers: 10", f"nlayers: 10 freeze_blocks: {blocks}")) == []


def test_every_mistake_in_the_detectors_own_block_is_named_at_once():
    found = problems(
        ("nlayers: 10", "nlayers: 50 freeze_blocks: [1, 5] steps: '[1]'"), ("0.15, 0.25", "0.15")
    )
    assert [problem.split(": ")[0] for problem in found] == [
        "ssd_config.nlayers",
        "ssd_config.freeze_blocks[1]",
        "ssd_config.scales",
        "ssd_config.steps",
    ]
    assert "resnet has no block 5; it has 0 to 4" in found[1]


def test_depths_and_blocks_are_those_that_can_be_built():
    from detforge.backbones import find_backbone

    for arch, depths in recipe._DEPTHS.items():
        for depth in depths:
            backbone = find_backbone(arch, depth, field="ssd_config")
            assert tuple(backbone.depths) == depths
            assert sorted(backbone.blocks) == list(recipe._BLOCKS[arch])


def test_recipe_loads_no_keras():
    code = (
        "import sys; from detforge.spec import parse_spec; from detforge_ssd import spec_pb2; "
        "from detforge_ssd.recipe import to_recipe; "
        "to_recipe(parse_spec(sys.stdin.read(), spec_pb2.Experiment).message); "
        "print(sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=TEXT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "field", "other"),
    [
        ('aspect_ratios: "[[1],[1],[1],[1],[1],[1]]"', "aspect_ratios_global", "aspect_ratios"),
        ("min_scale: 0.1", "min_scale", "scales"),
        ("max_scale: 0.9", "max_scale", "scales"),
    ],
    ids=["ratios", "min", "max"],
)
def test_field_that_another_one_beats_is_a_warning_naming_both(text, field, other):
    spec = parse_spec(TEXT.replace("nlayers: 10", f"nlayers: 10 {text}"), spec_pb2.Experiment, "s")
    (warning,) = spec.warnings
    assert warning.path == f"ssd_config.{field}"
    assert warning.message == f"has no effect: ssd_config.{other} is given too, and wins"
    assert warning.line > 0
