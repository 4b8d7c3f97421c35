from __future__ import annotations

import contextlib
import json
import pickle

import cv2
import numpy as np
import pytest
from benchmarks.large_coco import measure, write_large_coco
from tests.core.data.data_builders import assert_same_sample, with_each_value_replaced

from detforge.data.coco import CocoFile
from detforge.data.masks import decode_mask
from detforge.data.samples import BEYOND_FRAME, MASK_BEYOND_BOX, MASK_EMPTY, POINTS_LEFT_OUT
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
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
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
    marks = [{"iscrowd": mark} for mark in (1, 1.0, True, 0, False, None)]
    sample = open_coco(_content(*({"bbox": [1, 2, 3, 4], **mark} for mark in (*marks, {}))))[0]
    assert sample.crowd.tolist() == [True, True, True, False, False, False, False]
    assert not sample.difficult.any()


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([5, 5, 0, 10], "zero size"),
        ([5, 5, -3, 10], "inverted"),
        ([5, float("nan"), 3, 10], "not finite"),
        ([float("inf"), 5, 3, 10], "not finite"),
        ([70, 5, 3, 10], "outside the image"),
    ],
    ids=["zero size", "inverted", "nan", "infinite", "outside"],
)
@pytest.mark.filterwarnings("error")
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


def test_object_without_outline_gets_its_box_where_others_have_one(open_coco, caplog):
    triangle = [0, 0, 8, 0, 0, 8]
    content = _content(
        {"bbox": [0, 0, 8, 8], "segmentation": [triangle]},
        {"bbox": [10, 10, 4, 5], "segmentation": []},
    )
    sample = open_coco(content)[0]
    mask = decode_mask(sample.masks[1], 64, 48, "")
    assert mask[10:15, 10:14].all()
    assert mask.sum() == 20
    assert "instances.json: 1 object without an outline; it is the box" in caplog.text


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


SQUARE = [10, 10, 30, 10, 30, 20, 10, 20]


def _remarks(sample):
    return [(remark.object_id, remark.part, remark.reason) for remark in sample.remarks]


def test_box_beyond_the_frame_is_clipped_and_remarked(open_coco):
    boxes = [[-2, 5, 10, 10], [50, 40, 20, 8], [0, 0, 64, 48], [60, 44, 4.5, 4]]
    sample = open_coco(_content(*({"bbox": box} for box in boxes)))[0]
    np.testing.assert_array_equal(
        sample.boxes, [[0, 5, 8, 15], [50, 40, 64, 48], [0, 0, 64, 48], [60, 44, 64, 48]]
    )
    assert _remarks(sample) == [(n, "box", BEYOND_FRAME) for n in (1, 2, 4)]


def test_box_that_is_no_box_is_remarked_with_its_id_and_not_counted(open_coco):
    source = open_coco(_content({"bbox": [1, 2, 10, 20]}, {"bbox": [5, 5, 0, 3], "id": "two"}))
    assert _remarks(source[0]) == [("two", "box", "zero size")]
    assert source.class_counts() == {"dog": 1}
    assert source.max_objects() == 1


@pytest.mark.parametrize(
    ("columns", "is_beyond"),
    [((10, 30), False), ((9, 30), True), ((10, 31), False), ((10, 32), True), ((20, 25), False)],
    ids=["as the box", "one to the left", "one to the right", "two to the right", "within"],
)
def test_mask_beyond_its_box_is_remarked_and_kept(open_coco, columns, is_beyond):
    """Contours lie half a pixel around pixel centres, which stand at whole numbers: the first
    pixel of a box at 10 begins at 9.5, the last one of a box to 30 ends at 29.5."""
    start, end = columns
    runs = {"size": [48, 64], "counts": [48 * start, 48 * (end - start), 48 * (64 - end)]}
    sample = open_coco(_content({"bbox": [10, 0, 20, 48], "segmentation": runs}))[0]
    assert _remarks(sample) == ([(1, "mask", MASK_BEYOND_BOX)] if is_beyond else [])
    assert decode_mask(sample.masks[0], 64, 48, "").sum() == 48 * (end - start)


