"""Any spec whose values are allowed gives a recipe that holds them."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.errors import SpecError
from detforge.spec import parse_spec
from detforge_ssd import spec_pb2
from detforge_ssd.anchor_config import anchor_config, check_centres
from detforge_ssd.recipe import to_recipe
from detforge_ssd.settings import Settings

REQUIRED = object()
COUNT, FRACTION = st.integers(1, 9999), st.integers(1, 999).map(lambda n: n / 1000)
SHARE, FLAG = st.integers(0, 999).map(lambda n: n / 1000), st.booleans()
POSITIVE = st.integers(1, 9000).map(lambda n: n / 1000)
RATIOS = st.lists(st.lists(POSITIVE, min_size=1, max_size=4), min_size=6, max_size=6)
PAIRS = st.lists(st.tuples(FRACTION, FRACTION), min_size=6, max_size=6)
SCALES, VARIANCES = st.tuples(*[FRACTION] * 6, POSITIVE), st.tuples(*[POSITIVE] * 4)
SIDE = st.integers(128, 4096)


def ordered(values):
    return st.tuples(values, values).map(sorted).filter(lambda two: two[0] < two[1])


class Field(NamedTuple):
    """Fields of a block that are drawn together.

    Attributes:
        block: name of the block.
        names: of the fields.
        values: strategy: a value, or one for each name.
        places: where they arrive.
        default: what the documents say of an absent field; `REQUIRED` for one that is always
            drawn.
    """

    block: str
    names: str
    values: st.SearchStrategy[Any]
    places: str
    default: Any = REQUIRED


FIELDS = [
    Field("top", "random_seed", st.integers(0, 2**32 - 1), "recipe.seed", 0),
    Field("training_config", "batch_size_per_gpu", COUNT, "recipe.data.batch_size"),
    Field("training_config", "num_epochs", COUNT, "recipe.epochs"),
    Field("training_config", "checkpoint_interval", COUNT, "recipe.checkpoints.interval", 1),
    Field("training_config", "max_queue_size", COUNT, "recipe.data.max_queue_size", 20),
    Field("training_config", "n_workers", COUNT, "recipe.data.workers", 0),
    Field(
        "schedule",
        "min_learning_rate max_learning_rate",
        ordered(POSITIVE),
        "recipe.schedule.min_learning_rate recipe.schedule.max_learning_rate",
    ),
    Field(
        "schedule",
        "soft_start annealing",
        ordered(SHARE),
        "recipe.schedule.soft_start recipe.schedule.annealing",
    ),
    Field(
        "eval_config", "validation_period_during_training", COUNT, "recipe.evaluation.period", 10
    ),
    Field("eval_config", "matching_iou_threshold", FRACTION, "recipe.evaluation.matching_iou", 0.5),
    Field("eval_config", "batch_size", COUNT, "recipe.evaluation.batch_size", 8),
    Field("nms_config", "confidence_threshold", FRACTION, "settings.score_threshold", 0.01),
    Field("nms_config", "clustering_iou_threshold", FRACTION, "settings.iou_threshold", 0.6),
    Field("nms_config", "top_k", COUNT, "settings.top_k", 200),
    Field("augmentation_config", "output_height", SIDE, "recipe.input.height"),
    Field("augmentation_config", "output_width", SIDE, "recipe.input.width"),
    Field(
        "augmentation_config",
        "random_crop_min_scale random_crop_max_scale",
        ordered(FRACTION),
        "IouCrop.min_scale IouCrop.max_scale",
        [0.3, 1.0],
    ),
    Field(
        "augmentation_config",
        "random_crop_min_ar random_crop_max_ar",
        ordered(POSITIVE),
        "IouCrop.min_aspect_ratio IouCrop.max_aspect_ratio",
        [0.5, 2.0],
    ),
    Field(
        "augmentation_config",
        "zoom_out_min_scale zoom_out_max_scale",
        ordered(POSITIVE.map(lambda n: 1 + n)),
        "Expand.min_ratio Expand.max_ratio",
        [1.0, 4.0],
    ),
    Field("augmentation_config", "brightness", st.integers(1, 255), "Photometric.brightness", 32),
    Field("augmentation_config", "contrast", SHARE, "Photometric.contrast", 0.5),
    Field("augmentation_config", "saturation", SHARE, "Photometric.saturation", 0.5),
    Field("augmentation_config", "hue", st.integers(0, 180), "Photometric.hue", 18),
    Field("augmentation_config", "random_flip", FRACTION, "HorizontalFlip.probability", 0.5),
    Field("ssd_config", "aspect_ratios", RATIOS, "anchors.aspect_ratios"),
    Field("ssd_config", "scales", SCALES, "anchors.scales"),
    Field("ssd_config", "variances", VARIANCES, "settings.variances", [0.1, 0.1, 0.2, 0.2]),
    Field("ssd_config", "steps", PAIRS, "anchors.steps", None),
    Field("ssd_config", "offsets", PAIRS, "anchors.offsets", None),
    Field("ssd_config", "two_boxes_for_ar1", FLAG, "anchors.two_boxes_for_ar1", False),
    Field("ssd_config", "clip_boxes", FLAG, "anchors.clip_boxes", False),
    Field("ssd_config", "alpha", POSITIVE, "settings.alpha", 1),
    Field("ssd_config", "neg_pos_ratio", POSITIVE, "settings.neg_pos_ratio", 3),
    Field("ssd_config", "pos_iou_thresh", FRACTION, "settings.positive_iou", 0.5),
    Field("ssd_config", "neg_iou_thresh", FRACTION, "settings.negative_iou", 0.5),
    Field("ssd_config", "freeze_bn", FLAG, "recipe.freeze.batch_norm", False),
    Field("ssd_config", "freeze_blocks", st.lists(st.integers(0, 4)), "recipe.freeze.blocks", []),
]
IN_QUOTES = ("aspect_ratios", "scales", "variances", "steps", "offsets")


@st.composite
def drawn(draw):
    """Draw a value for each entry of `FIELDS`, or None for what stays absent."""
    return [
        draw(field.values if field.default is REQUIRED else st.none() | field.values)
        for field in FIELDS
    ]


def written(values):
    """Return a spec with the values that were drawn."""
    blocks = {"top": "", "schedule": "", "ssd_config": 'arch: "resnet" nlayers: 18'}
    for field, value in zip(FIELDS, values, strict=True):
        names = field.names.split()
        if value is None:
            continue
        for name, one in zip(names, value if len(names) > 1 else [value], strict=True):
            text = f'"{one}"' if name in IN_QUOTES else str(one).lower()
            blocks[field.block] = f"{blocks.get(field.block, '')} {name}: {text}"
    schedule, top = blocks.pop("schedule"), blocks.pop("top")
    blocks["training_config"] += (
        f" learning_rate {{ soft_start_annealing_schedule {{ {schedule} }} }}"
    )
    blocks["dataset_config"] = 'target_class_mapping { key: "a" value: "b" }'
    return top + "".join(f"\n{name} {{ {text} }}" for name, text in blocks.items())


def close(found, value):
    """Return whether nested lists hold the same numbers, to the digits of a float32."""
    if isinstance(value, list | tuple):
        return len(found) == len(value) and all(map(close, found, value))
    return found == (value if value is None else pytest.approx(value, rel=1e-6))


@given(drawn())
@settings(max_examples=40)
def test_values_of_a_random_spec_arrive(values):
    spec = parse_spec(written(values), spec_pb2.Experiment)
    assert spec.warnings == ()
    recipe = to_recipe(spec.message, "ssd")
    built = SimpleNamespace(
        recipe=recipe,
        settings=Settings.from_spec(spec.message),
        anchors=anchor_config(spec.message.ssd_config),
        **{type(step).__name__: step for step in recipe.augmentation},
    )
    for field, value in zip(FIELDS, values, strict=True):
        expected = field.default if value is None else value
        assert close(attrgetter(*field.places.split())(built), expected), field.names


@given(drawn())
@settings(max_examples=20)
def test_message_survives_being_written_and_read(values):
    spec = parse_spec(written(values), spec_pb2.Experiment)
    again = parse_spec(text_format.MessageToString(spec.message), spec_pb2.Experiment)
    assert again.message == spec.message


@given(drawn())
@settings(max_examples=20)
def test_dssd_reads_the_fields_of_ssd(values):
    text = written(values)
    spec = parse_spec(text, spec_pb2.Experiment).message
    twin = parse_spec(text.replace("ssd_config", "dssd_config"), spec_pb2.Experiment).message
    recipe, other = to_recipe(spec, "ssd"), to_recipe(twin, "dssd")
    assert Settings.from_spec(twin) == Settings.from_spec(spec)
    assert replace(other, checkpoints=recipe.checkpoints, freeze=recipe.freeze) == recipe
    assert other.freeze == replace(recipe.freeze, field="dssd_config.freeze_blocks")
    assert other.checkpoints == replace(recipe.checkpoints, name="dssd_resnet18")


NESTED = st.recursive(POSITIVE, lambda inner: st.lists(inner, max_size=7), max_leaves=40)


@given(st.fixed_dictionaries({name: st.just("") | NESTED.map(str) for name in IN_QUOTES}))
@settings(max_examples=100)
def test_any_lists_give_anchors_or_problems_of_their_fields(lists):
    named: set[str] = set()
    try:
        anchors = anchor_config(spec_pb2.SsdConfig(**lists))
        list(check_centres(anchors, 300, 300))
    except SpecError as err:
        named = {problem.path.removeprefix("ssd_config.") for problem in err.problems}
    assert named <= {*lists}
