"""An image that goes bad after training began ends the run with its name, nothing half saved."""

import shutil

import pytest

from detforge.errors import DatasetError
from detforge.plugins import load_detector
from detforge.requests import TrainRequest
from detforge.spec import load_spec


def test_truncated_image_is_named_and_no_checkpoint_pretends_the_epoch_is_complete(
    spec_file, scenes, tmp_path
):
    data = tmp_path / "data"
    shutil.copytree(scenes, data)
    victim = sorted((data / "images").iterdir())[3]
    victim.write_bytes(victim.read_bytes()[:-200])
    detector = load_detector("ssd")
    spec = load_spec(spec_file(data=data), detector.spec_schema())
    request = TrainRequest(detector=detector, spec=spec, results_dir=tmp_path / "results")
    with pytest.raises(DatasetError, match=victim.name):
        detector.hook.train(request=request)
    assert list((tmp_path / "results" / "weights").iterdir()) == []
