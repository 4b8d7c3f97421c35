"""Comparing two predictors: what counts as a difference and what does not."""

import numpy as np
import pytest

from detforge.errors import ExportError
from detforge.export.compare import Agreement, check_agreement, compare
from detforge.model import Detections
from detforge.recipe import InputFormat

FORM = InputFormat(height=100, width=200)
LIMIT = 6


class Canned:
    """A predictor with one answer: rows of x1, y1, x2, y2, score, label."""

    class_names = ("a", "b")

    def __init__(self, *rows, masks=None):
        table = np.zeros((LIMIT, 6), np.float32)
        table[: len(rows)] = np.array(rows, np.float32).reshape(-1, 6)
        self.answer = Detections(
            table[None, :, :4],
            table[None, :, 4],
            table[None, :, 5].astype(np.int32),
            np.array([len(rows)]),
            masks,
        )

    def predict(self, images):
        return self.answer


def agreement(first, second):
    return compare(first, second, [np.zeros((1, 100, 200, 3), np.float32)])


ONE = (10, 10, 30, 30, 0.9, 0)
TWO = (50, 50, 80, 90, 0.8, 1)
THREE = (12, 60, 40, 80, 0.7, 0)


def moved(row, box=0.0, score=0.0, **changes):
    values = list(row)
    values[0] += box
    values[4] += score
    values[5] = changes.get("label", values[5])
    return tuple(values)


def test_equal_answers_agree():
    found = agreement(Canned(ONE, TWO), Canned(ONE, TWO))
    assert found == Agreement(matched=2, images=1)
    check_agreement(found, FORM)


def test_largest_differences_are_found():
    found = agreement(Canned(ONE, TWO), Canned(moved(ONE, 0.02, 1e-4), moved(TWO, -0.01, 3e-4)))
    assert found.box == pytest.approx(0.02, abs=1e-5)
    assert found.score == pytest.approx(3e-4, abs=1e-6)
    assert (found.matched, found.unmatched) == (2, 0)
    check_agreement(found, FORM)


def test_equal_scores_in_another_order_agree():
    same = moved(TWO, score=0.1)
    found = agreement(Canned(ONE, same), Canned(same, ONE))
    assert found == Agreement(matched=2, images=1)


@pytest.mark.parametrize(
    ("other", "unmatched", "swapped"),
    [
        (Canned(ONE), 1, 0),
        (Canned(ONE, moved(TWO, label=0)), 2, 0),
        (Canned(ONE, (90, 10, 120, 50, 0.8, 1)), 2, 0),
        (Canned(ONE, moved(TWO, box=12, score=-0.01)), 2, 0),
        (Canned(ONE, moved(TWO, box=12)), 0, 1),
        (Canned(), 2, 0),
    ],
    ids=["lost", "other label", "moved away", "moved, other score", "lost a tie", "none"],
)
def test_detection_that_only_one_has_is_unmatched_or_lost_a_tie(other, unmatched, swapped):
    found = agreement(Canned(ONE, TWO), other)
    assert (found.unmatched, found.swapped) == (unmatched, swapped)


def test_boxes_that_are_all_somewhere_else_are_no_ties():
    found = agreement(Canned(ONE, TWO, THREE), Canned(*(moved(r, 4) for r in (ONE, TWO, THREE))))
    assert found.swapped == 3
    with pytest.raises(ExportError, match="and 3 at another place"):
        check_agreement(found, FORM)


def test_boxes_of_an_untrained_model_are_compared_by_their_size():
    huge = (-20000, -10000, 20000, 10000, 0.9, 0)
    found = agreement(Canned(huge), Canned(moved(huge, box=1)))
    assert found.matched == 1
    check_agreement(found, FORM)


def test_overflow_is_no_difference():
    broken = (-np.inf, 0, np.inf, np.nan, 0.9, 0)
    check_agreement(agreement(Canned(ONE, broken), Canned(ONE, broken)), FORM)


def test_detection_that_fell_off_a_full_list_is_no_difference():
    full = [moved(ONE, box=30 * index, score=-0.1 * index) for index in range(LIMIT)]
    last = (150, 60, 170, 80, full[-1][4] - 5e-5, 1)
    found = agreement(Canned(*full), Canned(*full[:-1], last))
    assert (found.matched, found.unmatched) == (LIMIT - 1, 0)


def test_detection_in_the_middle_of_a_full_list_is_missed():
    full = [moved(ONE, box=30 * index, score=-0.1 * index) for index in range(LIMIT)]
    low = (150, 60, 170, 80, 0.2, 1)
    assert agreement(Canned(*full), Canned(*full[:2], *full[3:], low)).unmatched > 0


def test_nothing_on_both_sides_agrees_and_says_that_nothing_was_matched():
    found = agreement(Canned(), Canned())
    assert found == Agreement(images=1)
    check_agreement(found, FORM)


def test_masks_are_compared():
    masks = np.zeros((1, LIMIT, 2, 2), np.float32)
    found = agreement(Canned(ONE, masks=masks), Canned(ONE, masks=masks + np.float32(0.25)))
    assert found.mask == 0.25
    with pytest.raises(ExportError, match=r"masks by 0\.25"):
        check_agreement(found, FORM)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Agreement(box=0.3, matched=9, images=2), r"on 2 images: .* differ by up to 0\.3 px"),
        (Agreement(score=0.002, matched=9, images=2), r"scores by 0\.002"),
        (Agreement(matched=90, unmatched=1, images=2), "of 91 detections 1 are in one of them"),
    ],
    ids=["boxes", "scores", "detections"],
)
def test_too_large_a_difference_is_refused(found, message):
    with pytest.raises(ExportError, match=message):
        check_agreement(found, FORM)