def test_mask_below_its_box_is_remarked(open_coco):
    outline = [10, 10, 30, 10, 30, 23, 10, 23]
    sample = open_coco(_content({"bbox": [10, 10, 20, 10], "segmentation": [outline]}))[0]
    assert _remarks(sample) == [(1, "mask", MASK_BEYOND_BOX)]


def test_mask_without_a_pixel_is_remarked(open_coco):
    runs = {"size": [48, 64], "counts": [48 * 64]}
    sample = open_coco(_content({"bbox": [10, 10, 20, 10], "segmentation": runs}))[0]
    assert _remarks(sample) == [(1, "mask", MASK_EMPTY)]
    assert not decode_mask(sample.masks[0], 64, 48, "").any()


def test_points_beside_a_polygon_are_left_out_and_remarked(open_coco):
    content = _content({"bbox": [10, 10, 20, 10], "segmentation": [[1, 2, 3, 4], SQUARE]})
    sample = open_coco(content)[0]
    assert _remarks(sample) == [(1, "mask", POINTS_LEFT_OUT)]
    assert decode_mask(sample.masks[0], 64, 48, "").sum() == 200


def test_object_of_two_points_is_left_out_where_masks_count(open_coco):
    content = _content(
        {"bbox": [10, 10, 20, 10], "segmentation": [SQUARE]},
        {"bbox": [1, 1, 5, 5], "segmentation": [[1, 1, 6, 6]]},
    )
    source = open_coco(content)
    sample = source[0]
    (dropped,) = sample.dropped
    assert dropped.reason == "outline of fewer than three points"
    assert dropped.place.endswith("instances.json annotation 2")
    assert _remarks(sample) == [(2, "mask", dropped.reason)]
    assert len(sample.boxes) == len(sample.masks) == sum(source.class_counts().values()) == 1
    assert len(open_coco(content, masks=False)[0].boxes) == 2


def test_what_is_left_out_is_counted_in_the_log(open_coco, caplog):
    open_coco(_content({"bbox": [1, 2, 0, 20]}, {"bbox": [1, 2, 0, 2]}, {"bbox": [1, 2, -1, 2]}))
    assert "instances.json: 2 objects left out: zero size" in caplog.text
    assert "instances.json: 1 object left out: inverted" in caplog.text


def test_areas_are_those_of_the_annotations_or_of_the_boxes(open_coco):
    sample = open_coco(_content({"bbox": [1, 2, 3, 4], "area": 7.5}, {"bbox": [1, 2, 3, 4]}))[0]
    assert sample.areas.tolist() == [7.5, 12.0]


@pytest.mark.parametrize(
    "area", ["12", float("nan"), float("inf"), -12.5, True], ids=["text", "nan", "inf", "-", "true"]
)
def test_area_that_is_no_number_of_pixels_is_that_of_the_box_and_it_is_said(
    open_coco, caplog, area
):
    sample = open_coco(_content({"bbox": [1, 2, 3, 4], "area": area}, {"bbox": [1, 2, 3, 4]}))[0]
    assert sample.areas.tolist() == [12, 12]
    assert "json: 1 object with an area that is no number; it is the box's" in caplog.text


def test_area_of_null_is_absent(open_coco, caplog):
    assert open_coco(_content({"bbox": [1, 2, 3, 4], "area": None}))[0].areas.tolist() == [12]
    assert not caplog.text


def test_members_may_come_in_any_order_and_on_many_lines(open_coco):
    content = _content({"bbox": [1, 2, 10, 20]}, {"bbox": [5, 5, 4, 4], "category_id": 90})
    want = open_coco(content)[0]
    for order in (("annotations", "categories", "images"), ("categories", "images", "annotations")):
        text = json.dumps({"info": {}, **{key: content[key] for key in order}}, indent=2)
        got = open_coco(text)[0]
        assert (got.class_names, got.source_id) == (want.class_names, want.source_id)
        np.testing.assert_array_equal(got.boxes, want.boxes)


