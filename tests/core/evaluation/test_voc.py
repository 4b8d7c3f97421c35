from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.evaluation import (
    ImageResult,
    Rules,
    Scorer,
    average_precision,
    curve_of,
    voc_precisions,
)

MODES = ["sample", "integrate"]
NOWHERE = np.zeros((0, 4), np.float32)
# Objects far apart, so that a detection can only be of one of them.
PLACES = np.array([[100 * i, 0, 100 * i + 40, 40] for i in range(4)], np.float32)


def image(boxes, scores, labels, gt_boxes, gt_labels, gt_ignore=None):
    return ImageResult(
        row=0,
        boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        labels=np.array(labels, np.int32),
        gt_boxes=np.asarray(gt_boxes, np.float32).reshape(-1, 4),
        gt_labels=np.array(gt_labels, np.int32),
        gt_ignore=np.zeros(len(gt_boxes), bool) if gt_ignore is None else np.array(gt_ignore),
    )


def scored(images, n_classes, mode, ious=(0.5,), **options):
    """Average precision of each class, (classes,) or (classes, T) for several IoUs."""
    scorer = Scorer(n_classes, Rules(ious=ious, **options))
    for one in images:
        scorer.add(one)
    ap = voc_precisions(scorer.outcomes(), mode)
    return ap[:, 0].tolist() if len(ious) == 1 else ap


def score_one_image(mode, *parts, **options):
    return scored([image(*parts)], 1, mode, **options)[0]


@pytest.mark.parametrize(("mode", "want"), [("sample", 6 / 11), ("integrate", 5 / 9)], ids=MODES)
def test_three_objects_of_which_one_is_missed(mode, want):
    # Scores 0.9 right, 0.8 wrong, 0.7 right: precision 1 up to recall 1/3, 2/3 up to 2/3.
    boxes = [PLACES[0], [500, 500, 540, 540], PLACES[1]]
    ap = score_one_image(mode, boxes, [0.9, 0.8, 0.7], [0, 0, 0], PLACES[:3], [0, 0, 0])
    assert ap == pytest.approx(want)


@pytest.mark.parametrize("mode", MODES)
def test_perfect_detections_score_1(mode):
    found = image(PLACES, [0.9, 0.2, 0.4, 0.3], [0, 1, 0, 1], PLACES, [0, 1, 0, 1])
    last = image(PLACES[:1], [0.1], [1], PLACES[:1], [1])
    assert scored([found, last], 2, mode) == [1.0, 1.0]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_found_scores_0(mode):
    assert score_one_image(mode, NOWHERE, [], [], PLACES, [0] * 4) == 0.0


def test_a_class_without_objects_has_no_ap():
    found = scored([image(PLACES[:2], [0.9, 0.8], [0, 2], PLACES[:1], [0])], 3, "sample")
    assert found[0] == 1.0
    assert math.isnan(found[1])
    assert math.isnan(found[2])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("images", [[], [image(PLACES[:1], [0.9], [0], NOWHERE, [])]], ids=len)
def test_no_images_and_no_objects_have_no_score(mode, images):
    assert np.isnan(scored(images, 2, mode)).all()


def test_the_right_place_with_the_wrong_class_is_wrong():
    found = image(PLACES[:1], [0.9], [1], PLACES[:2], [0, 1])
    assert scored([found], 2, "integrate") == [0.0, 0.0]


def test_more_images_than_are_matched_at_once_score_as_each_alone():
    one = image(PLACES[[0, 0, 1]], [0.9, 0.8, 0.7], [0] * 3, PLACES[:2], [0, 0])
    assert scored([one] * 600, 1, "integrate") == scored([one], 1, "integrate")


def test_several_ious_are_scored_as_each_alone():
    boxes = [[0, 0, 40, 22], [100, 0, 140, 33], PLACES[2], PLACES[2]]
    found = [image(boxes, [0.9, 0.8, 0.7, 0.6], [0] * 4, PLACES[:3], [0] * 3)]
    together = scored(found, 1, "integrate", ious=(0.5, 0.7, 0.9))
    alone = [scored(found, 1, "integrate", ious=(iou,))[0] for iou in (0.5, 0.7, 0.9)]
    assert together.tolist() == [alone]
    assert alone == [1.0, pytest.approx(4 / 9), pytest.approx(1 / 9)]


def test_a_second_detection_of_one_object_is_wrong():
    boxes = [PLACES[0], PLACES[0], PLACES[1]]
    ap = score_one_image("integrate", boxes, [0.9, 0.8, 0.7], [0] * 3, PLACES[:2], [0, 0])
    assert ap == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_second_detection_takes_the_next_best_object_that_is_free():
    objects = [[0, 0, 40, 40], [0, 0, 40, 36]]
    boxes = [objects[0], objects[0]]
    assert score_one_image("integrate", boxes, [0.9, 0.8], [0, 0], objects, [0, 0]) == 1.0


