import json
import math
from types import SimpleNamespace

import keras
import pytest

from detforge.backbones import BackboneOptions, find_backbone
from detforge.backbones.features import add_backbone
from detforge.graph.cost import layer_costs

# What the table's configurations call otherwise, or fix for us.
NOT_OPTIONS = {"nlayers", "input", "add_head", "alpha", "depth_multiplier", "stride"}
LAST_BLOCKS = {("mobilenet_v1", 32): 13, ("mobilenet_v2", 32): 18}


def built(row):
    """Return the model of one row."""
    config, name = row["config"], row["model"]
    depth = config.get("nlayers", 0)
    arch = name.replace(str(depth), "") if depth else name
    family = find_backbone(arch, depth, field="ssd_config").family
    options = {key: value for key, value in config.items() if key not in NOT_OPTIONS}
    for key in options.keys() - family.options:
        assert options[key] == getattr(BackboneOptions(), key), row
    options = {key: value for key, value in options.items() if key in family.options}
    images = keras.Input(tuple(config["input"]))
    backbone = find_backbone(arch, depth, field="ssd_config", **options)
    last = LAST_BLOCKS.get((arch, config.get("stride")))
    features = add_backbone(images, backbone, last_block=last)
    return keras.Model(images, features.output)


def test_backbones_have_the_weights_of_the_golden_table(golden_file):
    rows = json.loads(golden_file("architectures.json").read_text())["tao_templates_no_top"]["rows"]
    assert rows
    for row in rows:
        model = built(row)
        found = model.count_params(), model.output_shape
        assert found == (row["total_params"], tuple(row["output_shape"])), row
        learnt = sum(math.prod(weight.shape) for weight in model.trainable_variables)
        assert learnt == row["trainable"], row


@pytest.mark.parametrize("versions", ["0123", pytest.param("4567", marks=pytest.mark.slow)])
def test_efficientnets_cost_what_their_paper_says(golden_file, versions):
    table = json.loads(golden_file("architectures.json").read_text())["efficientnet_paper"]
    rows = [row for row in table["rows"] if row["model"][-1] in versions]
    assert len(rows) == 4
    for row in rows:
        images = keras.Input((row["resolution"], row["resolution"], 3))
        features = add_backbone(images, find_backbone(row["model"], 0, field="ssd_config"))
        pooled = keras.layers.GlobalAveragePooling2D()(features.output)
        classifier = keras.Model(images, keras.layers.Dense(1000)(pooled))
        costs = layer_costs(SimpleNamespace(parts={"classifier": classifier}, input_shapes={}))
        billions = sum(cost.multiply_adds for cost in costs) / 1e9
        millions = sum(cost.trainable_parameters for cost in costs) / 1e6
        assert billions == pytest.approx(row["flops_billions"], rel=0.08), row
        assert millions == pytest.approx(row["params_millions"], rel=0.02), row
