from __future__ import annotations

import numpy as np
import pytest
from tests.core.data.data_builders import kitti_row, write_kitti

from detforge.data.kitti import KittiFolder, parse_kitti
from detforge.errors import DatasetError


def test_line_becomes_an_object():
    labels = parse_kitti(kitti_row("Car", (1.5, 2, 30.25, 40)), "a.txt")
    (found,) = labels.objects
    assert found.class_name == "Car"
    assert found.box == (1.5, 2.0, 30.25, 40.0)
    assert not found.difficult
    assert not labels.dropped


@pytest.mark.parametrize(
    ("occlusion", "difficult"),
    [("0", False), ("0.00", False), ("1", True), ("2.00", True), ("3", True), ("-1", False)],
)
def test_occluded_objects_are_difficult(occlusion, difficult):
    (found,) = parse_kitti(kitti_row(occlusion=occlusion), "a.txt").objects
    assert found.difficult is difficult


def test_sixteenth_column_is_a_score_and_changes_nothing():
    with_score = parse_kitti(kitti_row() + " 0.87", "a.txt")
    assert with_score == parse_kitti(kitti_row(), "a.txt")


@pytest.mark.parametrize("columns", [8, 14, 17])
def test_wrong_number_of_columns_names_file_and_line(columns):
    line = " ".join(["car", *["0"] * (columns - 1)])
    text = f"{kitti_row()}\n\n{line}\n"
    with pytest.raises(DatasetError) as caught:
        parse_kitti(text, "000012.txt")
    assert str(caught.value) == (
        f"000012.txt line 3 has {columns} fields; a KITTI label has 15, or 16 with a score"
    )


def test_word_for_a_number_names_the_column():
    line = kitti_row("traffic light").rsplit(" ", 1)[0]
    with pytest.raises(DatasetError, match=r"line 1: column 2 \(truncation\) is 'light'"):
        parse_kitti(line, "a.txt")


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10, 10, 10, 20), "zero size"),
        ((10, 20, 5, 30), "inverted"),
        ((10, "nan", 20, 30), "not finite"),
        ((10, 10, "inf", 30), "not finite"),
    ],
    ids=["zero size", "inverted", "nan", "infinite"],
)
def test_box_that_is_no_box_is_dropped_with_the_reason(box, reason):
    labels = parse_kitti(f"{kitti_row()}\n{kitti_row('bus', box)}", "a.txt")
    assert len(labels.objects) == 1
    (dropped,) = labels.dropped
    assert (dropped.place, dropped.class_name, dropped.reason) == ("a.txt:2", "bus", reason)


