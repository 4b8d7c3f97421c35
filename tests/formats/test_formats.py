"""Files of every format version that was ever released stay readable.

Never rewrite an example: add one when the format changes.
"""

from pathlib import Path

import numpy as np
import pytest

from detforge.data.manifest import read_manifest
from detforge.data.records import RecordSource
from detforge.files import load_checkpoint

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
