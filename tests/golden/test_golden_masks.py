"""Masks of detections, pasted into the image."""

from __future__ import annotations

import numpy as np
import pytest

from detforge.inference.masks import paste_mask


@pytest.mark.golden("mask_rcnn_paste", expects="images")
def test_masks_are_pasted_as_the_reference_pastes_them(case):
    width, height = case.config["image_width"], case.config["image_height"]
    found = np.zeros((len(case.inputs["masks"]), height, width), np.uint8)
    boxes = case.inputs["boxes_xywh"].copy()
    boxes[:, 2:] += boxes[:, :2]
    for image, mask, box in zip(found, case.inputs["masks"], boxes, strict=True):
        pasted = paste_mask(mask, box, width, height)
        rows, columns = pasted.claimed.shape
        image[pasted.top :, pasted.left :][:rows, :columns] = pasted.claimed
    case.compare(np.packbits(found, axis=-1), case.expected["images"], "images")
    case.check(found.sum(axis=(1, 2)).astype(np.int32), "area")
