"""How two lists of objects in the same images are compared."""

import numpy as np

from detforge.pruning.check import Objects, compare

BOXES = np.array([[0, 0, 10, 10], [20, 20, 40, 40], [50, 50, 60, 70]], np.float32)


def objects(boxes=BOXES, scores=(0.9, 0.8, 0.7), labels=(0, 1, 1)):
    return Objects(boxes, np.array(scores, np.float32), np.array(labels, np.int32))


NOTHING = objects(np.zeros((0, 4), np.float32), (), ())


def test_order_does_not_matter():
    turned = objects(BOXES[::-1], (0.7, 0.8, 0.9), (1, 1, 0))
    found = compare([objects()], [turned], 2)
    assert found == {
        "images": 1,
        "before": 3,
        "after": 3,
        "matched": 3,
        "largest_score_change": 0.0,
        "least_iou": 1.0,
    }


def test_moved_box_and_other_score_are_changes_of_the_same_object():
    boxes = BOXES.copy()
    boxes[0] = [0, 0, 10, 8]
    found = compare([objects()], [objects(boxes, (0.9, 0.55, 0.7))], 2)
    assert (found["matched"], round(found["least_iou"], 6)) == (3, 0.8)
    assert round(found["largest_score_change"], 6) == 0.25


def test_other_class_or_other_place_is_another_object():
    boxes = BOXES.copy()
    boxes[0] = [6, 0, 16, 10]
    found = compare([objects()], [objects(boxes, labels=(0, 0, 1))], 2)
    assert (found["before"], found["after"], found["matched"]) == (3, 3, 1)


def test_objects_are_matched_within_their_image():
    found = compare([objects(), NOTHING], [NOTHING, objects()], 2)
    assert (found["images"], found["before"], found["after"], found["matched"]) == (2, 3, 3, 0)
    assert (found["least_iou"], found["largest_score_change"]) == (1.0, 0.0)
