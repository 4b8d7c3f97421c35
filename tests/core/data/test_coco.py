from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from detforge.data.coco import CocoFile
from detforge.data.masks import decode_mask
from detforge.errors import DatasetError


def _content(*annotations, categories=((7, "dog"), (90, "traffic light"))):
    return {
        "images": [{"id": 4_000_000_000_123, "file_name": "a.png", "width": 64, "height": 48}],
        "annotations": [
            {"id": number, "image_id": 4_000_000_000_123, "category_id": 7} | annotation
            for number, annotation in enumerate(annotations, start=1)
        ],
        "categories": [{"id": number, "name": name} for number, name in categories],
    }


@pytest.fixture
def open_coco(tmp_path):
    """Write COCO JSON beside one image, 64 x 48, and open it."""

    def open_content(content, **options):
        image = np.full((48, 64, 3), 50, np.uint8)
        (tmp_path / "a.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        path = tmp_path / "instances.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return CocoFile(path, tmp_path, **options)

    return open_content


def test_boxes_become_xyxy_and_ids_may_have_gaps(open_coco):
    source = open_coco(
        _content({"bbox": [1, 2, 10, 20]}, {"bbox": [5, 5.5, 4, 4], "category_id": 90})
    )
    sample = source[0]
    np.testing.assert_array_equal(sample.boxes, [[1, 2, 11, 22], [5, 5.5, 9, 9.5]])
    assert sample.class_names == ("dog", "traffic light")
    assert sample.source_id == "4000000000123"
    assert sample.masks is None
    assert source.class_counts() == {"dog": 1, "traffic light": 1}
    assert source.max_objects() == 2


def test_crowds_carry_their_mark(open_coco):
    sample = open_coco(_content({"bbox": [1, 2, 3, 4], "iscrowd": 1}, {"bbox": [1, 2, 3, 4]}))[0]
    assert sample.crowd.tolist() == [True, False]
    assert not sample.difficult.any()


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([5, 5, 0, 10], "zero size"),
        ([5, 5, -3, 10], "inverted"),
        ([5, float("nan"), 3, 10], "not finite"),
        ([70, 5, 3, 10], "outside the image"),
    ],
    ids=["zero size", "inverted", "nan", "outside"],
)
def test_box_that_is_no_box_is_dropped_with_the_reason(open_coco, bbox, reason):
    sample = open_coco(_content({"bbox": [1, 2, 10, 20]}, {"bbox": bbox}))[0]
    assert len(sample.boxes) == 1
    (dropped,) = sample.dropped
    assert dropped.reason == reason
    assert dropped.place.endswith("instances.json annotation 2")


def test_polygon_becomes_a_mask_of_the_image_size(open_coco):
    square = [10, 10, 30, 10, 30, 20, 10, 20]
    sample = open_coco(_content({"bbox": [10, 10, 20, 10], "segmentation": [square]}))[0]
    mask = decode_mask(sample.masks[0], 64, 48, "")
    assert mask.shape == (48, 64)
    assert mask[10:20, 10:30].all()
    assert mask.sum() == 200


def test_polygons_of_one_object_are_joined(open_coco):
    parts = [[2, 2, 6, 2, 6, 6, 2, 6], [20, 20, 24, 20, 24, 24, 20, 24]]
    sample = open_coco(_content({"bbox": [2, 2, 22, 22], "segmentation": parts}))[0]
    assert decode_mask(sample.masks[0], 64, 48, "").sum() == 32


def test_uncompressed_run_lengths_count_down_the_columns(open_coco):
    # Column-major: the first column is skipped, the second one filled.
    runs = {"size": [48, 64], "counts": [48, 48, 48 * 62]}
    sample = open_coco(_content({"bbox": [1, 0, 1, 48], "segmentation": runs, "iscrowd": 1}))[0]
    mask = decode_mask(sample.masks[0], 64, 48, "")
    assert mask[:, 1].all()
    assert mask.sum() == 48


def test_object_without_outline_gets_its_box_where_others_have_one(open_coco):
    triangle = [0, 0, 8, 0, 0, 8]
    content = _content(
        {"bbox": [0, 0, 8, 8], "segmentation": [triangle]},
        {"bbox": [10, 10, 4, 5], "segmentation": []},
    )
    sample = open_coco(content)[0]
    mask = decode_mask(sample.masks[1], 64, 48, "")
    assert mask[10:15, 10:14].all()
    assert mask.sum() == 20