def test_objects_are_those_of_their_image_whatever_the_order(open_coco):
    content = _content(*({"bbox": [1, 2, 10 + n, 20]} for n in range(6)))
    content["images"] = [{"id": n, "file_name": "a.png", "width": 64, "height": 48} for n in (3, 1)]
    for n, annotation in enumerate(content["annotations"]):
        annotation["image_id"] = (1, 3, 3)[n % 3]
    source = open_coco(content)
    widths = [(sample.boxes[:, 2] - 1).tolist() for sample in (source[0], source[1])]
    assert widths == [[11, 12, 14, 15], [10, 13]]


def test_image_without_objects_is_kept(open_coco):
    content = _content({"bbox": [0, 0, 8, 8], "segmentation": [SQUARE]})
    content["images"].append({"id": 5, "file_name": "a.png", "width": 64, "height": 48})
    sample = open_coco(content)[1]
    assert (sample.boxes.shape, sample.masks, sample.class_names) == ((0, 4), (), ())


@pytest.mark.parametrize("ascii", [True, False], ids=["escapes", "utf-8"])
def test_names_outside_ascii_are_kept(open_coco, tmp_path, ascii):
    content = _content({"bbox": [1, 2, 3, 4]}, categories=[(7, "Fußgänger 🚶")])
    content["images"][0]["file_name"] = "größe.png"
    image = np.zeros((48, 64, 3), np.uint8)
    (tmp_path / "größe.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    sample = open_coco(json.dumps(content, ensure_ascii=ascii))[0]
    assert (sample.class_names, sample.name) == (("Fußgänger 🚶",), "größe.png")


@pytest.mark.parametrize("identity", [2**63 - 1, -5, 10**30, "a-17", ""])
def test_ids_may_be_any_number_or_text(open_coco, identity):
    content = _content({"bbox": [1, 2, 3, 4]}, {"bbox": [1, 2, 0, 4]})
    for annotation in content["annotations"]:
        annotation["image_id"] = identity
    content["annotations"][1]["id"] = identity
    content["images"][0]["id"] = identity
    source = open_coco(content)
    assert source[0].source_id == str(identity)
    assert source.row_of(str(identity), "") == 0
    assert [remark.object_id for remark in source[0].remarks] == [identity]


def test_image_is_found_by_its_id_or_else_by_its_file(open_coco):
    source = open_coco(_content({"bbox": [1, 2, 3, 4]}))
    assert source.row_of("4000000000123", "b.png") == source.row_of("x", "a.png") == 0
    assert source.row_of("x", "b.png") is None


def test_whole_number_written_with_a_point_is_that_number(open_coco):
    content = _content({"bbox": [1, 2, 3, 4], "category_id": 7.0})
    assert open_coco(content)[0].class_names == ("dog",)


def test_file_that_changed_since_it_was_opened_is_an_error(open_coco, tmp_path):
    source = open_coco(_content({"bbox": [10, 10, 20, 10], "segmentation": [SQUARE]}))
    path = tmp_path / "instances.json"
    path.write_text(" " + path.read_text())
    with pytest.raises(DatasetError, match=r"instances\.json was changed while it was in use"):
        source[0]


def test_source_can_be_sent_to_another_process(open_coco):
    source = open_coco(_content({"bbox": [10, 10, 20, 10], "segmentation": [SQUARE]}))
    assert_same_sample(pickle.loads(pickle.dumps(source))[0], source[0])


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3, 4, 5, 6, 7]], "annotation 1: a polygon has 7 numbers"),
        ([["a", "b", "c", "d", "e", "f"]], r"annotation 1: a polygon is \['a', 'b'"),
        ([1, 2, 3, 4, 5, 6], "annotation 1: a polygon is 1"),
        ([[1, 2, 3, 4, float("nan"), 6]], "annotation 1: a polygon has the coordinate nan"),
        ([[1, 2, 3, 4, 1e12, 6]], "annotation 1: a polygon has the coordinate 1000000000000.0"),
        ({"size": [5, 5], "counts": [25]}, "annotation 1: .* is for 5x5 pixels, the image has 64x"),
        ({"size": [5, 5], "counts": "i0"}, "annotation 1: .* is for 5x5 pixels, the image has 64x"),
        ({"counts": [25]}, r"annotation 1: a run-length mask takes 'size' \[height, width\]"),
        ({"size": [48, 64]}, "annotation 1: a run-length mask takes 'size' .* and 'counts'"),
        ("mask.png", "annotation 1: the segmentation is 'mask.png'"),
    ],
    ids=["odd", "words", "flat", "nan", "far", "size of a list", "size of a text", "no size",
         "no counts", "text"],
)  # fmt: skip
def test_wrong_segmentation_is_found_when_the_file_is_opened(open_coco, segmentation, message):
    content = _content({"bbox": [0, 0, 8, 8], "segmentation": segmentation})
    with pytest.raises(DatasetError, match=message):
        open_coco(content)
    assert len(open_coco(content, masks=False)[0].boxes) == 1


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([100], "cover 100 pixels, the image has 64x48 = 3072"),
        ([3000, -28, 100], "-28 is no number of pixels"),
        ([1e3, 2072], "1000.0 is no number of pixels"),
        ("04", "cover 4 pixels, the image has 64x48"),
        ("", "cover 0 pixels"),
        ("\u20ac", "damaged"),
        ("!!", "'!!' is not such a text"),
        ("ooooooooooooooo0", "that no image has pixels for"),
    ],
    ids=["short", "negative", "fraction", "short text", "empty", "no ascii", "no code", "endless"],
)
def test_run_lengths_that_do_not_fill_the_image_name_the_annotation(open_coco, counts, message):
    runs = {"size": [48, 64], "counts": counts}
    source = open_coco(_content({"bbox": [0, 0, 8, 8], "segmentation": runs}))
    with pytest.raises(DatasetError, match=message) as caught:
        source[0]
    assert "annotation 1: the counts of a run-length mask" in str(caught.value)


