"""Parts of a recipe that several detectors make from their specs in the same way."""

import pytest

from detforge.recipe import DataSource, InputFormat, Regularizer, Start


@pytest.mark.parametrize(
    ("records", "annotations", "expected"),
    [
        ("a*", "", [("a*", None)]),
        ("a*", "b.json", [("a*", "b.json")]),
        ("", "b.json", [(None, "b.json")]),
        ("", "", []),
    ],
    ids=["records", "both", "annotations", "neither"],
)
def test_pattern_is_one_source_or_none(records, annotations, expected):
    sources = DataSource.of_pattern(records, "data.training", annotations)
    assert [(source.records, source.annotations) for source in sources] == expected
    assert {source.field for source in sources} <= {"data.training"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"weights": "w", "pruned": ""}, Start(weights="w")),
        ({"weights": "w", "pruned": "p"}, Start(pruned="p")),
        ({"weights": "w", "pruned": "p", "resume": "r"}, Start(resume="r")),
        (
            {"weights": "w", "pruned": "", "skip_weights": "head"},
            Start(weights="w", skip_weights="head"),
        ),
        ({"weights": "", "pruned": ""}, Start()),
    ],
    ids=["weights", "pruned", "resume", "skip", "nothing"],
)
def test_training_starts_from_one_file(given, expected):
    assert Start.of_first(**given) == expected


@pytest.mark.parametrize(
    ("l1", "l2", "expected"),
    [
        (0.0, 0.0, Regularizer()),
        (0.1, 0.0, Regularizer(kind="l1_l2", l1_weight=0.1)),
        (0.1, 0.2, Regularizer(kind="l1_l2", weight=0.2, l1_weight=0.1)),
    ],
    ids=["neither", "l1", "both"],
)
def test_penalty_without_weight_is_none(l1, l2, expected):
    assert Regularizer.of_weights(l1=l1, l2=l2) == expected


def test_mean_colour_of_imagenet_enters_as_zero_and_one_deviation_as_one():
    pixels = InputFormat.of_imagenet(512, 640)
    assert (pixels.height, pixels.width, pixels.resize) == (512, 640, "fit")
    assert (pixels.color_order, pixels.channels) == ("rgb", 3)
    assert pixels.mean == (123.675, 116.28, 103.53)
    assert [57.12 * scale for scale in pixels.scale] == pytest.approx([1.0, 1.0, 1.0])
