"""What the recipe of SSD and DSSD checks, and that it does so before Keras is loaded."""

from __future__ import annotations

import pytest

from detforge.errors import SpecError
from detforge.spec import parse_spec
from detforge_ssd import spec_pb2
from detforge_ssd.backbones import FAMILIES
from detforge_ssd.recipe import to_recipe
from tests.ssd.conftest import SPEC

TEXT = SPEC.format(data="data", batch=2, epochs=1, rate=1e-2, interval=1)


def recipe_of(*replacements, network="ssd"):
    """Return the recipe of the small spec with some text replaced."""
    text = TEXT.replace("ssd_config", f"{network}_config")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return to_recipe(parse_spec(text, spec_pb2.Experiment).message, network)


def problems(*replacements, network="ssd"):
    try:
        recipe_of(*replacements, network=network)
    except SpecError as err:
        return [str(problem) for problem in err.problems]
    return []


@pytest.mark.parametrize(
    ("nlayers", "message"),
    [
        ("nlayers: 12", "resnet has no depth 12; use 10, 18, 34, 50 or 101"),
        ("nlayers: 0", "resnet has no depth 0; use 10, 18, 34, 50 or 101"),
        ("", "is missing for resnet; use 10, 18, 34, 50 or 101"),
    ],
    ids=["12", "zero", "absent"],
)
def test_depth_that_is_not_there_says_which_are(nlayers, message):
    assert problems(("nlayers: 10", nlayers)) == [f"ssd_config.nlayers: {message}"]


def test_arch_that_is_not_there_says_which_are():
    (problem,) = problems(('"resnet"', '"resnext"'))
    assert "ssd_config.arch: " in problem
    assert all(f'"{arch}"' in problem for arch in FAMILIES)


@pytest.mark.parametrize(
    ("arch", "rest", "message"),
    [
        ("vgg", "nlayers: 16 freeze_blocks: [1, 5]", None),
        ("vgg", "nlayers: 17", "nlayers: vgg has no depth 17; use 16 or 19"),
        ("vgg", "", "nlayers: is missing for vgg; use 16 or 19"),
        ("vgg", "nlayers: 19 freeze_blocks: 0", "freeze_blocks[0]: vgg has no block 0; its blocks"),
        ("resnet", "nlayers: 101 freeze_blocks: 4", None),
        ("darknet", "nlayers: 53 freeze_blocks: 5", None),
        ("darknet", "nlayers: 21", "nlayers: darknet has no depth 21; use 19 or 53"),
        ("darknet", "nlayers: 19 freeze_blocks: 6", "freeze_blocks[0]: darknet has no block 6"),
        ("googlenet", "freeze_blocks: 9", None),
        ("googlenet", "freeze_blocks: 10", "freeze_blocks[0]: googlenet has no block 10"),
        ("mobilenet_v1", "freeze_blocks: 11", None),
        ("mobilenet_v1", "freeze_blocks: 12", "freeze_blocks[0]: mobilenet_v1 has no block 12"),
        ("mobilenet_v2", "freeze_blocks: 13", None),
        ("mobilenet_v2", "freeze_blocks: 14", "freeze_blocks[0]: mobilenet_v2 has no block 14"),
        ("squeezenet", "nlayers: 18", "nlayers: squeezenet comes in one depth; remove nlayers"),
        ("squeezenet", "nlayers: 0 freeze_blocks: 8", None),
        ("efficientnet_b0", "freeze_blocks: [0, 9]", "freeze_blocks[1]: efficientnet_b0 has no"),
    ],
)
def test_depth_and_frozen_blocks_are_those_of_the_family(arch, rest, message):
    found = problems(('"resnet"', f'"{arch}"'), ("nlayers: 10", rest))
    assert len(found) == (message is not None)
    assert message is None or found[0].startswith(f"ssd_config.{message}")


def test_every_choice_of_arch_is_a_family():
    field = spec_pb2.SsdConfig.DESCRIPTOR.fields_by_name["arch"]
    from detforge.spec.fields import rules_of

    assert set(rules_of(field).choices) == set(FAMILIES)


