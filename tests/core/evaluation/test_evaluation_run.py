"""Scoring a predictor: what is compared with what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.core.data.data_builders import ListSource, make_recipe, make_sample, network

from detforge.data.masks import encode_mask
from detforge.errors import DatasetError
from detforge.evaluation.run import measure
from detforge.model import Detections

LIMIT = 3


def predicting(*rows):
    """A predictor that finds the same in every image: x1, y1, x2, y2, score, label."""
    table = np.zeros((LIMIT, 6), np.float32)
    table[: len(rows)] = np.array(rows, np.float32).reshape(-1, 6)

    def predict(images):
        count = len(images)
        tables = np.broadcast_to(table, (count, LIMIT, 6))
        return Detections(
            boxes=tables[..., :4],
            scores=tables[..., 4],
            labels=tables[..., 5].astype(np.int32),
            count=np.full(count, len(rows), np.int32),
        )

    return predict


def one_image(*boxes, names=None, **flags):
    return ListSource([make_sample(boxes, names or ["circle"] * len(boxes), **flags)])


def score(predict, source, recipe):
    return measure(predict, source, recipe).report


def test_report_has_every_class_and_what_it_was_scored_with():
    report = score(predicting((1, 2, 31, 42, 0.9, 0)), one_image([1, 2, 31, 42]), make_recipe())
    assert report.mean_ap == 1.0
    assert report.ap == {"circle": 1.0, "square": None, "triangle": None}
    assert (report.images, report.mode, report.matching_iou) == (1, "sample", 0.5)


def test_boxes_are_compared_in_pixels_of_the_source():
    recipe = make_recipe(input=network(128, 24))
    found = predicting((2, 1, 62, 21, 0.9, 0))
    assert score(found, one_image([1, 2, 31, 42]), recipe).mean_ap == 1.0


def test_boxes_that_stick_out_of_the_image_are_clipped_as_labels_are():
    # Twice as large as what is to be seen of the object.
    found = predicting((-20, 0, 19, 40, 0.9, 0))
    assert score(found, one_image([0, 0, 20, 40]), make_recipe()).mean_ap == 1.0


def test_boxes_go_back_from_a_fitted_image():
    # 64 x 48 becomes 96 x 72, with padding below.
    recipe = make_recipe(input=network(96, 96, resize="fit"))
    found = predicting((1.5, 3, 46.5, 63, 0.9, 0))
    assert score(found, one_image([1, 2, 31, 42]), recipe).mean_ap == 1.0


def test_boxes_go_back_from_images_of_many_shapes():
    wide, high = (np.zeros(size, np.uint8) for size in ((30, 60, 3), (60, 30, 3)))
    source = ListSource(
        make_sample([[2, 4, 22, 24]], ["circle"], image=image) for image in (wide, high, wide)
    )
    recipe = make_recipe(input=network(0, 0, shorter_side=15), evaluation_batch=2)
    report = score(predicting((1, 2, 11, 12, 0.9, 0)), source, recipe)
    assert (report.mean_ap, report.images) == (1.0, 3)


def test_only_what_the_network_sees_of_an_image_counts():
    recipe = make_recipe(input=network(32, 24, resize="pad", window=(16, 12, 48, 36)))
    # One object inside the window, one half inside, one beside it.
    objects = one_image([20, 16, 30, 26], [40, 20, 64, 30], [0, 0, 10, 10])
    found = predicting((4, 4, 14, 14, 0.9, 0), (24, 8, 32, 18, 0.8, 0))
    assert score(found, objects, recipe).mean_ap == 1.0


def test_box_beside_the_image_counts_as_wrong():
    found = predicting((70, 0, 90, 40, 0.9, 0), (0, 0, 20, 40, 0.8, 0))
    assert score(found, one_image([0, 0, 20, 40]), make_recipe()).mean_ap == 0.5


def test_detections_at_the_score_threshold_or_below_do_not_count():
    wrong = (40, 0, 60, 40)
    source = one_image([0, 0, 20, 40])
    for level, want in ((0.005, 1.0), (0.9, 0.5)):
        found = predicting((*wrong, level, 0), (0, 0, 20, 40, 0.8, 0))
        assert score(found, source, make_recipe()).mean_ap == want
    assert score(predicting((0, 0, 20, 40, 0.005, 0)), source, make_recipe()).mean_ap == 0.0


def test_last_batch_is_not_counted_beyond_its_images():
    source = ListSource(one_image([0, 0, 20, 40]).samples * 3)
    report = score(predicting((0, 0, 20, 40, 0.8, 0)), source, make_recipe(evaluation_batch=2))
    assert (report.mean_ap, report.images) == (1.0, 3)


@pytest.mark.parametrize("flags", [{"difficult": [True]}, {"crowd": [True]}], ids=str)
def test_data_whose_objects_all_do_not_count_is_an_error(flags):
    source = one_image([0, 0, 20, 40], **flags)
    with pytest.raises(DatasetError, match="memory: every object is marked difficult or crowd"):
        score(predicting(), source, make_recipe())


def evaluating(**changes):
    recipe = make_recipe()
    return replace(recipe, evaluation=replace(recipe.evaluation, **changes))


def test_counts_are_those_from_the_score_that_inference_draws_from():
    # Right, wrong, right but too low to be drawn.
    found = predicting((0, 0, 20, 40, 0.9, 0), (40, 0, 60, 40, 0.5, 0), (20, 0, 40, 40, 0.2, 0))
    report = score(found, one_image([0, 0, 20, 40], [20, 0, 40, 40]), make_recipe())
    assert report.counted_from == 0.3
    assert report.counts["circle"] == {
        "true_positives": 1,
        "false_positives": 1,
        "false_negatives": 1,
    }
    assert report.confusion == ((1, 0, 0, 1), (0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0))
    assert report.without_objects == ("square", "triangle")


def test_only_the_first_images_are_scored_where_the_recipe_limits_them():
    source = ListSource(
        [*one_image([0, 0, 20, 40]).samples * 3, *one_image([30, 0, 50, 40]).samples * 3]
    )
    report = score(predicting((0, 0, 20, 40, 0.8, 0)), source, evaluating(images=3, batch_size=2))
    assert (report.mean_ap, report.images) == (1.0, 3)


def test_range_of_ious_leaves_its_end_out_and_is_told_one_by_one():
    # Half of the object: found at 0.5 alone.
    recipe = evaluating(iou_range=(0.5, 0.65, 0.05), mode="integrate")
    report = score(predicting((0, 0, 20, 20, 0.8, 0)), one_image([0, 0, 20, 40]), recipe)
    assert report.matching_ious == (0.5, 0.55, 0.6)
    assert report.mean_ap_by_iou == {"0.5": 1.0, "0.55": 0.0, "0.6": 0.0}
    assert report.mean_ap == report.ap["circle"] == pytest.approx(1 / 3)
    assert report.matching_iou == 0.5


def test_coco_mode_tells_twelve_numbers():
    report = score(
        predicting((0, 0, 20, 40, 0.8, 0)), one_image([0, 0, 20, 30]), evaluating(mode="coco")
    )
    assert (report.mode, len(report.coco)) == ("coco", 12)
    assert report.coco["AP50"] == report.coco["AP75"] == pytest.approx(1.0)
    assert report.mean_ap == report.coco["AP"] == pytest.approx(0.6)  # IoU 0.75
    assert report.ap == {"circle": pytest.approx(0.6), "square": None, "triangle": None}
    assert np.isnan(report.coco["APl"])


def test_coco_area_is_the_annotated_one():
    sample = one_image([0, 0, 20, 40]).samples[0]
    source = ListSource([replace(sample, areas=np.array([2000.0], np.float32))])
    report = score(predicting((0, 0, 20, 40, 0.8, 0)), source, evaluating(mode="coco"))
    assert np.isnan(report.coco["APs"])
    assert report.coco["APm"] == pytest.approx(1.0)


def test_masks_are_scored_beside_boxes_where_both_sides_have_them():
    left = np.zeros((48, 64), np.uint8)
    left[:, :10] = 1
    source = one_image([0, 0, 20, 48])
    source.samples[0] = replace(source.samples[0], masks=(encode_mask(left),))
    boxes_only = predicting((0, 0, 20, 48, 0.8, 0))

    def with_masks(images):
        whole = np.zeros((len(images), LIMIT, 2, 2), np.float32)
        whole[..., 0] = 1.0
        return boxes_only(images)._replace(masks=whole)

    recipe = evaluating(mode="coco")
    assert score(boxes_only, source, recipe).mask_ap == {}
    report = score(with_masks, source, recipe)
    assert report.coco["AP"] == pytest.approx(1.0)
    assert report.coco["mask_AP50"] == pytest.approx(1.0)
    assert len(report.coco) == 24
    assert report.mask_ap["circle"] == report.coco["mask_AP"]


def test_worst_image_is_known_by_its_row():
    source = ListSource(
        [*one_image([0, 0, 20, 40]).samples * 2, *one_image([30, 0, 50, 40]).samples]
    )
    measured = measure(predicting((0, 0, 20, 40, 0.8, 0)), source, evaluating(batch_size=2))
    assert [found.image.row for found in measured.mistakes.worst] == [2]