def test_finding_a_difficult_object_is_neither_right_nor_wrong():
    parts = (PLACES[:2], [0.9, 0.8], [0, 0], PLACES[:2], [0, 0], [True, False])
    assert score_one_image("integrate", *parts) == 1.0


def test_missing_a_difficult_object_is_no_miss():
    parts = (PLACES[:1], [0.9], [0], PLACES[:2], [0, 0], [False, True])
    assert score_one_image("integrate", *parts) == 1.0


def test_a_difficult_object_excuses_one_detection_only():
    parts = (PLACES[[0, 0, 1]], [0.9, 0.8, 0.7], [0] * 3, PLACES[:2], [0, 0], [True, False])
    assert score_one_image("integrate", *parts) == 0.5


@pytest.mark.parametrize(("iou", "want"), [(0.5, 1.0), (0.51, 0.0)], ids=["reached", "missed"])
def test_an_object_is_found_from_the_matching_overlap_on(iou, want):
    half = [[0, 0, 40, 20]]
    parts = (half, [0.9], [0], PLACES[:1], [0])
    assert score_one_image("sample", *parts, ious=(iou,)) == want


def test_scores_at_the_threshold_do_not_count():
    parts = (PLACES[:2], [0.75, 0.5], [0, 0], PLACES[:2], [0, 0])
    assert score_one_image("integrate", *parts, score_threshold=0.5) == 0.5


@pytest.mark.parametrize("mode", MODES)
def test_detections_of_equal_score_count_together(mode):
    boxes = np.array([PLACES[0], PLACES[3]])
    for some in (boxes, boxes[::-1]):
        assert score_one_image(mode, some, [0.5, 0.5], [0, 0], PLACES[:1], [0]) == 0.5


def test_curve_has_a_point_for_every_score():
    scorer = Scorer(1, Rules(ious=(0.5,)))
    boxes = [PLACES[0], PLACES[3], PLACES[1], [500, 500, 540, 540]]
    scorer.add(image(boxes, [0.75, 0.5, 0.5, 0.25], [0] * 4, PLACES[:4:2], [0, 0]))
    scorer.add(image(PLACES[:1], [0.75], [0], PLACES[:1], [0]))
    (found,) = scorer.outcomes()
    curve = curve_of(found)
    assert curve.scores.tolist() == [0.75, 0.5, 0.25]
    assert curve.recall == pytest.approx([2 / 3, 2 / 3, 2 / 3])
    assert curve.precision == pytest.approx([1, 2 / 4, 2 / 5])
    assert average_precision(curve, "integrate") == pytest.approx(2 / 3)


@st.composite
def images(draw):
    """Return images of detections near and far from their objects, of three classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = []
    for _ in range(draw(st.integers(1, 5))):
        objects, detections = rng.integers(0, 5), rng.integers(0, 8)
        corners = rng.uniform(0, 200, (objects, 2))
        truth = np.concatenate([corners, corners + rng.uniform(10, 60, (objects, 2))], axis=1)
        near = truth[rng.integers(0, objects, detections)] if objects else np.zeros((detections, 4))
        boxes = near + rng.normal(scale=5, size=near.shape)
        scores = rng.integers(1, 1000, detections) / 1000
        labels, gt_labels = rng.integers(0, 3, detections), rng.integers(0, 3, objects)
        found.append((boxes, scores, labels, truth, gt_labels, rng.random(objects) < 0.2))
    return found


def score_all(found, mode):
    return scored([image(*parts) for parts in found], 3, mode)


@given(images(), st.sampled_from(MODES))
@settings(max_examples=60)
def test_average_precision_is_between_0_and_1(found, mode):
    objects = np.bincount(np.concatenate([one[4][~one[5]] for one in found]), minlength=3)
    ap = score_all(found, mode)
    assert [math.isnan(value) for value in ap] == (objects == 0).tolist()
    assert all(math.isnan(value) or 0 <= value <= 1 for value in ap)


@given(images(), st.sampled_from(MODES), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_images_makes_no_difference(found, mode, random):
    shuffled = random.sample(found, len(found))
    np.testing.assert_array_equal(score_all(found, mode), score_all(shuffled, mode))


@given(images(), st.sampled_from(MODES))
@settings(max_examples=60)
def test_the_order_of_detections_makes_no_difference(found, mode):
    # Scores differ within an image: among equal ones, the detector's order decides.
    found = [one for one in found if len(set(one[1])) == len(one[1])]
    reversed_ = [tuple(part[::-1] for part in one[:3]) + one[3:] for one in found]
    np.testing.assert_array_equal(score_all(found, mode), score_all(reversed_, mode))
