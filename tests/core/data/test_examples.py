from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import assert_same_sample, make_sample
from tests.core.data.record_builders import example, tao_named_example, tao_ssd_example

from detforge.data.examples import Reading, to_example
from detforge.data.examples import from_example as read_features
from detforge.data.features import Features
from detforge.data.masks import encode_mask
from detforge.data.tao_examples import from_tao_example
from detforge.errors import DatasetError
from detforge.protos.example_pb2 import Example

NUMBERS = {"cat": 1, "Fußgänger": 2}


def from_example(payload, place, **reading):
    return read_features(Features(payload, place), Reading(**reading))


def _two_objects():
    masks = tuple(encode_mask(np.eye(48, 64, k, dtype=np.uint8)) for k in (0, 3))
    return make_sample(
        [[1.25, 2, 30, 40], [0, 0, 64, 48]],
        ["cat", "Fußgänger"],
        masks=masks,
        difficult=[True, False],
        crowd=[False, True],
    )


def test_sample_survives_the_message():
    sample = _two_objects()
    assert_same_sample(from_example(to_example(sample, NUMBERS), "x"), sample)


def test_image_without_objects_survives():
    sample = make_sample([], [])
    found = from_example(to_example(sample, NUMBERS), "x")
    assert_same_sample(found, sample)
    assert found.boxes.shape == (0, 4)


@given(
    st.integers(1, 20_000),
    st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    st.tuples(st.floats(0.01, 0.5), st.floats(0.01, 0.5)),
)
def test_coordinates_survive_to_a_hundredth_of_a_pixel(width, start, size):
    box = np.concatenate([start, np.add(start, size)]) * width
    sample = make_sample([box], ["cat"])
    object.__setattr__(sample, "width", width)
    object.__setattr__(sample, "height", width)
    found = from_example(to_example(sample, NUMBERS), "x")
    np.testing.assert_allclose(found.boxes, sample.boxes, rtol=0, atol=0.01)


def test_tensorflow_parses_the_documented_keys():
    import tensorflow as tf

    sample = _two_objects()
    many, one = tf.io.VarLenFeature, tf.io.FixedLenFeature
    schema = {
        "image/encoded": one([], tf.string),
        "image/format": one([], tf.string),
        "image/filename": one([], tf.string),
        "image/source_id": one([], tf.string),
        "image/key/sha256": one([], tf.string),
        "image/height": one([], tf.int64),
        "image/width": one([], tf.int64),
        "image/object/bbox/xmin": many(tf.float32),
        "image/object/bbox/ymin": many(tf.float32),
        "image/object/bbox/xmax": many(tf.float32),
        "image/object/bbox/ymax": many(tf.float32),
        "image/object/class/text": many(tf.string),
        "image/object/class/label": many(tf.int64),
        "image/object/difficult": many(tf.int64),
        "image/object/is_crowd": many(tf.int64),
        "image/object/mask": many(tf.string),
    }
    parsed = tf.io.parse_single_example(to_example(sample, NUMBERS), schema)
    found = {
        key: tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value
        for key, value in parsed.items()
    }
    found = {key: value.numpy() for key, value in found.items()}
    assert found["image/format"] == b"png"
    assert found["image/filename"] == b"memory.png"
    assert (found["image/width"], found["image/height"]) == (64, 48)
    assert found["image/key/sha256"].decode() == hashlib.sha256(sample.encoded).hexdigest()
    np.testing.assert_allclose(found["image/object/bbox/xmin"] * 64, [1.25, 0])
    np.testing.assert_allclose(found["image/object/bbox/ymax"] * 48, [40, 48], rtol=1e-6)
    assert [v.decode() for v in found["image/object/class/text"]] == ["cat", "Fußgänger"]
    assert found["image/object/class/label"].tolist() == [1, 2]
    assert found["image/object/difficult"].tolist() == [1, 0]
    assert found["image/object/is_crowd"].tolist() == [0, 1]
    picture = tf.io.decode_image(found["image/encoded"]).numpy()
    np.testing.assert_array_equal(picture, sample.image())
    mask = tf.io.decode_png(found["image/object/mask"][0]).numpy()[..., 0]
    np.testing.assert_array_equal(mask, np.eye(48, 64, dtype=np.uint8) * 255)