IMAGE = {"id": 1, "file_name": "a.png", "width": 64, "height": 48}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "holds a list at its top level"),
        ({"images": [IMAGE], "annotations": []}, "no list 'categories'"),
        ({"images": {}, "annotations": []}, "'images' at its top level is no list"),
        ('{"images": [], "images": []}', "has two members 'images'"),
        ({"images": [], "annotations": [], "categories": []}, "lists no images"),
        (_content() | {"annotations": [3]}, "number 1 of 'annotations' is 3; an object"),
        (_content({"bbox": [1, 2, 3]}), r"annotation 1: 'bbox' is \[1, 2, 3\]; a list of four"),
        (_content({"bbox": "1234"}), "annotation 1: 'bbox' is '1234'; a list of four"),
        (_content({"bbox": None}), "annotation 1: 'bbox' is None; a list of four"),
        (_content({}), "annotation 1 has no 'bbox'; a list of four"),
        (_content({"bbox": [1, 2, 3, 10**400]}), "annotation 1: 'bbox' is .*10000"),
        (_content({"bbox": [1, 2, 3, 4], "iscrowd": "0"}), "1: 'iscrowd' is '0'; 0 or 1 belongs"),
        (_content({"bbox": [1, 2, 3, 4], "iscrowd": 7}), "annotation 1: 'iscrowd' is 7; 0 or 1"),
        (_content({"bbox": [1, 2, 3, 4], "area": 10**400}), "annotation 1 holds a number that is"),
        (_content({"bbox": [1, 2, 3, 4], "category_id": [1]}), r"1: 'category_id' is \[1\]; a num"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": {}}), "annotation 1: 'image_id' is {}; a num"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": None}), "annotation 1: 'image_id' is None"),
        (_content({"bbox": [1, 2, 3, 4], "id": True}), "annotation number 1: 'id' is True"),
        (_content({"bbox": [1, 2, 3, 4], "id": 1.5}), "annotation number 1: 'id' is 1.5"),
        (_content(categories=[([7], "dog")]), r"category number 1: 'id' is \[7\]"),
        (_content() | {"categories": [{"id": 7}]}, "category 7 has no 'name'; a text"),
        (_content(categories=[(7, "dog"), (7, "cat")]), "two categories with the id 7, 'dog' and"),
        (_content(categories=[(7, "a\ud800")]), "category 7: 'name' is .* half of a pair"),
        (_content() | {"images": [IMAGE | {"id": [1]}]}, "image number 1: 'id' is"),
        (_content() | {"images": [IMAGE | {"file_name": ""}]}, "image 1: 'file_name' is ''; a t"),
        (_content() | {"images": [IMAGE | {"width": 1e999}]}, "image 1: 'width' is inf; a number"),
        (_content() | {"images": [IMAGE | {"width": 2**31}]}, "image 1: 'width' is 2147483648"),
        (_content() | {"images": [IMAGE | {"width": 2**20, "height": 2**20}]},
         "image 1 has 1048576x1048576 pixels; no image of that size can be read"),
        (_content() | {"images": [IMAGE | {"height": 0}]}, "image 1: 'height' is 0; a number of"),
        (_content() | {"images": [{"id": 1, "file_name": "a.png"}]}, "image 1 has no 'width'"),
        (_content() | {"images": [IMAGE, IMAGE | {"file_name": "b"}]}, "id 1, 'a.png' and 'b'"),
        (_content({"bbox": [1, 2, 3, 4], "category_id": 8}), r"1 has category 8.*it has 7, 90"),
        (_content({"bbox": [1, 2, 3, 4], "category_id": "7"}), "is a text here and a number there"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": 5}), "annotation 1 belongs to image 5"),
        (_content({"bbox": [1, 2, 3, 4], "image_id": 5}, {"bbox": [1, 2, 3, 4], "image_id": 5}),
         "annotation 1 belongs to image 5, .*; so do 1 more"),
        (_content({"bbox": [1, 2, 3, 4], "id": 3}, {"bbox": [1, 2, 3, 4], "id": 3}),
         "two annotations with the id 3, of the images 4000000000123 and 4000000000123"),
        (_content({"bbox": [1, 2, 3, 4], "id": "x"}, {"bbox": [1, 2, 3, 4], "id": "x"}),
         "two annotations with the id x"),
        (_content({"bbox": [0.1, 0.2, 0.5, 0.25]}, {"bbox": [0.5, 0.5, 0.5, 0.5]}),
         r"annotation 1 has the box \[0.1, 0.2, 0.5, 0.25\], and so have 2 of 2 .* in pixels"),
    ],
    ids=[
        "not json", "a list", "no categories", "no list", "list twice", "no images",
        "number for an annotation", "short box", "text for a box", "null for a box", "no box",
        "endless box", "text for a crowd", "number for a crowd", "endless area",
        "list for a category", "object for an image",
        "nothing for an image", "truth for an id", "fraction for an id",
        "list for a category's id", "category without a name", "two categories of one id",
        "half a character", "list for an image's id", "no file name", "endless image",
        "side beyond any image", "more pixels than any image",
        "image without height", "image without size", "two images of one id", "unknown category",
        "category of another type", "unknown image", "unknown image twice",
        "two annotations of one id", "two annotations of one text", "shares of the image",
    ],
)  # fmt: skip
def test_wrong_file_says_what_is_wrong(open_coco, content, message):
    with pytest.raises(DatasetError, match=message) as caught:
        open_coco(content)
    assert "instances.json" in str(caught.value)


