"""COCO files of the reference, whose boxes and areas are those of the masks drawn there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detforge.data.coco import CocoFile
from detforge.data.masks import decode_mask


@pytest.mark.golden("ap_coco")
def test_outlines_cover_the_areas_and_boxes_of_the_reference(case, golden_file):
    path = golden_file(case.inputs["gt_file"])
    source = CocoFile(path, None)
    samples = [source.truth(row) for row in range(len(source))]
    masks = [
        decode_mask(png, sample.width, sample.height, sample.name)
        for sample in samples
        for png in sample.masks
    ]
    annotations = json.loads(path.read_text("utf-8"))["annotations"]
    assert len(masks) == len(annotations) > 0
    np.testing.assert_array_equal(
        [mask.sum() for mask in masks], np.concatenate([sample.areas for sample in samples])
    )
    np.testing.assert_array_equal(
        [_extent(mask) for mask in masks], np.concatenate([sample.boxes for sample in samples])
    )
    crowds = sum(sample.crowd.sum() for sample in samples)
    assert crowds == sum(annotation["iscrowd"] for annotation in annotations)


def _extent(mask):
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