def test_equal_samples_give_equal_bytes():
    assert to_example(_two_objects(), NUMBERS) == to_example(_two_objects(), NUMBERS)


def test_size_may_be_missing_and_is_that_of_the_image():
    def forget(feature):
        del feature["image/width"], feature["image/height"]

    found = from_example(_changed(forget), "x")
    assert (found.width, found.height) == (64, 48)
    np.testing.assert_allclose(found.boxes, _two_objects().boxes, atol=1e-4)


def test_classes_may_go_by_their_numbers():
    payload = _changed(lambda feature: feature.pop("image/object/class/text"))
    assert from_example(payload, "x", by_category_id=True).class_names == ("1", "2")
    assert from_example(_changed(lambda _: None), "x", by_category_id=True).class_names == (
        "1",
        "2",
    )


def test_groups_of_open_images_are_crowds():
    def mark(feature):
        feature["image/object/group_of"].int64_list.value.extend([1, 0])

    assert from_example(_changed(mark), "x").crowd.tolist() == [True, True]


def test_areas_survive():
    sample = replace(_two_objects(), areas=np.array([12.5, 7], np.float32))
    found = from_example(to_example(sample, NUMBERS), "x")
    assert found.areas.tolist() == [12.5, 7]
    assert from_example(to_example(_two_objects(), NUMBERS), "x").areas is None


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
BOX = st.tuples(st.floats(0, 60), st.floats(0, 40), st.floats(0.5, 4), st.floats(0.5, 8))


@given(st.lists(st.tuples(BOX, TEXT, st.booleans(), st.booleans(), st.floats(0, 1e6)), max_size=6))
def test_whatever_objects_an_image_has_survive(rows):
    boxes = [[x, y, x + width, y + height] for (x, y, width, height), *_ in rows]
    names = [name for _, name, *_ in rows]
    masks = tuple(encode_mask(np.eye(48, 64, k, dtype=np.uint8)) for k in range(len(rows)))
    flags = {"difficult": [row[2] for row in rows], "crowd": [row[3] for row in rows]}
    sample = make_sample(boxes, names, masks=masks, **flags)
    areas = np.array([row[4] for row in rows], np.float32)
    sample = replace(sample, areas=areas, source_id="Größe/1")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
    found = from_example(to_example(sample, numbers), "x")
    assert_same_sample(found, sample)
    np.testing.assert_array_equal(found.areas if rows else [], areas)


def _changed(change):
    example = Example.FromString(to_example(_two_objects(), NUMBERS))
    change(example.features.feature)
    return example.SerializeToString()


@pytest.mark.parametrize(
    ("xmin", "xmax", "reason"),
    [
        (0.5, 0.25, "inverted"),
        (0.5, 0.5, "zero size"),
        (float("nan"), 0.5, "not finite"),
        (0.5, float("inf"), "not finite"),
        (1.25, 1.5, "outside the image"),
    ],
    ids=["inverted", "zero size", "nan", "infinite", "outside"],
)
def test_box_of_others_that_is_no_box_goes_with_all_that_belongs_to_it(xmin, xmax, reason):
    def spoil(feature):
        feature["image/object/bbox/xmin"].float_list.value[0] = xmin
        feature["image/object/bbox/xmax"].float_list.value[0] = xmax

    found, whole = from_example(_changed(spoil), "train record 3"), _two_objects()
    assert found.class_names == ("Fußgänger",)
    np.testing.assert_array_equal(found.boxes, whole.boxes[1:])
    assert (found.difficult.tolist(), found.crowd.tolist()) == ([False], [True])
    assert found.masks == whole.masks[1:]
    (dropped,) = found.dropped
    assert (dropped.place, dropped.class_name) == ("train record 3 object 0", "cat")
    assert dropped.reason == reason


