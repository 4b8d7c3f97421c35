"""The name that was probably meant."""

import pytest

from detforge.nearest import did_you_mean, nearest

BLOCKS = ["nms_config", "training_config", "RED", "include_difficult", "train"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("trian", "train"),
        ("trainig_config", "training_config"),
        ("Include-Difficult", "include_difficult"),
        ("red", "RED"),
        ("data_config", None),
        ("nr_difficult", "include_difficult"),
        ("qqqq", None),
        ("", None),
        ("train" * 100_000, None),
    ],
    ids=lambda text: str(text)[:20],
)
def test_near_name_is_found_and_a_far_one_is_not(name, meant):
    assert nearest(name, BLOCKS) == meant


def test_nothing_is_near_among_no_names():
    assert nearest("train", []) is None


def test_end_of_a_message_is_empty_when_nothing_is_near():
    assert did_you_mean("trian", BLOCKS) == " Did you mean 'train'?"
    assert did_you_mean("qqqq", BLOCKS) == ""
