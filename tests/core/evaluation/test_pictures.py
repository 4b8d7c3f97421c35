"""The pictures of an evaluation: what can be read from their pixels."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.core.data.data_builders import ListSource, make_sample

from detforge.evaluation import ImageResult, Rules, Scorer, voc_precisions
from detforge.evaluation.mistakes import Mistakes
from detforge.evaluation.plots import draw_confusion, draw_curves
from detforge.evaluation.worst_images import draw_worst
from detforge.requests import EvaluateReport

RED, YELLOW, GREEN = (214, 40, 40), (255, 196, 0), (70, 160, 80)
BLUE_CURVE = (0x3B, 0x6E, 0xA5)


def evaluated(n_classes=2, name="class"):
    """One image: in each class a right detection and one where there is nothing."""
    places = np.array([[40.0 * k, 10, 40 * k + 30, 40] for k in range(2 * n_classes)])
    labels = np.arange(2 * n_classes) % n_classes
    scores = np.where(np.arange(2 * n_classes) < n_classes, 0.9, 0.5)
    image = ImageResult(
        0, places, scores, labels, places[:n_classes], labels[:n_classes], np.zeros(n_classes, bool)
    )
    mistakes = Mistakes(n_classes, iou=0.5, least_score=0.3)
    scorer = Scorer(n_classes, Rules(ious=(0.5,)), mistakes.see)
    scorer.add(image)
    outcomes = scorer.outcomes()
    ap = voc_precisions(outcomes, "integrate")[:, 0]
    report = EvaluateReport(
        mean_ap=float(ap.mean()),
        ap={f"{name} {k}": float(value) for k, value in enumerate(ap)},
        images=1,
        mode="integrate",
        matching_iou=0.5,
        matching_ious=(0.5,),
        counted_from=0.3,
        confusion=tuple(map(tuple, mistakes.confusion.tolist())),
    )
    return outcomes, report


def pixels(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)


def has(image, color, within=12):
    return bool((np.abs(image.astype(int) - color).max(axis=-1) <= within).any())


def test_curves_are_drawn_in_colour_with_a_name_each():
    outcomes, report = evaluated()
    image = pixels(draw_curves(outcomes, report))
    assert has(image, BLUE_CURVE)
    legend = image[:, int(image.shape[1] * 0.7) :]
    assert (legend.min(axis=-1) < 90).any()


@pytest.mark.parametrize("name", ["Fußgänger", "交通标志"])
def test_names_outside_ascii_are_drawn(name):
    outcomes, report = evaluated(name=name)
    other = replace(report, ap={f"?{key[1:]}": ap for key, ap in report.ap.items()})
    for draw in (lambda r: draw_curves(outcomes, r), draw_confusion):
        assert draw(report) != draw(other)


def test_class_without_objects_has_no_curve():
    outcomes, report = evaluated()
    nothing = [found._replace(objects=np.zeros_like(found.objects)) for found in outcomes]
    assert not has(pixels(draw_curves(nothing, report)), BLUE_CURVE)


@pytest.mark.parametrize("n_classes", [1, 12, 60])
def test_confusion_is_blue_where_right_and_orange_where_wrong(n_classes):
    _, report = evaluated(n_classes)
    image = pixels(draw_confusion(report)).astype(int)
    red, blue = image[..., 0], image[..., 2]
    assert (blue - red > 60).any()
    assert (red - blue > 10).any()
    # Sixty classes are no larger than forty.
    assert max(image.shape[:2]) < 2200


def test_worst_images_show_false_missed_and_found_objects_in_their_colours():
    white = np.full((120, 200, 3), 255, np.uint8)
    truth = np.array([[10.0, 30, 60, 80], [130, 60, 180, 110]])
    found = np.array([[10.0, 30, 60, 80], [80, 20, 120, 60]])
    image = ImageResult(
        1, found, np.array([0.9, 0.6]), np.array([0, 0]), truth, np.zeros(2, int), np.zeros(2, bool)
    )
    mistakes = Mistakes(1, iou=0.5, least_score=0.3)
    scorer = Scorer(1, Rules(ious=(0.5,)), mistakes.see)
    scorer.add(image)
    scorer.outcomes()
    samples = [make_sample(truth, ["car", "car"], image=picture) for picture in (white // 2, white)]
    picture = draw_worst(mistakes, ListSource(samples), ["Straße"], 0.5)
    # Below title and explanation, in the margin, the image of row 1 at its own size.
    top, left = np.argwhere((picture == YELLOW).all(axis=-1)).min(axis=0) - (60, 130)
    for color, (x, y) in ((RED, (80, 40)), (GREEN, (10, 55)), (YELLOW, (130, 61))):
        near = picture[top + y - 3 : top + y + 4, left + x - 3 : left + x + 4]
        assert (near == color).all(axis=-1).any(), color
    assert (picture[top + 5, left + 190] == 255).all()
