"""A spec is checked, recipe and all, before anything heavy is loaded."""

import subprocess
import sys

import pytest

from tests.docs import base_specs

PROGRAM = """
import importlib, sys
from detforge.spec import parse_spec
plugin = importlib.import_module(sys.argv[1])
plugin.recipe(parse_spec(sys.stdin.read(), plugin.spec_schema()).message)
print(sorted({"keras", "tensorflow", "jax", "numpy", "cv2"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        ("detforge_ssd.plugin", base_specs.SSD),
        ("detforge_ssd.dssd", base_specs.SSD.replace("ssd_config", "dssd_config")),
        ("detforge_faster_rcnn.plugin", base_specs.FASTER_RCNN),
        ("detforge_efficientdet.plugin", base_specs.EFFICIENTDET),
        ("detforge_mask_rcnn.plugin", base_specs.MASK_RCNN),
    ],
    ids=["ssd", "dssd", "faster_rcnn", "efficientdet", "mask_rcnn"],
)
def test_recipe_loads_neither_keras_nor_numpy(plugin, text):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, plugin],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
