from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.evaluation import VocScorer
from detforge.evaluation.voc import average_precision

MODES = ["sample", "integrate"]
NOWHERE = np.zeros((0, 4), np.float32)
# Objects far apart, so that a detection can only be of one of them.
PLACES = np.array([[100 * i, 0, 100 * i + 40, 40] for i in range(4)], np.float32)


def add(scorer, boxes, scores, labels, gt_boxes, gt_labels, gt_ignore=None):
    gt_ignore = np.zeros(len(gt_boxes), bool) if gt_ignore is None else np.array(gt_ignore)
    scorer.add(
        boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        labels=np.array(labels, np.int32),
        gt_boxes=np.asarray(gt_boxes, np.float32).reshape(-1, 4),
        gt_labels=np.array(gt_labels, np.int32),
        gt_ignore=gt_ignore,
    )


def score_one_image(mode, *image, **options):
    scorer = VocScorer(1, **options)
    add(scorer, *image)
    return scorer.result(mode).ap[0]


@pytest.mark.parametrize(("mode", "want"), [("sample", 6 / 11), ("integrate", 5 / 9)], ids=MODES)
def test_three_objects_of_which_one_is_missed(mode, want):
    # Scores 0.9 right, 0.8 wrong, 0.7 right: precision 1 up to recall 1/3, 2/3 up to 2/3.
    boxes = [PLACES[0], [500, 500, 540, 540], PLACES[1]]
    ap = score_one_image(mode, boxes, [0.9, 0.8, 0.7], [0, 0, 0], PLACES[:3], [0, 0, 0])
    assert ap == pytest.approx(want)


@pytest.mark.parametrize("mode", MODES)
def test_perfect_detections_score_1(mode):
    scorer = VocScorer(2)
    add(scorer, PLACES, [0.9, 0.2, 0.4, 0.3], [0, 1, 0, 1], PLACES, [0, 1, 0, 1])
    add(scorer, PLACES[:1], [0.1], [1], PLACES[:1], [1])
    result = scorer.result(mode)
    assert result.ap == (1.0, 1.0)
    assert result.mean_ap == 1.0
    assert result.objects == (2, 3)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_found_scores_0(mode):
    assert score_one_image(mode, NOWHERE, [], [], PLACES, [0] * 4) == 0.0


def test_a_class_without_objects_has_no_ap_and_no_part_in_the_mean():
    scorer = VocScorer(3)
    add(scorer, PLACES[:2], [0.9, 0.8], [0, 2], PLACES[:1], [0])
    result = scorer.result("sample")
    assert result.ap[0] == 1.0
    assert math.isnan(result.ap[1])
    assert math.isnan(result.ap[2])
    assert result.mean_ap == 1.0
    assert result.detections == (1, 0, 1)


@pytest.mark.parametrize("mode", MODES)
def test_no_images_and_no_objects_have_no_score(mode):
    scorer = VocScorer(2)
    assert math.isnan(scorer.result(mode).mean_ap)
    add(scorer, PLACES[:1], [0.9], [0], NOWHERE, [])
    assert math.isnan(scorer.result(mode).mean_ap)


def test_the_right_place_with_the_wrong_class_is_wrong():
    scorer = VocScorer(2)
    add(scorer, PLACES[:1], [0.9], [1], PLACES[:2], [0, 1])
    assert scorer.result("integrate").ap == (0.0, 0.0)


def test_a_second_detection_of_one_object_is_wrong():
    boxes = [PLACES[0], PLACES[0], PLACES[1]]
    ap = score_one_image("integrate", boxes, [0.9, 0.8, 0.7], [0] * 3, PLACES[:2], [0, 0])
    assert ap == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_second_detection_takes_the_next_best_object_that_is_free():
    objects = [[0, 0, 40, 40], [0, 0, 40, 36]]
    boxes = [objects[0], objects[0]]
    assert score_one_image("integrate", boxes, [0.9, 0.8], [0, 0], objects, [0, 0]) == 1.0


def test_finding_a_difficult_object_is_neither_right_nor_wrong():
    image = (PLACES[:2], [0.9, 0.8], [0, 0], PLACES[:2], [0, 0], [True, False])
    assert score_one_image("integrate", *image) == 1.0


def test_missing_a_difficult_object_is_no_miss():
    image = (PLACES[:1], [0.9], [0], PLACES[:2], [0, 0], [False, True])
    assert score_one_image("integrate", *image) == 1.0


def test_a_difficult_object_excuses_one_detection_only():
    image = (PLACES[[0, 0, 1]], [0.9, 0.8, 0.7], [0] * 3, PLACES[:2], [0, 0], [True, False])
    assert score_one_image("integrate", *image) == 0.5


@pytest.mark.parametrize(("iou", "want"), [(0.5, 1.0), (0.51, 0.0)], ids=["reached", "missed"])
def test_an_object_is_found_from_the_matching_overlap_on(iou, want):
    half = [[0, 0, 40, 20]]
    image = (half, [0.9], [0], PLACES[:1], [0])
    assert score_one_image("sample", *image, matching_iou=iou) == want


def test_scores_at_the_threshold_do_not_count():
    image = (PLACES[:2], [0.75, 0.5], [0, 0], PLACES[:2], [0, 0])
    assert score_one_image("integrate", *image, score_threshold=0.5) == 0.5


@pytest.mark.parametrize("mode", MODES)
def test_detections_of_equal_score_count_together(mode):
    scores = np.array([0.5, 0.5])
    first = average_precision(scores, np.array([True, False]), 1, mode)
    assert first == average_precision(scores, np.array([False, True]), 1, mode) == 0.5


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
    scorer = VocScorer(3)
    for image in found:
        add(scorer, *image)
    return scorer.result(mode)


@given(images(), st.sampled_from(MODES))
@settings(max_examples=60, deadline=None)
def test_average_precision_is_between_0_and_1(found, mode):
    result = score_all(found, mode)
    assert all(math.isnan(ap) or 0 <= ap <= 1 for ap in result.ap)
    assert math.isnan(result.mean_ap) == all(math.isnan(ap) for ap in result.ap)
    assert math.isnan(result.mean_ap) or 0 <= result.mean_ap <= 1


@given(images(), st.sampled_from(MODES), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_images_makes_no_difference(found, mode, random):
    shuffled = random.sample(found, len(found))
    np.testing.assert_array_equal(score_all(found, mode).ap, score_all(shuffled, mode).ap)


@given(images(), st.sampled_from(MODES))
@settings(max_examples=60, deadline=None)
def test_the_order_of_detections_makes_no_difference(found, mode):
    # Scores differ within an image: among equal ones, the detector's order decides.
    found = [image for image in found if len(set(image[1])) == len(image[1])]
    reversed_ = [tuple(part[::-1] for part in image[:3]) + image[3:] for image in found]
    np.testing.assert_array_equal(score_all(found, mode).ap, score_all(reversed_, mode).ap)