@pytest.mark.parametrize("blocks", ["0", "[0, 4]", "[]"])
def test_blocks_of_the_backbone_can_be_frozen(blocks):
    assert problems(("nlayers: 10", f"nlayers: 10 freeze_blocks: {blocks}")) == []


def test_blocks_may_be_listed_line_by_line():
    lines = "nlayers: 10\n  freeze_blocks: 0\n  freeze_blocks: 1 freeze_bn: true"
    freeze = recipe_of(("nlayers: 10", lines)).freeze
    assert (freeze.blocks, freeze.batch_norm) == ((0, 1), True)


def test_every_mistake_of_a_spec_is_named_at_once():
    found = problems(
        ("nlayers: 10", "nlayers: 51 freeze_blocks: [1, 5] steps: '[1]' pred_num_channels: 128"),
        ("0.15, 0.25", "0.15"),
        ("output_width: 128", "output_width: 96"),
        ("soft_start: 0.1", "soft_start: 0.7"),
    )
    assert [problem.split(": ")[0] for problem in found] == [
        "ssd_config.nlayers",
        "ssd_config.freeze_blocks[1]",
        "ssd_config.pred_num_channels",
        "ssd_config.scales",
        "ssd_config.steps",
        "augmentation_config.output_width",
        "training_config.learning_rate.soft_start_annealing_schedule.soft_start",
    ]
    assert "resnet has no block 5; its blocks are 0 to 4" in found[1]


@pytest.mark.parametrize(
    ("network", "channels", "message"),
    [
        ("ssd", 0, None),
        ("ssd", 128, "128 is not possible; use 256, 512 or 1024, or 0 for no such module"),
        ("ssd", 512, None),
        ("dssd", 128, "128 is not possible; use 256, 512 or 1024, or 0 for no such module"),
        ("dssd", 512, None),
    ],
)
def test_prediction_module_has_a_documented_width(network, channels, message):
    found = problems(("nlayers: 10", f"nlayers: 10 pred_num_channels: {channels}"), network=network)
    assert found == ([f"{network}_config.pred_num_channels: {message}"] if message else [])


@pytest.mark.parametrize(("side", "is_fine"), [(127, False), (128, True), (300, True)])
@pytest.mark.parametrize("name", ["output_width", "output_height"])
def test_input_is_large_enough_for_six_maps(name, side, is_fine):
    found = problems((f"{name}: 128", f"{name}: {side}"))
    message = f"{side} px is too small for six feature maps; use at least 128"
    assert found == ([] if is_fine else [f"augmentation_config.{name}: {message}"])


@pytest.mark.parametrize(
    ("lists", "messages"),
    [
        # The published steps for 300 px; the last map has its second centre outside.
        ("steps: '[8, 16, 32, 64, 100, 128]'", []),
        ("steps: '[8, 16, 32, 64, 128, 256]'", ["steps[5]: puts the first anchor 128 px into"]),
        ("steps: '[8, 16, 32, 64, 128, [127, 300]]'", ["steps[5]: puts the first anchor 150 px"]),
        ("steps: '[8, 16, 32, 64, 128, 250]' offsets: '[.5, .5, .5, .5, .5, .1]'", []),
        (
            "steps: '[8, 16, 32, 64, 128, 140]' offsets: '[.5, .5, .5, .5, .5, [.5, .95]]'",
            ["steps[5]: puts the first anchor 133 px into an input whose output_width is 128"],
        ),
    ],
)
def test_steps_leave_an_anchor_of_each_map_inside(lists, messages):
    found = problems(("nlayers: 10", f"nlayers: 10 {lists}"))
    assert len(found) == len(messages)
    assert all(f"ssd_config.{m}" in problem for m, problem in zip(messages, found, strict=True))


def test_checkpoints_are_called_after_network_and_backbone():
    assert recipe_of().checkpoints.name == "ssd_resnet10"
    assert recipe_of(network="dssd").checkpoints.name == "dssd_resnet10"