ODD = [None, -1, 1.5, 10**400, float("nan"), float("inf"), "", "x" * 300, [[]], {"a": None}]


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_whatever_stands_in_a_file_is_read_or_refused(open_coco, value):
    content = _content(
        {"bbox": [1, 2, 10, 20], "area": 9, "iscrowd": 0, "segmentation": [SQUARE]},
        {"bbox": [1, 2, 9, 9], "segmentation": {"size": [48, 64], "counts": [3000, 72]}},
        {"bbox": [1, 2, 9, 9], "segmentation": {"size": [48, 64], "counts": "hm2X2"}},
    )
    assert len(open_coco(content)[0].masks) == 3
    for changed in with_each_value_replaced(content, value):
        with contextlib.suppress(DatasetError):
            source = open_coco(changed)
            for row in range(len(source)):
                sample = source[row]
                assert len(sample.boxes) == len(sample.masks or sample.boxes)


def test_few_boxes_within_a_pixel_are_no_shares_of_the_image(open_coco):
    content = _content({"bbox": [0, 0, 0.5, 0.5]}, *[{"bbox": [9, 9, 9, 9]}] * 2)
    assert len(open_coco(content)[0].boxes) == 3


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.json does not exist"):
        CocoFile(tmp_path / "nowhere.json", tmp_path)


