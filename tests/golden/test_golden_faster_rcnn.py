"""Faster R-CNN's rooms, from anchors to average precision, against the reference's numbers.

The reference counts whole pixels in places: a box from x1 to x2 is x2 - x1 + 1 wide. Where it does,
x2 and y2 grow by one on the way in.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from keras import ops

from detforge.boxes import iou_matrix
from detforge.boxes.clipping import is_inside
from detforge.boxes.coding import decode_boxes
from detforge.boxes.grid import grid_anchors
from detforge.boxes.matching import BACKGROUND, NEUTRAL
from detforge.boxes.proposals import propose
from detforge.evaluation import ImageResult, Rules, Scorer, voc_precisions
from detforge.evaluation.matching import HIT, WRONG
from detforge_faster_rcnn.anchors import anchor_sizes
from detforge_faster_rcnn.detection import detect_objects
from detforge_faster_rcnn.losses import roi_losses, rpn_losses
from detforge_faster_rcnn.roi_targets import RegionTargets, make_region_targets, match_regions
from detforge_faster_rcnn.rpn_targets import POSITIVE, AnchorTargets, assign_anchors

ONE_PIXEL = np.array([0, 0, 1, 1], np.float32)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def xyxy(boxes_yxyx):
    return np.asarray(boxes_yxyx)[..., [1, 0, 3, 2]].astype(np.float32)


def yxyx(boxes_xyxy):
    return numpy(boxes_xyxy)[..., [1, 0, 3, 2]]


def _sizes(config):
    return anchor_sizes(config["anchor_sizes"], config["anchor_ratios"])


def _anchors(config):
    return grid_anchors(
        config["rpn_h"],
        config["rpn_w"],
        stride=config["rpn_stride"],
        sizes_wh=_sizes(config),
    )


def _truth(case):
    """Return boxes (1, N, 4), a pixel wider, with labels 0 unless the case has some."""
    boxes = xyxy(case.inputs["gt_yxyx"])[None] + ONE_PIXEL
    labels = case.inputs.get("gt_class", np.zeros(boxes.shape[1]))
    return boxes, np.asarray(labels, np.int32)[None], np.zeros(boxes.shape[:2], bool)


@pytest.mark.golden("frcnn_anchors")
def test_anchors_equal_the_reference(case):
    case.check(np.array(_sizes(case.config)), "base_anchors_wh")
    case.check(numpy(_anchors(case.config)), "anchors_xyxy")


@pytest.mark.golden("frcnn_rpn_targets")
def test_targets_of_anchors_equal_the_reference(case):
    config, anchors = case.config, numpy(_anchors(case.config)) + ONE_PIXEL
    size = {"height": config["image_height"], "width": config["image_width"]}
    boxes, labels, ignore = _truth(case)
    targets = assign_anchors(
        anchors,
        boxes,
        labels,
        ignore,
        **size,
        variances=(1.0,) * 4,
        positive_iou=config["iou_high"],
        negative_iou=config["iou_low"],
    )
    found, deltas = numpy(targets.labels)[0], numpy(targets.deltas)[0]
    positive = np.flatnonzero(found == POSITIVE)
    case.check(found.reshape(case.expected["label"].shape), "label")
    case.check(positive, "pos_index")
    case.check(deltas[positive], "pos_deltas")
    assert not deltas[found != POSITIVE].any()
    overlap = numpy(iou_matrix(boxes[0], anchors)).max(axis=0)
    case.check(np.where(numpy(is_inside(anchors, **size)), overlap, 0), "max_iou_per_anchor")


@pytest.mark.golden("frcnn_proposals")
def test_proposals_equal_the_reference(case):
    config, n = case.config, len(_sizes(case.config))
    rows, columns = config["rpn_h"], config["rpn_w"]
    scores = case.inputs["scores"].transpose(1, 2, 0).reshape(-1)
    deltas = case.inputs["deltas"].reshape(n, 4, rows, columns)
    anchors, variances = _anchors(config), (1 / config["std_scaling"],) * 4
    # The reference decodes in the order anchor, row, column.
    by_anchor = numpy(anchors).reshape(rows, columns, n, 4).transpose(2, 0, 1, 3).reshape(-1, 4)
    decoded = decode_boxes(deltas.transpose(0, 2, 3, 1).reshape(-1, 4), by_anchor, variances)
    case.check(yxyx(decoded), "decoded_yxyx")
    found = propose(
        scores[None],
        deltas.transpose(2, 3, 0, 1).reshape(1, -1, 4),
        anchors,
        # Here the reference clips to the last pixel, and adds none.
        height=config["image_height"] - 1,
        width=config["image_width"] - 1,
        variances=variances,
        candidates=config["pre_nms_top_N"],
        most=config["post_nms_top_N"],
        iou_threshold=config["nms_iou_thres"],
    )
    case.check(yxyx(found)[0], "rois_yxyx")
    case.check(int(numpy(found).any(axis=2).sum()), "num_valid")


@pytest.mark.golden("frcnn_roi_targets")
def test_objects_of_regions_equal_the_reference(case):
    config, regions = case.config, xyxy(case.inputs["rois_yxyx"])[None] + ONE_PIXEL
    boxes, labels, ignore = _truth(case)
    matched = match_regions(
        regions,
        boxes,
        labels,
        ignore,
        positive_iou=config["iou_high"],
        negative_iou=config["iou_low"],
    )
    matched = numpy(matched)[0]
    classes = np.where(matched >= 0, labels[0][np.maximum(matched, 0)], matched)
    classes = np.where(matched == BACKGROUND, config["num_foreground_classes"], classes)
    case.check(np.where(matched == NEUTRAL, -1, classes), "assigned_class")
    case.check(np.flatnonzero(matched >= 0), "foreground_index")
    # Of regions without an object the reference tells the nearest one too.
    foreground = case.expected["foreground_index"]
    nearest = case.expected["matched_gt"][foreground]
    case.compare(matched[foreground], nearest, "matched_gt")


@pytest.mark.golden("frcnn_roi_targets")
def test_deltas_of_regions_equal_the_reference(case):
    config, foreground = case.config, case.expected["foreground_index"]
    regions = xyxy(case.inputs["rois_yxyx"])[foreground][None] + ONE_PIXEL
    targets = make_region_targets(
        regions,
        *_truth(case),
        np.array([1], np.int32),
        n_classes=config["num_foreground_classes"],
        variances=[1 / factor for factor in config["deltas_scaling"]],
        positive_iou=config["iou_high"],
        negative_iou=config["iou_low"],
        mini_batch=len(foreground),
        boxes_as_regions=False,
    )
    # Without background each of them is in the sample once, in random order.
    found = numpy(targets.regions)[0]
    order = [int(np.flatnonzero((found == row).all(axis=1))[0]) for row in regions[0]]
    assert sorted(order) == list(range(len(foreground)))
    case.check(numpy(targets.deltas)[0][order], "deltas_foreground")
    case.compare(
        numpy(targets.classes)[0][order], case.expected["assigned_class"][foreground], "classes"
    )


def _by_anchor(values, depth):
    """Return (N, depth * A, H, W), of each anchor `depth` channels, as (N, H * W * A, depth)."""
    images, _, height, width = values.shape
    values = values.reshape(images, -1, depth, height, width).transpose(0, 3, 4, 1, 2)
    return values.reshape(images, -1, depth)


def _logits(probabilities):
    clipped = probabilities.astype(np.float64).clip(1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped)).astype(np.float32)


@pytest.mark.golden("frcnn_losses")
def test_losses_of_proposals_equal_the_reference(case):
    config, inputs = case.config, case.inputs
    mask, label = (_by_anchor(x, 1)[..., 0] for x in np.split(inputs["rpn_cls_true"], 2, axis=1))
    box_mask, deltas = (_by_anchor(x, 4) for x in np.split(inputs["rpn_box_true"], 2, axis=1))
    labels = np.where(mask > 0, label, -1).astype(np.int32)
    np.testing.assert_array_equal(box_mask[..., 0] > 0, labels == POSITIVE)
    losses = rpn_losses(
        _logits(_by_anchor(inputs["rpn_cls_pred"], 1)[..., 0]),
        _by_anchor(inputs["rpn_box_pred"], 4),
        AnchorTargets(labels, deltas),
        mini_batch=config["rpn_train_bs"],
        class_weight=config["lambda_rpn_class"],
        box_weight=config["lambda_rpn_regr"],
    )
    case.check(float(losses["rpn_class"]), "rpn_class")
    case.check(float(losses["rpn_box"]), "rpn_bbox")


@pytest.mark.golden("frcnn_losses")
def test_losses_of_regions_equal_the_reference(case):
    config, inputs, n = case.config, case.inputs, case.config["num_foreground_classes"]
    one_hot = inputs["rcnn_cls_true"]
    classes = np.where(one_hot.any(axis=2), one_hot.argmax(axis=2), -1).astype(np.int32)
    shape = (*classes.shape, n, 8)
    mask, deltas = np.split(inputs["rcnn_box_true"].reshape(shape), 2, axis=3)
    deltas = (mask * deltas).sum(axis=2)  # of the class that has any
    losses = roi_losses(
        np.log(inputs["rcnn_cls_pred"].clip(1e-7, 1 - 1e-7)),
        inputs["rcnn_box_pred"].reshape(*classes.shape, n, 4),
        RegionTargets(np.zeros((*classes.shape, 4)), classes, deltas),
        mini_batch=config["rcnn_train_bs"],
        class_weight=config["lambda_rcnn_class"],
        box_weight=config["lambda_rcnn_regr"],
    )
    case.check(float(losses["roi_class"]), "rcnn_class")
    case.check(float(losses["roi_box"]), "rcnn_bbox")


@pytest.mark.golden("frcnn_detections")
def test_detections_equal_the_reference(case):
    config = case.config
    found = detect_objects(
        # The reference adds a pixel to the regions here, and none to what comes out.
        xyxy(case.inputs["rois_yxyx"])[None] + ONE_PIXEL,
        case.inputs["class_scores"][None],
        case.inputs["deltas"][None],
        height=config["image_height"] - 1,
        width=config["image_width"] - 1,
        variances=[1 / factor for factor in config["regr_std_scaling"]],
        score_threshold=config["score_thres"],
        iou_threshold=config["iou_thres"],
        max_detections=config["max_box_num"],
    )
    case.check(int(found.count[0]), "num")
    case.check(yxyx(found.boxes)[0], "boxes_yxyx")
    case.check(numpy(found.scores)[0], "scores")
    case.check(numpy(found.labels)[0], "classes")


def _as_the_reference_takes_them(boxes, scores, gt_boxes, is_difficult, iou):
    """Return the detections of a class in an image, by the rule that the reference has.

    For us a detection takes the best object that is still free. There it takes the best one: when
    that is taken it finds nothing, however near others are, and when it is difficult it does not
    count. So the former is moved away from all objects here, and the latter left out.
    """
    boxes, taken, kept = boxes.copy(), set(), []
    overlaps = numpy(iou_matrix(boxes, gt_boxes))
    for i in np.argsort(-scores):
        best = overlaps[i].argmax() if len(gt_boxes) else -1
        is_near = best >= 0 and overlaps[i, best] >= iou
        if is_near and is_difficult[best]:
            continue
        if is_near and best in taken:
            boxes[i] = [-9, -9, -8, -8]
        taken.add(best if is_near else -1)
        kept.append(i)
    return boxes[kept], scores[kept]


def _outcomes(case):
    """Return what became of the detections, with boxes of whole pixels as the reference has."""
    config = case.config
    limits = np.array([config["image_width"], config["image_height"]] * 2) - 1
    rules = Rules(ious=(config["iou_thres"],), score_threshold=config["score_thres"])
    scorer = Scorer(config["n_classes"], rules)
    for image, label in itertools.product(range(config["num_images"]), range(config["n_classes"])):
        gt, det = (
            rows[(rows[:, 0] == image) & (rows[:, 1] == label)]
            for rows in (case.inputs["gt"], case.inputs["det"])
        )
        gt_boxes, is_difficult = gt[:, 3:].astype(int) + ONE_PIXEL, gt[:, 2] != 0
        boxes, scores = _as_the_reference_takes_them(
            det[:, 3:].astype(int).clip(0, limits) + ONE_PIXEL,
            det[:, 2],
            gt_boxes,
            is_difficult,
            config["iou_thres"],
        )
        scorer.add(
            ImageResult(
                row=image,
                boxes=boxes,
                scores=scores,
                labels=np.full(len(boxes), label),
                gt_boxes=gt_boxes,
                gt_labels=np.full(len(gt_boxes), label),
                gt_ignore=is_difficult,
            )
        )
    return scorer.outcomes()


@pytest.mark.parametrize("mode", ["sample", "integrate"])
@pytest.mark.golden("ap_frcnn")
def test_average_precision_equals_the_reference(case, mode):
    ap = voc_precisions(_outcomes(case), mode)[:, 0][case.expected["class_ids"]]
    # A class without objects counts there, as 0.
    ap = np.nan_to_num(ap, nan=0.0)
    case.check(ap, f"ap_{mode}")
    case.check(ap.mean(), f"map_{mode}")


@pytest.mark.golden("ap_frcnn")
def test_counts_at_the_end_of_the_curves_equal_the_reference(case):
    found = [_outcomes(case)[label] for label in case.expected["class_ids"]]
    hits = np.array([(of.outcomes == HIT).sum() for of in found])
    wrong = np.array([(of.outcomes == WRONG).sum() for of in found])
    objects = np.array([of.objects[0] for of in found])
    case.check(np.stack([hits, wrong, objects - hits], axis=1).astype(float), "tp_fp_fn")
    case.check(hits / np.maximum(hits + wrong, 1), "precision_at_end")
    case.check(hits / np.maximum(objects, 1), "recall_at_end")