def test_masks_can_be_left_out(open_coco):
    content = _content({"bbox": [0, 0, 8, 8], "segmentation": [[0, 0, 8, 0, 0, 8]]})
    assert open_coco(content, masks=False)[0].masks is None


def test_polygons_and_run_lengths_of_real_objects_give_the_same_masks(fruits):
    polygons = CocoFile(fruits / "val.json", fruits / "val")
    runs = CocoFile(fruits / "val_rle.json", fruits / "val")
    assert len(polygons) == len(runs) == 4
    for row in range(4):
        one, other = polygons[row], runs[row]
        assert one.class_names == other.class_names
        assert one.masks == other.masks


def test_boxes_of_real_objects_enclose_their_masks(fruits):
    sample = CocoFile(fruits / "train.json", fruits / "train")[0]
    for box, png in zip(sample.boxes, sample.masks, strict=True):
        rows, columns = np.nonzero(decode_mask(png, sample.width, sample.height, ""))
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(found, box, rtol=0, atol=2)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3, 4]], "a polygon has 4 numbers"),
        ({"size": [5, 5], "counts": [25]}, "is for 5x5 pixels, the image has 64x48"),
        ({"counts": [25]}, "neither a list of polygons nor"),
        ([["a", "b", "c", "d", "e", "f"]], "neither a list of polygons nor"),
    ],
    ids=["two points", "wrong size", "no size", "words"],
)
def test_wrong_segmentation_names_the_annotation(open_coco, segmentation, message):
    source = open_coco(_content({"bbox": [0, 0, 8, 8], "segmentation": segmentation}))
    with pytest.raises(DatasetError, match=message) as caught:
        source[0]
    assert "annotation 1" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "no list 'images'"),
        ({"images": [], "annotations": []}, "no list 'categories'"),
        ({"images": [], "annotations": [], "categories": []}, "lists no images"),
        (_content({"bbox": [1, 2, 3]}), "annotation 1 lacks .* four numbers in bbox"),
        (_content({"bbox": [1, 2, 3, 10**400]}), "annotation 1 lacks .* four numbers in bbox"),
        (_content({"bbox": [1, 2, 3, 4], "category_id": [1]}), "annotation 1 lacks .*category_id"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": {}}), "annotation 1 lacks image_id"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": None}), "annotation 1 lacks image_id"),
        (_content() | {"annotations": [3]}, "annotation None lacks image_id"),
        (_content(categories=[([7], "dog")]), "a category lacks its id"),
        (_content() | {"images": [{"id": [1], "file_name": "", "width": 1, "height": 1}]},
         "an image lacks id"),
        (_content() | {"images": [{"id": 1, "file_name": "", "width": 1e999, "height": 1}]},
         "an image lacks id .* width"),
        (_content({"bbox": [1, 2, 3, 4], "category_id": 8}), r"category 8.*it has 7, 90"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": 5}), "belongs to image 5"),
    ],
    ids=[
        "not json", "a list", "no categories", "no images", "short box", "endless box",
        "list for a category", "object for an image", "nothing for an image",
        "number for an annotation", "list for a category's id", "list for an image's id",
        "endless image", "unknown category", "unknown image",
    ],
)  # fmt: skip
def test_wrong_file_says_what_is_wrong(open_coco, content, message):
    with pytest.raises(DatasetError, match=message) as caught:
        open_coco(content)
    assert "instances.json" in str(caught.value)


def test_two_images_of_one_id_are_an_error(open_coco):
    content = _content()
    content["images"] *= 2
    with pytest.raises(DatasetError, match="two images with the id"):
        open_coco(content)


def test_image_entry_without_size_is_an_error(open_coco):
    content = _content()
    del content["images"][0]["width"]
    with pytest.raises(DatasetError, match=r"lacks id .*file_name, width or height"):
        open_coco(content)


def test_missing_image_file_is_named(open_coco, tmp_path):
    source = open_coco(_content({"bbox": [1, 2, 3, 4]}))
    (tmp_path / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"a\.png does not exist"):
        source[0]


def test_image_of_another_size_than_annotated_is_an_error(open_coco):
    content = _content({"bbox": [1, 2, 3, 4]})
    content["images"][0]["width"] = 65
    with pytest.raises(DatasetError, match=r"is 64x48 pixels, but its annotation is for 65x48"):
        open_coco(content)[0].image()