def test_windows_line_ends_and_byte_order_mark_are_read(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": []})
    (labels / "a.txt").write_bytes(b"\xef\xbb\xbf" + kitti_row("Auto").encode() + b"\r\n\r\n")
    assert KittiFolder(images, labels).class_counts() == {"Auto": 1}


def test_names_outside_ascii_are_kept(tmp_path):
    images, labels = write_kitti(tmp_path / "mit Umlaut ä", {"a": []})
    (labels / "a.txt").write_text(kitti_row("Fußgänger"), encoding="utf-8")
    assert KittiFolder(images, labels)[0].class_names == ("Fußgänger",)


def test_images_and_labels_are_paired_by_stem_in_name_order(tmp_path):
    rows = {"b": [kitti_row("bus")], "a": [kitti_row("car"), kitti_row("van", occlusion="1")]}
    source = KittiFolder(*write_kitti(tmp_path, rows))
    assert len(source) == 2
    assert source.class_counts() == {"bus": 1, "car": 1, "van": 1}
    assert source.max_objects() == 2
    first = source[0]
    assert (first.name, first.source_id, first.width, first.height) == ("a.png", "a", 64, 48)
    assert first.class_names == ("car", "van")
    assert first.difficult.tolist() == [False, True]
    assert first.boxes.dtype == np.float32
    assert first.image().shape == (48, 64, 3)


def test_image_without_objects_is_kept(tmp_path):
    source = KittiFolder(*write_kitti(tmp_path, {"a": [kitti_row()], "b": []}))
    assert source[1].boxes.shape == (0, 4)
    assert source[1].difficult.shape == (0,)


def test_extensions_are_compared_without_case(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": [kitti_row()]})
    (images / "a.png").rename(images / "a.PNG")
    assert len(KittiFolder(images, labels)) == 1
    assert len(KittiFolder(images, labels, extension=".Png")) == 1


def test_box_beyond_the_frame_is_clipped_or_dropped(tmp_path):
    rows = [kitti_row("in", (-5, 10, 30, 60)), kitti_row("out", (70, 10, 90, 20))]
    sample = KittiFolder(*write_kitti(tmp_path, {"a": rows}))[0]
    np.testing.assert_array_equal(sample.boxes, [[0, 10, 30, 48]])
    (dropped,) = sample.dropped
    assert dropped.class_name == "out"
    assert dropped.reason == "outside the image"
    assert dropped.place.endswith("a.txt:2")


def test_dont_care_rows_of_kitti_are_read_as_they_are(kitti_sample):
    source = KittiFolder(kitti_sample / "image_2", kitti_sample / "label_2")
    assert source.class_counts()["DontCare"] == 4
    sample = source[1]
    assert sample.class_names[:3] == ("Truck", "Car", "Cyclist")
    assert sample.difficult.tolist() == [False, False, True, False, False, False, False]
    assert (sample.width, sample.height) == (1242, 375)


def test_missing_label_file_is_named(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": [], "b": [], "c": []})
    (labels / "b.txt").unlink()
    (labels / "c.txt").unlink()
    with pytest.raises(DatasetError, match=r"no label file .*b\.txt \(and 1 more\)"):
        KittiFolder(images, labels)


def test_label_file_that_is_not_text_is_named(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": []})
    (labels / "a.txt").write_bytes(b"car \xff\xfe")
    with pytest.raises(DatasetError, match=r"a\.txt is not UTF-8"):
        KittiFolder(images, labels)


def test_two_images_of_one_stem_are_an_error(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": []})
    (images / "a.JPG").write_bytes((images / "a.png").read_bytes())
    with pytest.raises(DatasetError, match=r"a\.JPG and a\.png share the label file a\.txt"):
        KittiFolder(images, labels)


def test_images_of_another_extension_and_labels_without_image_are_reported(tmp_path, caplog):
    images, labels = write_kitti(tmp_path, {"a": [kitti_row()], "b": [], "c": []})
    (images / "b.png").rename(images / "b.jpg")
    (images / "c.png").unlink()
    (images / "notes.md").write_text("no image")
    source = KittiFolder(images, labels, extension=".png")
    assert len(source) == 1
    assert [(d.place, d.reason) for d in source.left_out] == [
        (str(images / "b.jpg"), "image of another extension than image_extension"),
        (str(labels / "c.txt"), "label file without an image"),
    ]
    assert "1 file left out: image of another extension" in caplog.text
    assert "1 file left out: label file without an image" in caplog.text


def test_folders_that_fit_together_are_not_remarked(tmp_path, caplog):
    source = KittiFolder(*write_kitti(tmp_path, {"a": [kitti_row()], "b": []}))
    assert source.left_out == ()
    assert not caplog.text


def test_folder_without_wanted_images_says_what_it_has(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": [], "b": []})
    with pytest.raises(DatasetError, match=r"no image with extension \.jpg .*it has 2 \.png"):
        KittiFolder(images, labels, extension=".jpg")


def test_empty_folder_is_an_error_that_names_the_spec_field(tmp_path):
    (tmp_path / "images").mkdir()
    field = "dataset_config.data_sources[0]"
    with pytest.raises(DatasetError, match="no image") as caught:
        KittiFolder(tmp_path / "images", tmp_path, field=field)
    assert field in str(caught.value)
    assert "it has no files" in str(caught.value)


@pytest.mark.parametrize("missing", ["images", "labels"])
def test_missing_folder_is_named(tmp_path, missing):
    folders = dict(zip(("images", "labels"), write_kitti(tmp_path, {"a": []}), strict=True))
    folders[missing] = tmp_path / "nowhere"
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        KittiFolder(folders["images"], folders["labels"])


def test_truncated_image_is_found_when_it_is_read(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": [kitti_row()]})
    whole = (images / "a.png").read_bytes()
    (images / "a.png").write_bytes(whole[:-20])
    with pytest.raises(DatasetError, match=r"a\.png is truncated"):
        KittiFolder(images, labels)[0]
