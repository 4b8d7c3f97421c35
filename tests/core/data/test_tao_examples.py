from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import make_sample
from tests.core.data.record_builders import example, tao_named_example, tao_ssd_example

from detforge.data.examples import Reading
from detforge.data.features import Features
from detforge.data.tao_examples import from_tao_example, is_tao_example
from detforge.errors import DatasetError

NUMBERS = {"car": 1, "pedestrian": 2}
LABELS = ("car", "pedestrian")


def _read(payload, **reading):
    return from_tao_example(Features(payload, "train record 3"), Reading(**reading))


def _sample():
    boxes = [[1.25, 2, 30, 40], [0, 0, 64, 48]]
    return make_sample(boxes, ["Pedestrian", "car"], difficult=[True, False])


def test_ssd_records_hold_shares_of_the_image_and_class_numbers():
    found = _read(tao_ssd_example(_sample(), NUMBERS), class_labels=LABELS)
    np.testing.assert_allclose(found.boxes, _sample().boxes, atol=1e-4)
    assert found.class_names == ("pedestrian", "car")
    assert found.difficult.tolist() == [True, False]
    assert (found.width, found.height) == (64, 48)
    assert (found.name, found.source_id) == ("memory.png", "image_2/memory")
    assert found.image().shape == (48, 64, 3)


def test_class_numbers_are_the_names_where_no_spec_says_more():
    assert _read(tao_ssd_example(_sample(), NUMBERS)).class_names == ("2", "1")


@pytest.mark.parametrize("number", [0.0, 3.0])
def test_class_number_that_the_spec_lacks_names_those_it_has(number):
    payload = _changed(target__object_class_id=[number, 1.0])
    message = rf"train record 3 has the class number {number:g} .* 1 to 2 \(car, pedestrian\)"
    with pytest.raises(DatasetError, match=message):
        _read(payload, class_labels=LABELS)


@pytest.fixture
def beside(tmp_path):
    (tmp_path / "image_2").mkdir()
    picture = cv2.imencode(".png", np.full((48, 64, 3), 120, np.uint8))[1].tobytes()
    (tmp_path / "image_2" / "memory.png").write_bytes(picture)
    return tmp_path


@pytest.mark.parametrize("extension", ["png", ""])
def test_named_records_hold_pixels_and_their_images_lie_beside(beside, extension):
    found = _read(tao_named_example(_sample()), images=beside, image_extension=extension)
    np.testing.assert_array_equal(found.boxes, _sample().boxes)
    assert found.class_names == ("pedestrian", "car")
    assert (found.name, found.path) == ("memory.png", beside / "image_2" / "memory.png")
    assert found.image().shape == (48, 64, 3)


def test_extension_may_be_in_capitals(beside):
    (beside / "image_2" / "memory.png").rename(beside / "image_2" / "memory.PNG")
    for extension in ("png", ""):
        assert _read(tao_named_example(_sample()), images=beside, image_extension=extension).path


def test_stem_of_an_image_may_hold_dots(beside):
    (beside / "image_2" / "memory.png").rename(beside / "image_2" / "a.b.png")
    payload = _changed(tao_named_example, frame__id=[b"image_2/a.b"])
    assert _read(payload, images=beside).name == "a.b.png"


def test_image_that_is_not_beside_says_where_it_was_looked_for(beside):
    message = r"image_2.memory\.jpg does not exist; train record 3 names its image 'image_2/memory'"
    with pytest.raises(DatasetError, match=message):
        _read(tao_named_example(_sample()), images=beside, image_extension="jpg")


def test_records_without_images_ask_for_their_folder():
    with pytest.raises(DatasetError, match="does not hold its image; name the folder"):
        _read(tao_named_example(_sample()))


@pytest.mark.parametrize("write", [tao_ssd_example, tao_named_example], ids=["ssd", "named"])
def test_image_without_objects_is_read(beside, write):
    arguments = (NUMBERS,) if write is tao_ssd_example else ()
    found = _read(write(make_sample([], []), *arguments), images=beside)
    assert (found.boxes.shape, found.class_names) == ((0, 4), ())


