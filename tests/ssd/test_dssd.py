"""DSSD as it is today: its specs are checked, its data converted, the rest says when it comes."""

from __future__ import annotations

import json

import pytest

from detforge.cli import main
from detforge.plugins import TASKS, load_detector
from detforge_ssd import plugin


def test_schema_is_that_of_ssd():
    assert load_detector("dssd").spec_schema() is plugin.spec_schema()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_that_ssd_has_but_the_conversion_comes_with_dssd(task):
    has_it = task in ("convert", "prune")
    assert load_detector("dssd").arrives(task) == ("" if has_it else "dssd")
    assert load_detector("ssd").arrives(task) == ""


def test_prune_comes_with_the_pruning_of_all_detectors(tmp_path, capsys):
    (tmp_path / "m.tlt").write_bytes(b"x")
    output = str(tmp_path / "pruned.tlt")
    assert main(["dssd", "prune", "-m", str(tmp_path / "m.tlt"), "-o", output]) == 2
    assert "prune comes with release 0.6 (pruning)" in capsys.readouterr().err


def test_training_reads_the_spec_and_then_says_when_it_comes(spec_file, tmp_path, capsys):
    path = spec_file()
    path.write_text(path.read_text().replace("ssd_config", "dssd_config"))
    assert main(["dssd", "train", "-e", str(path), "-r", str(tmp_path / "results")]) == 2
    assert "comes with release 0.4 (DSSD)" in capsys.readouterr().err
    path.write_text(path.read_text().replace("nlayers: 10", "nlayers: 11"))
    assert main(["dssd", "train", "-e", str(path), "-r", str(tmp_path / "results")]) == 2
    assert "dssd_config.nlayers: resnet has no depth 11" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_conversion_writes_records(scenes, tmp_path):
    spec = tmp_path / "convert.txt"
    spec.write_text(
        f'kitti_config {{ root_directory_path: "{scenes}" image_dir_name: "images" '
        'label_dir_name: "labels" image_extension: "jpg" num_shards: 1 }'
    )
    assert main(["dssd", "dataset_convert", "-d", str(spec), "-o", str(tmp_path / "r/a")]) == 0
    assert json.loads((tmp_path / "r/a.manifest.json").read_text())["classes"]
