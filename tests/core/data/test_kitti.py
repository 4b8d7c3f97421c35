from __future__ import annotations

import contextlib
import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import kitti_row, write_kitti

from detforge.data.kitti import KittiFolder, parse_kitti
from detforge.data.labels import check_labels, to_labels
from detforge.errors import DatasetError
from detforge.recipe import Classes


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


NAMES = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=8)
COORDINATES = st.integers(-900, 2_000_000).map(lambda number: number / 1000)


@given(
    st.lists(
        st.tuples(NAMES, st.integers(-1, 3), COORDINATES, COORDINATES, st.integers(1, 99)),
        max_size=6,
    ),
    st.sampled_from([" ", "\t", "  ", " \t "]),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \n"]),
    st.sampled_from(["{!r}", "{:.3f}", "{:+.9f}", "{:.17e}", "{:.15G}"]),
    st.booleans(),
)
def test_whatever_is_written_is_read(rows, blank, line_end, number, has_score):
    lines = []
    for name, occlusion, x, y, side in rows:
        values = [0, occlusion, -1.5, x, y, x + side, y + side, *[0] * 7, *[0.5] * has_score]
        lines.append(blank.join([name, *(number.format(float(v)) for v in values)]))
    labels = parse_kitti(line_end.join(lines), "a.txt")
    assert not labels.dropped
    assert len(labels.objects) == len(rows)
    for found, (name, occlusion, x, y, side) in zip(labels.objects, rows, strict=True):
        assert (found.class_name, found.difficult) == (name, occlusion >= 1)
        assert found.box == pytest.approx((x, y, x + side, y + side))


WORDS = st.sampled_from(["car", "0", "-1", "nan", "1e400", "3.5", "7_0", "\n", "\r\n", "\t", "\0"])


@given(st.lists(WORDS | st.text(max_size=3), max_size=40).map(" ".join))
def test_whatever_stands_there_is_read_or_refused(text):
    with contextlib.suppress(DatasetError):
        labels = parse_kitti(text, "a.txt")
        assert len(labels.objects) + len(labels.dropped) <= len(text.split()) // 15


@pytest.mark.parametrize("number", ["1_000", "0x10", "1,5", "12px", "--3", ""])
def test_number_that_is_none_names_file_line_and_column(number):
    line = kitti_row().split()
    line[6:7] = [number] if number else ["-"]
    with pytest.raises(DatasetError, match=r"a\.txt line 1: column 7 \(x2\) is"):
        parse_kitti(" ".join(line), "a.txt")


def test_boxes_below_a_pixel_are_kept():
    (found,) = parse_kitti(kitti_row(box=(10.2, 10.3, 10.6, 10.4)), "a.txt").objects
    assert found.box == (10.2, 10.3, 10.6, 10.4)


def test_classes_are_kept_as_written_and_mapped_without_case(tmp_path):
    rows = [kitti_row("Car"), kitti_row("CAR"), kitti_row("car")]
    source = KittiFolder(*write_kitti(tmp_path, {"a": rows}))
    assert source.class_counts() == {"CAR": 1, "Car": 1, "car": 1}
    classes = Classes.of_mapping({"car": "vehicle"}, "none")
    check_labels(source, classes)
    assert to_labels(source[0].class_names, classes).tolist() == [0, 0, 0]


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


def test_other_files_beside_images_and_labels_do_not_count(tmp_path, caplog):
    images, labels = write_kitti(tmp_path, {"a": [kitti_row()]})
    for name in (
        ".DS_Store",
        "._a.png",
        "Thumbs.db",
        "a.txt",
        "a.png.bak",
        "a.json",
        "noextension",
    ):
        (images / name).write_text("no image")
        (labels / f"{name}.md").write_text("no label")
    (images / "folder.png").mkdir()
    (labels / "folder.txt").mkdir()
    source = KittiFolder(images, labels)
    assert [source[row].name for row in range(len(source))] == ["a.png"]
    assert source.left_out == ()
    assert not caplog.text


def test_folder_of_other_files_says_what_it_has(tmp_path):
    images, labels = write_kitti(tmp_path, {"a": []})
    (images / "a.png").unlink()
    for name in ("a.tif", "b.tif", "readme"):
        (images / name).write_text("x")
    with pytest.raises(DatasetError, match=r"it has 2 \.tif, 1 no extension$"):
        KittiFolder(images, labels)


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


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_name_that_is_no_text_is_an_error(tmp_path, kind):
    folders = dict(zip(("images", "labels"), write_kitti(tmp_path, {"a": []}), strict=True))
    (folders[kind] / os.fsdecode(b"b\xff.png")).touch()
    with pytest.raises(DatasetError, match=rf"{kind} has a file whose name .* b'b\\xff\.png'; ren"):
        KittiFolder(**folders)


def test_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    folders = write_kitti(tmp_path, {"a": []})
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DatasetError, match=r"images cannot be read \(spec\): Permission denied"):
        KittiFolder(*folders, field="spec")


def test_file_in_the_place_of_a_folder_is_named(tmp_path):
    images, _ = write_kitti(tmp_path, {"a": []})
    with pytest.raises(DatasetError, match=r"the label folder .*a\.png is no folder"):
        KittiFolder(images, images / "a.png")


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