@given(st.lists(st.tuples(*[st.floats(0, 40)] * 2, *[st.floats(1, 20)] * 2), max_size=5))
def test_boxes_of_ssd_records_survive_to_a_hundredth_of_a_pixel(rows):
    boxes = [[x, y, x + width, y + height] for x, y, width, height in rows]
    sample = make_sample(np.clip(boxes, 0, [64, 48, 64, 48]) if boxes else [], ["car"] * len(rows))
    found = _read(tao_ssd_example(sample, NUMBERS), class_labels=LABELS)
    np.testing.assert_allclose(found.boxes, sample.boxes, rtol=0, atol=0.01)


def _changed(write=None, **lists):
    payload = write(_sample()) if write else tao_ssd_example(_sample(), NUMBERS)
    features = dict(_lists(payload))
    return example(**{**features, **lists})


def _lists(payload):
    from detforge.protos.example_pb2 import Example

    for key, feature in Example.FromString(payload).features.feature.items():
        lists = (feature.bytes_list, feature.int64_list, feature.float_list)
        yield key.replace("/", "__"), next((one.value for one in lists if one.value), [])


def test_box_that_is_none_goes_with_its_class_and_mark():
    found = _read(_changed(target__coordinates_x2=[0.0, 1.0]), class_labels=LABELS)
    assert (found.class_names, found.difficult.tolist()) == (("car",), [False])
    (dropped,) = found.dropped
    assert (dropped.place, dropped.reason) == ("train record 3 object 0", "inverted")


def test_box_beyond_the_frame_is_clipped():
    found = _read(_changed(target__coordinates_x1=[-0.25, 0.0]), class_labels=LABELS)
    np.testing.assert_allclose(found.boxes[0], [0, 2, 30, 40], atol=1e-4)


@pytest.mark.parametrize("values", [[1.0, 0.0], [2, 0], []], ids=["floats", "numbers", "none"])
def test_occlusion_may_be_of_either_kind_or_absent(values):
    found = _read(_changed(target__occlusion=values), class_labels=LABELS)
    assert found.difficult.tolist() == ([True, False] if values else [False, False])


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"target__coordinates_x1": [0.5]}, "has 2 classes .* but 1 / 2 box coordinates"),
        ({"target__occlusion": [1]}, "target/occlusion has 1 values for 2 objects"),
        ({"target__object_class_id": [1.5, 1.0]}, r"target/object_class_id is \[1.5, 1.0\]; whole"),
        ({"target__object_class_id": [float("nan"), 1.0]}, "whole numbers belong there"),
        ({"frame__width": []}, "lacks frame/id, frame/width or frame/height"),
        ({"frame__width": [0]}, r"frame/width is \[0\]; one number of pixels"),
        ({"frame__id": [b""]}, "lacks frame/id"),
        ({"frame__id": [b"\xff"]}, "not UTF-8"),
    ],
    ids=["one x1", "one mark", "half a class", "nan", "no width", "width 0", "no id", "bad id"],
)
def test_wrong_record_is_named(lists, message):
    with pytest.raises(DatasetError, match=message) as caught:
        _read(_changed(**lists), class_labels=LABELS)
    assert "train record 3" in str(caught.value)


def test_named_records_are_refused_where_category_ids_count(beside):
    with pytest.raises(DatasetError, match="class names in target/object_class, and this detector"):
        _read(tao_named_example(_sample()), images=beside, by_category_id=True)


def test_other_records_are_told_apart():
    assert is_tao_example(Features(tao_named_example(_sample()), "x"))
    assert not is_tao_example(Features(example(image__encoded=[b"..."]), "x"))


def test_tensorflow_parses_these_records_with_the_types_of_the_documents():
    import tensorflow as tf

    many, one = tf.io.VarLenFeature, tf.io.FixedLenFeature
    schema = {
        "frame/id": one([], tf.string),
        "frame/encoded": one([], tf.string),
        "frame/width": one([], tf.int64),
        "target/object_class_id": many(tf.float32),
        "target/coordinates_x1": many(tf.float32),
        "target/occlusion": many(tf.int64),
        "target/truncation": many(tf.float32),
    }
    parsed = tf.io.parse_single_example(tao_ssd_example(_sample(), NUMBERS), schema)
    assert parsed["frame/id"].numpy() == b"image_2/memory"
    assert tf.sparse.to_dense(parsed["target/object_class_id"]).numpy().tolist() == [2, 1]
    assert tf.sparse.to_dense(parsed["target/occlusion"]).numpy().tolist() == [1, 0]
