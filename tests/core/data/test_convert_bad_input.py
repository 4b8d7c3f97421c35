"""What a conversion makes of labels and files that are not as they should be."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from tests.core.data.data_builders import (
    coco_spec,
    convert_request,
    kitti_row,
    kitti_spec,
    write_kitti,
)

from detforge.data.convert import convert_dataset
from detforge.data.records import RecordSource
from detforge.data.tfrecord import TFRecordFile
from detforge.errors import DatasetError
from detforge.protos.example_pb2 import Example

CAR = kitti_row("car", (10, 10, 30, 30))


@dataclass
class Outcome:
    """What a label file comes to: objects in the records, what is left out, or an error."""

    text: str | bytes | None
    boxes: list = field(default_factory=list)
    names: list = field(default_factory=list)
    difficult: list = field(default_factory=list)
    dropped: dict = field(default_factory=dict)
    error: str = ""


def _one(text, box=(10, 10, 30, 30), name="car", difficult=False, **more):
    return Outcome(text, [list(box)], [name], [difficult], **more)


KITTI = {
    "missing": Outcome(None, error=r"no label file .*a\.txt; an image without objects needs an"),
    "empty": Outcome(""),
    "blank lines": _one(f"\n{CAR}\n\n"),
    "8 columns": Outcome("car 0 0 0 1 2 3 4", error=r"a\.txt line 1 has 8 fields; a KITTI label"),
    "14 columns": Outcome(CAR.rpartition(" ")[0], error=r"a\.txt line 1 has 14 fields"),
    "15 columns": _one(CAR),
    "16 columns": _one(f"{CAR} 0.97"),
    "17 columns": Outcome(f"{CAR} 0.97 1", error=r"a\.txt line 1 has 17 fields"),
    "second line": Outcome(f"{CAR}\ncar", error=r"a\.txt line 2 has 1 fields"),
    "CRLF": Outcome(f"{CAR}\r\n{CAR}\r\n", [[10, 10, 30, 30]] * 2, ["car", "car"], [False, False]),
    "BOM": _one(f"\ufeff{CAR}\n"),
    "latin-1": Outcome(CAR.replace("car", "caf\xe9").encode("latin-1"), error="is not UTF-8"),
    "NaN": Outcome(kitti_row("car", ("nan", 1, 9, 9)), dropped={"not finite": 1}),
    "inverted": Outcome(kitti_row("car", (30, 10, 10, 30)), dropped={"inverted": 1}),
    "zero size": Outcome(kitti_row("car", (10, 10, 10, 30)), dropped={"zero size": 1}),
    "sub-pixel": _one(kitti_row("car", (10.2, 10.2, 10.6, 10.7)), (10.2, 10.2, 10.6, 10.7)),
    "over the edge": _one(kitti_row("car", (-5, 40, 70, 90)), (0, 40, 64, 48)),
    "outside": Outcome(kitti_row("car", (64, 0, 90, 9)), dropped={"outside the image": 1}),
    "occlusion 0.00": _one(kitti_row(occlusion="0.00")),
    "occlusion 2.00": _one(kitti_row(occlusion="2.00"), difficult=True),
    "word for a number": Outcome(
        CAR.replace("10", "ten", 1), error=r"column 5 \(x1\) is 'ten'; a number belongs there"
    ),
    "blank in a name": Outcome(f"big {CAR}", error=r"column 2 \(truncation\) is 'car'"),
    "mixed case": Outcome(
        f"{CAR}\n{CAR.replace('car', 'CAR')}",
        [[10, 10, 30, 30]] * 2,
        ["CAR", "CAR"],
        [False, False],
    ),
}


@pytest.mark.parametrize("outcome", KITTI.values(), ids=KITTI)
def test_kitti_label_file_comes_to_what_is_documented(tmp_path, outcome):
    images, labels = write_kitti(tmp_path / "in", {"a": [], "good": [kitti_row("van")]})
    if outcome.text is None:
        (labels / "a.txt").unlink()
    else:
        text = outcome.text
        (labels / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    request = convert_request(
        kitti_spec(images, labels, extension=".png", val_split=0, shards=1), tmp_path / "out"
    )
    if outcome.error:
        with pytest.raises(DatasetError, match=outcome.error):
            convert_dataset(request)
        assert not list(tmp_path.glob("*out*"))
        return
    report = convert_dataset(request)
    records = RecordSource(str(tmp_path / "out"))
    (sample,) = [s for s in map(records.__getitem__, range(2)) if s.source_id == "a"]
    np.testing.assert_allclose(
        sample.boxes, np.array(outcome.boxes).reshape(-1, 4), rtol=0, atol=1e-4
    )
    assert sorted(sample.class_names) == outcome.names
    assert sample.difficult.tolist() == outcome.difficult
    assert report.dropped == outcome.dropped


def test_two_images_of_one_stem_are_an_error(tmp_path):
    images, labels = write_kitti(tmp_path / "in", {"a": [CAR]}, extension=".jpg")
    (images / "a.JPG").write_bytes((images / "a.jpg").read_bytes())
    with pytest.raises(DatasetError, match=r"a\.JPG and a\.jpg share the label file a\.txt"):
        convert_dataset(convert_request(kitti_spec(images, labels), tmp_path / "out"))


def test_folder_full_of_other_files_is_an_error_that_says_what_it_has(tmp_path):
    images, labels = write_kitti(tmp_path / "in", {"a": [CAR], "b": [CAR]}, extension=".png")
    (images / "notes.docx").write_text("")
    with pytest.raises(DatasetError, match=r"it has 2 \.png, 1 \.docx; set image_extension"):
        convert_dataset(convert_request(kitti_spec(images, labels), tmp_path / "out"))


def test_other_files_beside_images_and_labels_are_passed_over(tmp_path):
    images, labels = write_kitti(tmp_path / "in", {"a": [CAR]})
    (images / "Thumbs.db").write_bytes(b"\0")
    (images / "more").mkdir()
    (labels / "classes.names").write_text("car")
    report = convert_dataset(
        convert_request(kitti_spec(images, labels, extension=".png", val_split=0), tmp_path / "out")
    )
    assert (report.images["training"], report.dropped) == (1, {})


@pytest.fixture
def coco(tmp_path):
    """A COCO file of two images; returns a call that changes and converts it."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (1, 2):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), number, np.uint8))
    square = [[10, 10, 30, 10, 30, 30, 10, 30]]
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 48} for n in (1, 2)],
        "categories": [{"id": 90, "name": "car"}, {"id": 1, "name": "Car park"}],
        "annotations": [
            {
                "id": n,
                "image_id": n,
                "category_id": 90,
                "bbox": [10, 10, 20, 20],
                "area": 400,
                "iscrowd": 0,
                "segmentation": square,
            }
            for n in (1, 2)
        ],
    }

    def convert(change):
        change(content)
        path = tmp_path / "instances.json"
        path.write_text(json.dumps(content))
        report = convert_dataset(convert_request(coco_spec([path], [folder]), tmp_path / "out"))
        return report, RecordSource(str(tmp_path / "out"))

    return convert