def test_missing_images_are_found_when_the_file_is_opened(open_coco):
    content = _content({"bbox": [1, 2, 3, 4]})
    content["images"] += [IMAGE | {"id": n, "file_name": f"sub/{n}.png"} for n in (1, 2)]
    with pytest.raises(DatasetError, match=r"sub.1\.png does not exist \(nor do 1 more of 3\)"):
        open_coco(content)


def test_name_of_an_image_that_no_file_can_have_is_an_error(open_coco):
    content = _content({"bbox": [1, 2, 3, 4]})
    content["images"][0]["file_name"] = "x" * 300 + ".png"
    with pytest.raises(
        DatasetError, match=r"x\.png cannot be read: .*; .*instances\.json lists it"
    ):
        open_coco(content)


def test_image_that_goes_missing_is_named(open_coco, tmp_path):
    source = open_coco(_content({"bbox": [1, 2, 3, 4]}))
    (tmp_path / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"a\.png does not exist"):
        source[0]


def test_image_of_another_size_than_annotated_is_an_error(open_coco):
    content = _content({"bbox": [1, 2, 3, 4]})
    content["images"][0]["width"] = 65
    with pytest.raises(DatasetError, match=r"is 64x48 pixels, but its annotation is for 65x48"):
        open_coco(content)[0].image()


def test_truth_needs_no_images(open_coco, tmp_path):
    source = open_coco(_content({"bbox": [1, 2, 3, 4]}))
    source = CocoFile(tmp_path / "instances.json", None)
    assert source.truth(0).boxes.tolist() == [[1, 2, 4, 6]]
    with pytest.raises(DatasetError, match="opened without a folder of images"):
        source[0]


def test_classes_may_be_named_by_their_ids(open_coco):
    content = _content({"bbox": [1, 2, 3, 4]}, {"bbox": [5, 5, 4, 4], "category_id": 90})
    source = open_coco(content, by_category_id=True)
    assert source[0].class_names == ("7", "90")
    assert source.class_counts() == {"7": 1, "90": 1}
    assert source.categories == {7: "dog", 90: "traffic light"}


def test_category_numbers_are_the_ids_of_what_occurs(open_coco):
    categories = [(0, "all"), ("x", "none"), (7, "dog"), (90, "dog")]
    source = open_coco(_content({"bbox": [1, 2, 3, 4]}, categories=categories))
    assert source.category_numbers() == {"dog": 7}


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([(0, "dog")], "category 'dog' has the id 0, and 1 objects.* number the categories from 1"),
        ([(-1, "dog")], "category 'dog' has the id -1"),
        ([("d", "dog")], "category 'dog' has the id 'd'"),
        ([(3, "dog"), (5, "dog")], "categories 3 and 5 are both called 'dog'"),
    ],
    ids=["0", "negative", "text", "one name twice"],
)
def test_id_that_cannot_be_a_class_number_is_an_error(open_coco, categories, message):
    objects = [{"bbox": [1, 2, 3, 4], "category_id": identity} for identity, _ in categories]
    content = _content(*objects, categories=categories)
    with pytest.raises(DatasetError, match=message):
        open_coco(content).category_numbers()
    with pytest.raises(DatasetError, match=message):
        open_coco(content, by_category_id=True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_outlines(tmp_path):
    sizes, peaks = [], []
    for points in (3, 300):
        path = tmp_path / f"{points}.json"
        write_large_coco(path, 20_000, points=points)
        found = measure(path)
        assert (found["objects"], found["masks"]) == (20_000, 8)
        sizes.append(path.stat().st_size / 2**20)
        peaks.append(found["peak_mib"])
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 5
