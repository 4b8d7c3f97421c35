"""``detforge <detector> summary``: what it says of a spec's network, and of a checkpoint's."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tests.docs import base_specs

from detforge.files import Checkpoint, save_checkpoint
from detforge.plugins import Detector, load_detector
from detforge.recipe import Variant
from detforge.spec import parse_spec
from detforge.weights import collect_weights

SMALL = base_specs.SSD.replace("300", "128").replace("nlayers: 18", "nlayers: 10")
SMALL = SMALL.replace('"[1.0, 2.0, 0.5, 3.0, 1.0/3.0]"', '"[1.0, 2.0, 0.5]"')


@pytest.fixture(scope="module")
def model():
    """Return the network of the small spec."""
    detector = load_detector("ssd")
    return detector.build_model(parse_spec(SMALL, detector.spec_schema()), "train")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with the small spec; its data do not exist."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.txt").write_text(SMALL)
    return tmp_path


@pytest.fixture
def save(folder, model):
    """Return a function that saves a checkpoint of the small spec."""

    def save(name="model.detforge", key=None, weights=None, **facts):
        content = {
            "detector": "ssd",
            "plugin_version": "0.1.0",
            "class_names": ("car", "person"),
            "spec_text": SMALL,
            "epoch": 1,
            "step": 1,
            "weights": weights or collect_weights(model),
        }
        save_checkpoint(folder / name, Checkpoint(**{**content, **facts}), key)
        return name

    return save


def test_numbers_are_those_of_the_network(detforge, folder, model):
    shown = detforge("ssd", "summary", "-e", "spec.txt", "--json")
    assert (shown.code, shown.err) == (0, "")
    network = json.loads(shown.out)
    part = model.parts["detector"]
    layers = {row["layer"]: row for row in network["layers"]}
    assert list(layers) == [layer.name for layer in part.layers]
    for layer in part.layers:
        assert layers[layer.name]["parameters"] == layer.count_params()
        (shape,) = layers[layer.name]["output_shapes"]
        assert shape[1:] == list(layer.output.shape[1:])
    # 7x7x3 numbers of each of 64 kernels, at 64x64 places.
    assert layers["conv1"]["multiply_adds"] == 7 * 7 * 3 * 64 * 64 * 64
    totals = network["totals"]
    assert totals["parameters"] == part.count_params()
    assert totals["weight_bytes"] == sum(a.nbytes for a in collect_weights(model).values())
    assert sum(level["anchors"] for level in network["levels"]) == len(model.anchors)
    assert network["levels"][0] == {
        "part": "detector",
        "layer": "block_2a_relu",
        "height": 16,
        "width": 16,
        "channels": 128,
        "anchors_per_cell": 4,
        "anchors": 1024,
    }
    assert (network["detector"], network["spec"], network["model"]) == ("ssd", "spec.txt", None)
    assert (network["backbone"], network["totals_before"]) == ("resnet 10", None)
    assert "variables" not in network


def test_numbers_of_each_weight_are_added_to_the_json(detforge, folder, model):
    shown = detforge("ssd", "summary", "-e", "spec.txt", "--json", "--variables")
    found = {row["name"]: row for row in json.loads(shown.out)["variables"]}
    weights = collect_weights(model)
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        wanted = (list(array.shape), str(array.dtype), array.size)
        assert (found[name]["shape"], found[name]["dtype"], found[name]["parameters"]) == wanted
    assert not found["detector/bn_conv1/moving_mean"]["trains"]
    assert found["detector/bn_conv1/gamma"]["trains"]


@pytest.mark.parametrize("network", ["ssd", "dssd"])
def test_tables_are_plain_and_fit_a_hundred_columns(detforge, folder, network):
    text = SMALL.replace("ssd_config {", f"{network}_config {{ pred_num_channels: 256")
    (folder / "spec.txt").write_text(text)
    lines = detforge(network, "summary", "-e", "spec.txt").out.splitlines()
    assert max(map(len, lines)) <= 100
    assert "".join(lines).isprintable()
    assert lines[:2] == [f"{network}: spec.txt", "Backbone: resnet 10"]
    words = [line.split() for line in lines]
    assert ["3", "conv1", "Conv2D", "64x64x64", "9,408", "38.5", "M", "yes"] in words


def test_every_weight_has_a_line(detforge, folder):
    lines = detforge("ssd", "summary", "-e", "spec.txt", "--variables").out.splitlines()
    words = [line.split() for line in lines]
    assert ["1", "detector/conv1/kernel", "7x7x3x64", "float32", "9,408", "yes"] in words
    assert not any("Conv2D" in line for line in lines)


def test_frozen_layers_are_marked(detforge, folder):
    changes = ["ssd_config.freeze_blocks=[0]", "ssd_config.freeze_bn=true"]
    shown = detforge("ssd", "summary", "-e", "spec.txt", "--json", *with_set(changes))
    layers = {row["layer"]: row for row in json.loads(shown.out)["layers"]}
    found = {name: layers[name]["trains"] for name in ("conv1", "bn_conv1", "block_1a_bn_1")}
    assert found == {"conv1": "nothing", "bn_conv1": "nothing", "block_1a_bn_1": "gamma_beta"}
    assert layers["ssd_expand_block_1_bn_1"]["trains"] == "all"
    assert layers["block_1a_relu_1"]["trains"] is None
    assert layers["conv1"]["trainable_parameters"] == 0
    text = detforge("ssd", "summary", "-e", "spec.txt", *with_set(changes)).out
    states = {line.split()[1]: line.split()[-1] for line in text.splitlines() if " Conv2D" in line}
    assert (states["conv1"], states["block_1a_conv_1"]) == ("frozen", "yes")


def with_set(changes):
    return [word for change in changes for word in ("--set", change)]


@pytest.mark.parametrize("key", [None, "secret"])
def test_checkpoint_brings_its_spec(detforge, folder, save, key):
    name = save(key=key)
    (folder / "spec.txt").unlink()
    words = [] if key is None else ["-k", key]
    shown = detforge("ssd", "summary", "-m", name, "--json", *words)
    assert (shown.code, shown.err) == (0, "")
    network = json.loads(shown.out)
    assert (network["spec"], network["model"]) == (None, name)
    assert network["levels"][0]["height"] == 16
    assert network["totals_before"] is None


def test_change_applies_to_the_spec_in_a_checkpoint(detforge, save):
    words = ["--set", "ssd_config.freeze_blocks=[0]"]
    shown = detforge("ssd", "summary", "-m", save(), "--json", *words)
    layers = {row["layer"]: row["trains"] for row in json.loads(shown.out)["layers"]}
    assert layers["conv1"] == "nothing"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "missing --experiment_spec_file (-e), or --model (-m)"),
        (("-m", "other.detforge"), "other.detforge is a model of dssd, not of ssd"),
        (("-m", "locked.tlt"), "locked.tlt is encrypted"),
        (("-e", "spec.txt", "-m", "cats.detforge"), "was trained on the classes [cat, dog]"),
        (("-e", "spec.txt", "-m", "small.detforge"), "does not fit the model of this spec"),
        (("-m", "spec.txt"), "spec.txt is"),
        (("-e", "spec.txt", "spec.txt"), "spec.txt"),
        (("-e", "spec.txt", "--variable"), "Did you mean '--variables'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_shown_is_one_message(detforge, save, words, message):
    save("other.detforge", detector="dssd")
    save("locked.tlt", key="secret")
    save("cats.detforge", class_names=("cat", "dog"))
    save("small.detforge", weights={"detector/conv1/kernel": np.zeros((7, 7, 3, 8), "float32")})
    shown = detforge("ssd", "summary", *words)
    assert (shown.code, shown.out) == (2, "")
    assert message in shown.err


def test_detector_without_a_model_says_when_it_comes(detforge, folder):
    (folder / "spec.txt").write_text(base_specs.MASK_RCNN)
    shown = detforge("mask_rcnn", "summary", "-e", "spec.txt")
    assert shown.code == 2
    assert "mask_rcnn summary comes with release" in shown.err
    assert "spec.txt is correct; nothing else was read or written" in shown.err


@pytest.fixture
def pruned(save, model, monkeypatch):
    """Save a checkpoint whose first convolution is narrower than its spec says."""
    import keras

    def build(self, spec, mode, recipe):
        width = recipe.variant.widths.get("network", {}).get("conv", 8)
        images = keras.Input((4, 4, 3))
        x = keras.layers.Conv2D(width, 3, padding="same", name="conv")(images)
        x = keras.layers.BatchNormalization(name="norm")(x)
        x = keras.layers.Conv2D(2, 1, name="head")(x)
        network = keras.Model(images, x)
        return SimpleNamespace(
            parts={"network": network},
            input_shapes={},
            levels=(),
            blocks={0: ("conv", "norm")},
            backbone=None,
        )

    variant = Variant(widths={"network": {"conv": 3}})
    monkeypatch.setattr(Detector, "build_model", build)
    narrow = build(None, None, "infer", SimpleNamespace(variant=variant))
    return save(weights=collect_weights(narrow), variant=variant)


def test_pruned_network_is_shown_beside_what_it_was(detforge, pruned):
    network = json.loads(detforge("ssd", "summary", "-m", pruned, "--json").out)
    before = {row["layer"]: row["channels_before"] for row in network["layers"]}
    assert {name: width for name, width in before.items() if width} == {"conv": 8, "norm": 8}
    kernel, norm, head = 27, 4, 2
    now = kernel * 3 + 3 + norm * 3 + head * 3 + 2
    then = kernel * 8 + 8 + norm * 8 + head * 8 + 2
    assert network["totals"]["parameters"] == now
    assert network["totals_before"]["parameters"] == then
    assert network["totals_before"]["multiply_adds"] == 16 * 8 * (kernel + head)
    text = detforge("ssd", "summary", "-m", pruned).out
    words = [line.split() for line in text.splitlines()]
    assert ["2", "conv", "Conv2D", "4x4x3", "8", "84", "0.001", "M", "yes"] in words
    assert ["4", "head", "Conv2D", "4x4x2", "8", "0.000", "M", "yes"] in words
    (line,) = [line for line in words if line[:1] == ["parameters"]]
    assert line[-1] == f"{now / then:.1%}"


def test_what_is_frozen_was_so_before_pruning(detforge, pruned):
    words = with_set(["ssd_config.freeze_blocks=[0]"])
    shown = detforge("ssd", "summary", "-m", pruned, "--json", *words)
    network = json.loads(shown.out)
    assert network["totals"]["trainable_parameters"] == 3 * 2 + 2
    assert network["totals_before"]["trainable_parameters"] == 8 * 2 + 2
    assert shown.err.count("frozen: block 0") == 1


def test_numbers_of_several_parts_run_on(detforge, folder, monkeypatch, model):
    import keras

    parts = dict(model.parts)
    vector = keras.Input((3,), name="vector")
    parts["second"] = keras.Model(vector, keras.layers.Dense(2, name="last")(vector))
    two = SimpleNamespace(
        parts=parts, input_shapes={}, levels=(), blocks=model.blocks, backbone=None
    )
    monkeypatch.setattr(Detector, "build_model", lambda *arguments: two)
    lines = detforge("ssd", "summary", "-e", "spec.txt").out.splitlines()
    heads = [index for index, line in enumerate(lines) if "layer of" in line]
    assert [lines[index].split()[:3] for index in heads] == [
        ["layer", "of", "detector"],
        ["layer", "of", "second"],
    ]
    count = len(model.parts["detector"].layers)
    assert lines[heads[1] + 2].split()[:3] == [str(count + 2), "last", "Dense"]