def _annotate(**values):
    return lambda content: content["annotations"][0].update(values)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_annotate(id=2), "two annotations with the id 2"),
        (lambda c: c["images"][0].update(id=2), "two images with the id 2"),
        (lambda c: c["categories"][0].update(id=1), "two categories with the id 1"),
        (_annotate(image_id=7), "which the file does not list"),
        (_annotate(category_id=7), "which the file does not define"),
        (lambda c: c["images"][0].update(file_name="3.png"), r"3\.png does not exist"),
        (_annotate(bbox=[1, 2, 3]), "four numbers"),
        (
            _annotate(segmentation={"size": [64, 48], "counts": [10, 3000]}),
            "is for 48x64 pixels, the image has 64x48",
        ),
        (
            _annotate(segmentation={"size": [48, 64], "counts": [10, 30]}),
            "cover 40 pixels, the image has 64x48",
        ),
        (_annotate(segmentation=[[1, 2, 3, 4, 5]]), "a polygon has 5 numbers"),
        (lambda c: c.pop("categories"), "has no list 'categories'"),
        (lambda c: c["images"].clear(), "lists no images|does not list"),
    ],
    ids=[
        "annotation twice", "image twice", "category twice", "missing image", "missing category",
        "missing file", "short box", "runs of another size", "runs too short", "odd polygon",
        "no categories", "no images",
    ],
)  # fmt: skip
def test_coco_file_that_contradicts_itself_is_an_error(coco, tmp_path, change, error):
    with pytest.raises(DatasetError, match=error):
        coco(change)
    assert not list(tmp_path.glob("out*"))


