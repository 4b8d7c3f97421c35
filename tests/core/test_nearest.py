"""The name that was probably meant."""

import pytest

from detforge.nearest import did_you_mean, nearest

BLOCKS = ["nms_config", "training_config", "RED", "include_difficult", "train"]


SPEC = [
    "seed",
    "warmup_learning_rate",
    "learning_rate_steps",
    "total_steps",
    "eval_batch_size",
    "a_b_c_of",
]


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("learning_rate_warmup", "warmup_learning_rate"),
        ("random_seed", "seed"),
        ("tf_random_seed", None),
        ("batch", "eval_batch_size"),
        ("lr_steps", None),
        ("rate", None),
        ("of", None),
    ],
    ids=["another order", "one more", "two more", "two less", "half", "two names", "three more"],
)
def test_name_of_like_words_is_found_where_there_is_one(name, meant):
    assert nearest(name, SPEC) == meant


def test_nothing_is_near_among_no_names():
    assert nearest("train", []) is None


def test_end_of_a_message_is_empty_when_nothing_is_near():
    assert did_you_mean("trian", BLOCKS) == " Did you mean 'train'?"
    assert did_you_mean("qqqq", BLOCKS) == ""
