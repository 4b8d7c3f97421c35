import json

import keras

from detforge.backbones.resnet import UNITS, build_resnet


def test_backbones_have_the_weights_of_the_golden_table(golden_file):
    """Rows of backbones that detforge has, built as it builds them."""
    rows = json.loads(golden_file("architectures.json").read_text())["tao_templates_no_top"]["rows"]
    checked = 0
    for row in rows:
        config = row["config"]
        depth = config.get("nlayers")
        as_built = {"all_projections": True, "use_bias": False, "use_pooling": False}
        if row["model"] != f"resnet{depth}" or depth not in UNITS:
            continue
        if any(config[name] != value for name, value in as_built.items()):
            continue
        images = keras.Input(tuple(config["input"]))
        model = keras.Model(images, build_resnet(images, depth)["block_4"])
        assert model.count_params() == row["total_params"], row["model"]
        assert model.output_shape == tuple(row["output_shape"])
        checked += 1
    assert checked