def test_polygon_of_two_points_is_left_out(coco):
    report, records = coco(_annotate(segmentation=[[1, 2, 3, 4]]))
    assert report.dropped == {"outline of fewer than three points": 1}
    assert sum(len(records[row].class_names) for row in range(2)) == 1


def test_huge_ids_and_gaps_between_categories_are_kept(coco):
    def enlarge(content):
        content["images"][0]["id"] = 2**70
        content["annotations"][0].update(id=2**80, image_id=2**70)

    _, records = coco(enlarge)
    assert [records[row].source_id for row in range(2)] == [str(2**70), "2"]
    assert [records[row].class_names for row in range(2)] == [("car",), ("car",)]


def test_crowds_are_kept_and_marked(coco):
    _, records = coco(_annotate(iscrowd=1))
    assert [records[row].crowd.tolist() for row in range(2)] == [[True], [False]]


def test_boxes_beyond_the_image_are_clipped_and_counted(coco):
    report, records = coco(_annotate(bbox=[50, 10, 20, 20]))
    assert report.notes["box reaches beyond the image"] == 1
    np.testing.assert_allclose(records[0].boxes, [[50, 10, 64, 30]], atol=1e-4)


def test_missing_coco_file_is_an_error(tmp_path):
    spec = coco_spec([tmp_path / "nowhere.json"], [tmp_path])
    with pytest.raises(DatasetError, match=r"nowhere\.json does not exist"):
        convert_dataset(convert_request(spec, tmp_path / "out"))


def test_class_names_outside_ascii_and_paths_with_blanks_work(tmp_path):
    rows = {"größe 1": [kitti_row("猫")], "größe 2": [kitti_row("Fußgänger")]}
    images, labels = write_kitti(tmp_path / "my data ü", rows)
    output = tmp_path / "out ä" / "ré cords"
    convert_dataset(
        convert_request(kitti_spec(images, labels, extension=".png", val_split=0), output)
    )
    records = RecordSource(str(output))
    assert records.class_counts() == {"Fußgänger": 1, "猫": 1}
    assert sorted(records[row].name for row in range(2)) == ["größe 1.png", "größe 2.png"]


def test_damage_between_header_and_end_passes_without_decoding(tmp_path):
    images, labels = write_kitti(tmp_path / "in", {"a": [CAR]})
    data = bytearray((images / "a.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (images / "a.png").write_bytes(data)
    spec = kitti_spec(images, labels, extension=".png", val_split=0)
    with pytest.raises(DatasetError, match=r"a\.png is a damaged PNG"):
        convert_dataset(convert_request(spec, tmp_path / "out"))
    report = convert_dataset(convert_request(spec, tmp_path / "out", no_decode=True))
    assert report.images["training"] == 1


def test_without_decoding_records_lack_the_digests_of_images_alone(drawn, tmp_path):
    spec = kitti_spec(drawn.images, drawn.labels)
    for no_decode in (False, True):
        output = tmp_path / str(no_decode) / "out"
        convert_dataset(convert_request(spec, output, no_decode=no_decode))
    names = sorted(path.name for path in (tmp_path / "True").glob("out-fold-*"))
    assert len(names) == 4
    for name in names:
        whole, quick = (TFRecordFile(tmp_path / folder / name) for folder in ("False", "True"))
        for row in range(len(whole)):
            expected, found = (Example.FromString(file[row]) for file in (whole, quick))
            digest = expected.features.feature["image/key/sha256"].bytes_list
            encoded = expected.features.feature["image/encoded"].bytes_list.value[0]
            assert digest.value == [hashlib.sha256(encoded).hexdigest().encode()]
            digest.value[0] = b""
            assert found == expected
