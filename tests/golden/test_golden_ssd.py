"""SSD's anchors, targets, loss and decoding against the reference's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import decode_boxes, match_anchors, multiclass_nms
from detforge.boxes.losses import cross_entropy, smooth_l1
from detforge_ssd.anchor_config import AnchorConfig, anchors_per_cell
from detforge_ssd.anchors import generate_anchors
from detforge_ssd.losses import multibox_loss, multibox_loss_per_image
from detforge_ssd.targets import assign_targets


def _pairs(values):
    if values is None:
        return None
    return tuple(tuple(value) if isinstance(value, list) else (value, value) for value in values)


def _anchor_config(config):
    maps = len(config["predictor_sizes"])
    ratios = config["aspect_ratios_per_layer"] or [config["aspect_ratios_global"]] * maps
    scales = config["scales"]
    if scales is None:
        scales = np.linspace(config["min_scale"], config["max_scale"], maps + 1)
    return AnchorConfig(
        aspect_ratios=tuple(tuple(row) for row in ratios),
        scales=tuple(scales),
        two_boxes_for_ar1=config["two_boxes_for_ar1"],
        steps=_pairs(config["steps"]),
        offsets=_pairs(config["offsets"]),
        clip_boxes=config["clip_boxes"],
        variances=tuple(config["variances"]),
    )


def _anchors(config):
    maps = [tuple(size) for size in config["predictor_sizes"]]
    height, width = config["img_height"], config["img_width"]
    return generate_anchors(_anchor_config(config), maps, height, width)


@pytest.mark.golden("ssd_anchors")
def test_anchors_equal_the_reference(case):
    width, height = case.config["img_width"], case.config["img_height"]
    # The reference's numbers are relative to the image, ours are pixels.
    corners = _anchors(case.config) / np.array([width, height] * 2)
    low, high = corners[:, :2], corners[:, 2:]
    case.check(corners, "corners_xyxy")
    case.check(np.concatenate([(low + high) / 2, high - low], axis=1), "centroids_cxcywh")
    assert anchors_per_cell(_anchor_config(case.config)) == tuple(case.config["boxes_per_cell"])


@pytest.mark.golden("ssd_targets")
def test_targets_equal_the_reference(case):
    truth = case.inputs["gt"].astype(np.float32)[None]
    config = case.config
    class_targets, deltas = assign_targets(
        _anchors(config),
        truth[..., 1:],
        truth[..., 0].astype(np.int32) - 1,
        np.zeros(truth.shape[:2], bool),
        variances=config["variances"],
        positive_iou=config["pos_iou_threshold"],
        negative_iou=config["neg_iou_limit"],
    )
    labels, deltas = ops.convert_to_numpy(class_targets)[0], ops.convert_to_numpy(deltas)[0]
    positive = np.flatnonzero(labels > 0)
    case.check(labels, "label")
    case.check(positive, "pos_anchor_index")
    case.check(deltas[positive], "loc_targets")
    assert not deltas[labels <= 0].any()


@pytest.mark.golden("ssd_targets")
def test_matched_boxes_equal_the_reference(case):
    boxes = case.inputs["gt"][None, :, 1:].astype(np.float32)
    config, valid = case.config, np.ones(boxes.shape[:2], bool)

    def matched(positive_iou):
        result = match_anchors(
            _anchors(config),
            boxes,
            valid,
            positive_iou=positive_iou,
            negative_iou=config["neg_iou_limit"],
        )
        return ops.convert_to_numpy(result)[0]

    positive = case.expected["pos_anchor_index"]
    case.check(matched(config["pos_iou_threshold"])[positive], "gt_of_anchor")
    # No overlap reaches 2: only the greedy one-to-one matches are left.
    case.check(matched(2.0)[positive] >= 0, "is_bipartite")


@pytest.mark.golden("ssd_loss")
def test_loss_equals_the_reference(case):
    config, classes = case.config, case.config["n_classes_incl_background"]
    truth, predicted = case.inputs["y_true"], case.inputs["y_pred"]
    one_hot, deltas = truth[..., :classes], predicted[..., classes:]
    # An all-zero class vector is the reference's neutral anchor.
    class_targets = np.where(one_hot.any(axis=-1), one_hot.argmax(axis=-1), -1).astype(np.int32)
    delta_targets = truth[..., classes:]
    # The reference takes probabilities. Logarithms of these are their logits; a probability of
    # 0 becomes one far below the floor.
    logits = np.log(np.maximum(predicted[..., :classes], 1e-30))
    options = {
        "neg_pos_ratio": config["neg_pos_ratio"],
        "alpha": config["alpha"],
        "min_negatives": config["n_neg_min"],
    }
    per_image = multibox_loss_per_image(logits, deltas, class_targets, delta_targets, **options)
    batch = multibox_loss(logits, deltas, class_targets, delta_targets, **options)
    class_loss = ops.convert_to_numpy(per_image["classification"])
    total = class_loss + ops.convert_to_numpy(per_image["localisation"])
    case.check(class_loss, "class_only_per_item")
    case.check(total, "total_per_item")
    case.check(float(sum(batch.values())), "total_mean")
    case.check(int((class_targets > 0).sum()), "n_positive")
    case.check(ops.convert_to_numpy(cross_entropy(logits, class_targets)), "log_loss_per_anchor")
    case.check(ops.convert_to_numpy(smooth_l1(deltas, delta_targets)), "smooth_l1_per_anchor")


@pytest.mark.golden("ssd_decode")
def test_detections_equal_the_reference(case):
    config = case.config
    pixels = np.array([config["img_width"], config["img_height"]] * 2, np.float32)
    boxes = decode_boxes(
        case.inputs["loc"], case.inputs["anchors_xyxy"] * pixels, config["variances"]
    )
    detections = multiclass_nms(
        boxes,
        case.inputs["class_scores"][..., 1:],
        score_threshold=config["confidence_thresh"],
        iou_threshold=config["iou_threshold"],
        max_per_class=config["nms_max_output_size"],
        max_total=config["top_k"],
    )
    for i, want in enumerate(case.expected["detections"]):
        # Rows without confidence pad the reference's output.
        want = want[want[:, 1] > 0]
        count = int(detections.count[i])
        assert count == len(want)
        labels = ops.convert_to_numpy(detections.labels[i])
        scores = ops.convert_to_numpy(detections.scores[i])
        found = np.concatenate(
            [labels[:, None] + 1.0, scores[:, None], ops.convert_to_numpy(detections.boxes[i])], 1
        )
        case.compare(_by_score(found[:count]), _by_score(want), f"image {i}")
        assert not found[count:, 1:].any()


def _by_score(rows):
    """Order rows by score; equal scores, which may come in any order, by class and place."""
    return rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 0], -rows[:, 1]))]
