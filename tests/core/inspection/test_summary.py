"""The numbers of a data set, against counts made by others and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.core.data.data_builders import ListSource, make_sample, network

from detforge.data.kitti import KittiFolder
from detforge.inspection.inputs import CocoLabels
from detforge.inspection.measures import measure
from detforge.inspection.summary import summarise


def numbers(*sources, format=None):
    return summarise(measure(sources), format)


@pytest.mark.parametrize(
    ("split", "images", "objects", "spread"),
    [
        ("train", 205, {"rbc": 2381, "wbc": 214, "platelets": 209}, (1, 13.7, 28)),
        ("val", 87, {"rbc": 967, "wbc": 87, "platelets": 83}, (1, 13.1, 30)),
    ],
)
@pytest.mark.parametrize("format", ["kitti", "coco"])
def test_blood_cells_are_counted_as_their_readme_says(
    data_root, format, split, images, objects, spread
):
    folder = data_root / "bccd" / split
    if format == "kitti":
        found = numbers(KittiFolder(folder / "images", folder / "labels"))
    else:
        found = numbers(CocoLabels(folder.with_suffix(".json")))
    assert (found.images, found.empty, found.objects) == (images, 0, sum(objects.values()))
    assert {name: counts.objects for name, counts in found.classes.items()} == objects
    least, mean, most = found.per_image.values()
    assert (least, round(mean, 1), most) == spread
    assert found.image_sizes == {"640x480": images}


@pytest.mark.parametrize(
    ("split", "images", "objects", "spread"),
    [
        ("train", 14, {"date": 56, "fig": 33, "hazelnut": 45}, (6, 13)),
        ("val", 4, {"date": 15, "fig": 8, "hazelnut": 8}, (2, 12)),
        ("val_rle", 4, {"date": 15, "fig": 8, "hazelnut": 8}, (2, 12)),
    ],
)
def test_fruits_are_counted_as_their_readme_says(data_root, split, images, objects, spread):
    found = numbers(CocoLabels(data_root / "fruits_nuts" / f"{split}.json"))
    assert (found.images, found.masked) == (images, sum(objects.values()))
    assert {name: counts.objects for name, counts in found.classes.items()} == objects
    assert (found.per_image["min"], found.per_image["max"]) == spread
    assert found.image_sizes == {"512x384": images}


def test_kitti_frames_have_objects_ignored_regions_and_two_sizes(data_root):
    folder = data_root / "kitti_sample" / "training"
    found = numbers(KittiFolder(folder / "image_2", folder / "label_2"))
    names = ("Car", "Cyclist", "Misc", "Pedestrian", "Truck")
    assert {name: counts.objects for name, counts in found.classes.items()} == {
        name: 2 if name == "Car" else 1 for name in names
    }
    assert (found.objects, found.ignored_regions) == (6, 4)
    assert found.image_sizes == {"1242x375": 2, "1224x370": 1}


def test_areas_and_images_of_a_class_are_those_of_pycocotools(data_root):
    from pycocotools.coco import COCO

    file = data_root / "fruits_nuts" / "train.json"
    theirs, found = COCO(str(file)), numbers(CocoLabels(file))
    edges = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}
    assert found.has_areas
    assert found.coco_sizes == {
        name: len(theirs.getAnnIds(areaRng=edge)) for name, edge in edges.items()
    }
    for category in theirs.loadCats(theirs.getCatIds()):
        images = theirs.getImgIds(catIds=[category["id"]])
        assert found.classes[category["name"]].images == len(images)


def test_spreads_are_those_of_the_boxes(data_root):
    file = data_root / "bccd" / "val.json"
    annotations = json.loads(file.read_text())["annotations"]
    widths, heights = np.array([annotation["bbox"][2:] for annotation in annotations]).T
    boxes = numbers(CocoLabels(file)).boxes
    assert (boxes["width"]["min"], boxes["width"]["max"]) == (widths.min(), widths.max())
    assert boxes["height"]["median"] == np.median(heights)
    assert boxes["aspect_ratio"]["p95"] == pytest.approx(np.percentile(widths / heights, 95))
    assert boxes["side"]["p25"] == pytest.approx(np.percentile(np.sqrt(widths * heights), 25))
    largest = (widths * heights).max() / (640 * 480)
    assert boxes["image_share"]["max"] == pytest.approx(largest)


def test_one_box_has_its_own_numbers():
    # 16 x 12 of 64 x 48 pixels: a sixteenth of the area.
    found = numbers(ListSource([make_sample([[10, 20, 26, 32]], ["car"])]))
    expected = {"width": 16, "height": 12, "side": 192**0.5, "aspect_ratio": 4 / 3}
    for name, value in {**expected, "image_share": 1 / 16}.items():
        assert list(found.boxes[name].values()) == pytest.approx([value] * 7)
    assert found.coco_sizes == {"small": 1, "medium": 0, "large": 0}
    assert found.share_sizes == {"small": 0, "medium": 1, "large": 0}
    assert not found.has_areas


@pytest.mark.parametrize(
    ("format", "size"),
    [
        (network(128, 48), (32, 12)),
        (network(128, 48, resize="fit"), (16, 12)),
        (network(128, 100, resize="pad"), (16, 12)),
        (network(0, 0, shorter_side=96), (32, 24)),
        (network(0, 0, shorter_side=96, longer_side=64), (16, 12)),
        # The window keeps the right half of the box.
        (network(64, 48, window=(18, 0, 50, 48)), (16, 12)),
    ],
    ids=["stretch", "fit", "pad", "shorter side", "longer side", "window"],
)
def test_sizes_in_the_network_follow_its_way_of_resizing(format, size):
    source = ListSource([make_sample([[10, 20, 26, 32]], ["car"])])
    boxes = numbers(source, format=format).boxes
    assert boxes["network_width"]["median"] == pytest.approx(size[0])
    assert boxes["network_height"]["median"] == pytest.approx(size[1])


def test_flags_empty_images_and_sources_are_counted():
    flagged = make_sample(
        [[0, 0, 9, 9]] * 3, ["car"] * 3, difficult=[True, True, False], crowd=[False, True, False]
    )
    empty = make_sample([], [])
    found = numbers(ListSource([flagged, empty], "one"), ListSource([flagged], "two"))
    assert (found.difficult, found.crowd, found.masked, found.empty) == (4, 2, 0, 1)
    counts = [(part.name, part.images, part.empty, part.objects) for part in found.sources]
    assert counts == [("one", 2, 1, 3), ("two", 1, 0, 3)]


@pytest.mark.parametrize("samples", [[], [make_sample([], [])]], ids=["no image", "no object"])
def test_data_without_objects_have_no_spreads(samples):
    found = numbers(ListSource(samples), format=network())
    assert (found.objects, found.boxes, found.classes) == (0, {}, {})
    assert found.coco_sizes == {"small": 0, "medium": 0, "large": 0}