def test_box_of_others_beyond_the_frame_is_clipped():
    def enlarge(feature):
        feature["image/object/bbox/xmin"].float_list.value[0] = -0.5
        feature["image/object/bbox/ymax"].float_list.value[0] = 2.0

    found = from_example(_changed(enlarge), "x")
    np.testing.assert_array_equal(found.boxes[0], [0, 2, 30, 48])
    assert found.boxes.dtype == np.float32


@pytest.mark.parametrize("key", ["difficult", "is_crowd"])
def test_marks_may_be_absent_altogether(key):
    found = from_example(_changed(lambda f: f.pop(f"image/object/{key}")), "x")
    assert not {"difficult": found.difficult, "is_crowd": found.crowd}[key].any()


LISTS = [[], [b"x"], [b"\xff", b""], [0], [-1], [1, 2, 3], [2**31] * 2, [1.5], [-1e38, 1e38]]
LISTS += [[float("nan")] * 2, [float("inf")]]
SAMPLE = make_sample([[1, 1, 20, 20], [5, 5, 30, 30]], ["cat", "Fußgänger"])


@pytest.mark.parametrize("values", LISTS, ids=repr)
@pytest.mark.parametrize(
    ("payload", "read"),
    [
        (to_example(_two_objects(), NUMBERS), read_features),
        (tao_ssd_example(SAMPLE, {"cat": 1, "fußgänger": 2}), from_tao_example),
        (tao_named_example(SAMPLE), from_tao_example),
    ],
    ids=["object detection api", "tao ssd", "tao named"],
)
@pytest.mark.filterwarnings("error")
def test_whatever_stands_in_a_record_is_read_or_refused(payload, read, values):
    for key in Example.FromString(payload).features.feature:
        changed = Example.FromString(payload)
        changed.features.feature[key].CopyFrom(
            Example.FromString(example(key=values)).features.feature["key"]
        )
        for reading in (Reading(class_labels=("cat",)), Reading(by_category_id=True)):
            with contextlib.suppress(DatasetError):
                found = read(Features(changed.SerializeToString(), "x"), reading)
                assert len(found.boxes) == len(found.class_names) == len(found.difficult)
                found.image()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"\xff\xff\xff", "is not a tf.train.Example"),
        (b"", "no image in image/encoded; it holds nothing"),
        (
            _changed(lambda f: f["image/width"].int64_list.value.__setitem__(0, 0)),
            r"image/width is \[0\]; one number of pixels",
        ),
        (_changed(lambda f: f.pop("image/object/class/text")), "class numbers in .* and no class"),
        (
            _changed(lambda f: f.pop("image/object/bbox/xmin")),
            "2 classes .* and 0 / 2 box coordinates; .* one class for each box",
        ),
        (
            _changed(lambda f: f["image/object/mask"].bytes_list.value.pop()),
            "image/object/mask has 1 values for 2 objects",
        ),
        (
            _changed(lambda f: f["image/object/difficult"].int64_list.value.pop()),
            "image/object/difficult has 1 values for 2 objects",
        ),
        (
            _changed(lambda f: f["image/object/is_crowd"].int64_list.value.append(1)),
            "image/object/is_crowd has 3 values for 2 objects",
        ),
        (
            _changed(lambda f: f["image/filename"].bytes_list.value.__setitem__(0, b"\xff")),
            "not UTF-8",
        ),
    ],
    ids=[
        "no message", "empty", "width 0", "no names", "no xmin", "one mask", "one difficult",
        "three crowds", "bad name",
    ],
)  # fmt: skip
def test_wrong_message_names_the_record(payload, message):
    with pytest.raises(DatasetError, match=message) as caught:
        from_example(payload, "train record 3")
    assert "train record 3" in str(caught.value)