def test_dssd_has_the_recipe_of_ssd():
    mine, theirs = recipe_of(network="dssd"), recipe_of()
    assert mine.freeze.field == "dssd_config.freeze_blocks"
    for part in ("classes", "input", "data", "augmentation", "schedule", "evaluation"):
        assert getattr(mine, part) == getattr(theirs, part)


def test_anchors_of_dssd_are_named_by_its_own_block():
    (problem,) = problems(("0.15, 0.25", "0.15"), network="dssd")
    assert problem.startswith("dssd_config.scales: has 6 items")


@pytest.mark.parametrize(("network", "other"), [("ssd", "dssd"), ("dssd", "ssd")])
def test_spec_of_the_sibling_names_the_right_command(network, other):
    spec = parse_spec(TEXT.replace("ssd_config", f"{other}_config"), spec_pb2.Experiment, "s.txt")
    with pytest.raises(SpecError) as caught, spec.located():
        to_recipe(spec.message, network)
    assert str(caught.value) == (
        f"s.txt:3:1: {other}_config: this is a spec of {other}: use detforge {other}, "
        f"or call the block {network}_config"
    )


def test_spec_without_a_network_is_refused():
    start, end = TEXT.index("ssd_config"), TEXT.index("training_config")
    with pytest.raises(SpecError, match="dssd_config: is missing; it describes the detector"):
        to_recipe(parse_spec(TEXT[:start] + TEXT[end:], spec_pb2.Experiment).message, "dssd")


def test_depths_and_blocks_are_those_that_can_be_built():
    from detforge.backbones import find_backbone

    for arch, family in FAMILIES.items():
        for depth in family.depths or (0,):
            backbone = find_backbone(arch, depth, field="ssd_config")
            assert backbone.family.depths == family.depths
            end = backbone.family.last_block
            built = [number for number in backbone.blocks if end is None or number <= end]
            assert built == list(family.blocks)


def test_mean_color_is_a_warning():
    text = TEXT.replace("nlayers: 10", 'nlayers: 10 mean_color: "0"')
    (warning,) = parse_spec(text, spec_pb2.Experiment).warnings
    assert warning.path == "ssd_config.mean_color"
    assert "the mean is augmentation_config.image_mean" in warning.message


@pytest.mark.parametrize(
    ("old", "new", "path", "advice"),
    [
        ("nlayers: 10", "nlayers: 10 loss_loc_weight: 0.8", "ssd_config", "write alpha"),
        ("nlayers: 10", "nlayers: 10 focal_loss_gamma: 2.0", "ssd_config", "neg_pos_ratio"),
        (
            "output_width",
            "preprocessing { output_image_width: 300 crop_right: 1 } output_width",
            "augmentation_config",
            "write output_width, output_height",
        ),
        (
            "output_width",
            "spatial_augmentation { hflip_probability: 0.5 zoom_min: 1 } output_width",
            "augmentation_config",
            "write random_flip",
        ),
        (
            "output_width",
            "color_augmentation { hue_rotation_max: 25.0 } output_width",
            "augmentation_config",
            "write brightness, contrast, saturation and hue here",
        ),
        (
            "dataset_config {",
            "dataset_config { validation_fold: 0",
            "dataset_config",
            'tfrecords_path "PREFIX-fold-001*" in data_sources',
        ),
        (
            "random_seed",
            "class_weighting_config { enable_auto: true } random_seed",
            "",
            "remove it",
        ),
    ],
    ids=["alpha", "focal", "preprocessing", "spatial", "color", "fold", "weights"],
)
def test_field_of_older_specs_gets_advice(old, new, path, advice):
    text = TEXT.replace(old, new)
    assert text != TEXT
    with pytest.raises(SpecError) as caught:
        parse_spec(text, spec_pb2.Experiment)
    (problem,) = caught.value.problems
    assert problem.path.rpartition(".")[0] == path
    assert advice in problem.message
    assert problem.line > 0


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
