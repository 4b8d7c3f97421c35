"""What users get wrong on the command line, and the one message that each mistake brings.

wrong_command_lines.txt holds both. Its lines are typed in a folder with a correct spec of SSD and
of Faster R-CNN, a conversion spec, a checkpoint of another toolkit, an exported model, a key and
an empty folder of images.
"""

import re
import shlex
from pathlib import Path

import pytest
from tests.docs import base_specs

FILES = {
    "spec.txt": base_specs.SSD,
    "rcnn.txt": base_specs.FASTER_RCNN,
    "convert.txt": 'kitti_config { image_dir_name: "images" label_dir_name: "labels" }\n',
    "model.tlt": "weights of another toolkit",
    "model.onnx": "an exported model",
    "key.txt": "secret\n",
}
TEXT = Path(__file__).with_name("wrong_command_lines.txt").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ detforge (.*)\n((?:[^$#\n].*\n)+)", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("line", "message"), SHOWN, ids=[line for line, _ in SHOWN])
def test_mistake_is_told_in_one_message_and_leaves_no_trace(
    detforge, tmp_path, monkeypatch, line, message
):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = detforge(*shlex.split(line))
    assert (result.code, result.out, result.err) == (2, "", message)
    assert re.fullmatch(r"Error: .*\n(Try 'detforge.* --help'\.\n)?", message)
    assert sorted(tmp_path.iterdir()) == before


def test_every_mistake_of_the_file_is_tried():
    assert len(SHOWN) == TEXT.count("$ ") > 80
