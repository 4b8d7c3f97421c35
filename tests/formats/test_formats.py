"""Files of every format version that was ever released stay readable.

Never rewrite an example: add one when the format changes.
"""

from pathlib import Path

import numpy as np
import pytest

from detforge.data.manifest import read_manifest
from detforge.data.records import RecordSource
from detforge.files import load_checkpoint, read_unlocked
from detforge.inference.predictors import OnnxPredictor
from detforge.recipe import InputFormat

EXAMPLES = Path(__file__).parent


@pytest.mark.parametrize(
    ("name", "key"), [("checkpoint_1.detforge", None), ("checkpoint_1.tlt", "example key")]
)
def test_checkpoint_of_format_1_is_read(name, key):
    found = load_checkpoint(EXAMPLES / name, key)
    assert (found.detector, found.plugin_version) == ("ssd", "0.1.0")
    assert found.class_names == ("car", "Fußgänger")
    assert (found.epoch, found.step) == (3, 120)
    assert found.spec_text == "random_seed: 42\n"
    assert dict(found.extra) == {"seed": 7}
    np.testing.assert_array_equal(
        found.weights["network/conv/kernel"], np.float32([[0, 1, 2], [3, 4, 5]])
    )
    np.testing.assert_array_equal(found.weights["network/conv/bias"], np.float32([0.5, -1.5]))
    assert found.optimizer["iteration"] == 120
    assert found.optimizer["iteration"].dtype == np.int64


def test_checkpoint_of_format_2_is_read_with_its_variant():
    found = load_checkpoint(EXAMPLES / "checkpoint_2.detforge")
    assert (found.detector, found.plugin_version) == ("ssd", "0.5.0")
    assert found.variant.backbone == {"stride_in_middle": True}
    assert found.variant.widths == {"network": {"conv": 3}}
    np.testing.assert_array_equal(
        found.weights["network/conv/kernel"], np.float32([[0, 1, 2], [3, 4, 5]])
    )


@pytest.mark.parametrize(
    ("name", "key"), [("export_1.onnx", None), ("export_1.etlt", "example key")]
)
def test_exported_model_of_format_1_is_read_and_finds_what_it_found(name, key):
    model = OnnxPredictor(read_unlocked(EXAMPLES / name, key), name)
    assert (model.info.detector, model.info.plugin_version) == ("tiny", "1.2.3")
    assert model.info.detforge_version == "0.2.0"
    assert model.info.class_names == ("car", "Fußgänger")
    assert model.info.input == InputFormat(
        height=16, width=24, color_order="grey", mean=(117.3786,), scale=(0.02,)
    )
    images = np.arange(2 * 16 * 24).reshape(2, 16, 24, 1) * 37 % 251 - 125
    found = model.predict(images.astype(np.float32) * 0.02)
    assert found.count.tolist() == [12, 14]
    assert found.labels[0, :3].tolist() == [1, 0, 1]
    np.testing.assert_allclose(found.scores[0, :3], [0.9828411, 0.9669744, 0.9656115], atol=1e-5)
    np.testing.assert_allclose(found.boxes[0, 0], [-3.5481, 5.81796, 19.06843, 22.21924], atol=1e-3)


@pytest.mark.parametrize("version", ["1_0", "1_1"])
def test_records_of_format_1_are_read(version):
    records = RecordSource(str(EXAMPLES / f"records_{version}-fold-000*"))
    found = [(records[row].name, records[row].class_names) for row in range(len(records))]
    assert found == [
        ("000002.jpg", ("round", "angular", "round")),
        ("000001.jpg", ("angular", "round", "round", "angular", "round")),
    ]
    assert records[0].image().shape == (48, 48, 3)
    manifest = read_manifest(EXAMPLES / f"records_{version}.manifest.json")
    assert manifest.class_numbers == {"angular": 1, "round": 2}
    assert manifest.dropped == {"not in target_class_mapping": 6}
    assert manifest.notes == {}
