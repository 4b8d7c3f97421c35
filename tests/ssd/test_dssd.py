"""DSSD: the graph of its documents, and everything else as with SSD."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from detforge.cli import main
from detforge.export.build import build_onnx
from detforge.export.compare import check_agreement, compare
from detforge.files import Checkpoint, save_checkpoint
from detforge.inference.predictors import KerasPredictor, OnnxPredictor
from detforge.model import DetectionModel
from detforge.plugins import TASKS, load_detector
from detforge.spec import parse_spec
from detforge_ssd import plugin
from detforge_ssd.deconvolution import deconvolve
from tests.ssd.conftest import SPEC
from tests.ssd.test_model import SAMPLE, build

NUMBERS = np.random.default_rng(3)


def filled(*shape):
    return NUMBERS.normal(size=shape).astype(np.float32)


def test_schema_is_that_of_ssd():
    assert load_detector("dssd").spec_schema() is plugin.spec_schema()


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_ssd_is_there(task):
    assert load_detector("dssd").arrives(task) == load_detector("ssd").arrives(task) == ""


# --- the graph ---------------------------------------------------------------------------------


def parameters_of_modules(maps, channels):
    """Return what the deconvolutions to maps of (rows, columns), largest first, have."""
    total = 0
    for index in range(len(maps) - 1):
        c, below = channels[index], channels[index + 1]
        kernel = 1
        for length, smaller in zip(maps[index], maps[index + 1], strict=True):
            kernel *= 3 if length == 2 * smaller else 2
        normalisation = 4 * c
        total += 2 * (9 * c * c + normalisation)
        total += 4 * below * c + kernel * c * c + normalisation
    return total


@pytest.mark.parametrize(
    ("depth", "width", "height", "rows", "columns", "channels", "shrink"),
    [
        pytest.param(
            *(18, 300, 300, (38, 19, 10, 5, 3, 2), (38, 19, 10, 5, 3, 2)),
            *((128, 256, 256, 128, 128, 128), 0),
            id="resnet18",
        ),
        pytest.param(
            *(10, 320, 160, (20, 10, 5, 3, 2, 1), (40, 20, 10, 5, 3, 2)),
            *((256, 512, 128, 128, 128, 128), 128 * 256),
            id="resnet10-wide",
        ),
    ],
)
def test_deconvolutions_have_the_documented_layers(
    depth, width, height, rows, columns, channels, shrink
):
    model, plain = build(depth, width, height, network="dssd"), build(depth, width, height)
    part = model.parts["detector"]
    sizes = list(zip(rows, columns, strict=True))
    for index, (size, count) in enumerate(zip(sizes[:-1], channels[:-1], strict=True)):
        assert part.get_layer(f"dssd_relu_block_{4 - index}").output.shape == (None, *size, count)
    heads = 0
    for k, n in enumerate((4, 6, 6, 6, 4, 4)):
        found, before = (m.parts["detector"].get_layer(f"ssd_conf_{k}") for m in (model, plain))
        assert found.output.shape == before.output.shape
        # The first map of ResNet 10 becomes wider; so do its heads.
        heads += 9 * (channels[k] - before.kernel.shape[2]) * n * (3 + 4)
    added = part.count_params() - plain.parts["detector"].count_params()
    assert added == parameters_of_modules(sizes, channels) + shrink + heads
    np.testing.assert_array_equal(model.anchors, plain.anchors)
    assert not [layer for layer in part.layers if isinstance(layer, keras.Model)]


def correlate(image, kernel, stride, pad):
    """Return the valid correlation of (h, w, c) with (p, q, c, d), zeros around the image."""
    image = np.pad(image, (*[(p, p) for p in pad], (0, 0)))
    rows, columns = kernel.shape[:2]
    return np.array(
        [
            [
                np.tensordot(image[y : y + rows, x : x + columns], kernel, 3)
                for x in range(0, image.shape[1] - columns + 1, stride)
            ]
            for y in range(0, image.shape[0] - rows + 1, stride)
        ]
    )


@pytest.mark.parametrize(
    ("large", "small"), [((4, 6), (2, 3)), ((3, 6), (2, 3)), ((5, 5), (2, 3)), ((1, 7), (1, 3))]
)
def test_a_deconvolution_module_is_the_documented_product(large, small):
    inputs = [keras.Input((*large, 2)), keras.Input((*small, 3))]
    model = keras.Model(inputs, deconvolve(inputs, "resnet", 18))
    layer = model.get_layer
    for name in ("dssd_large_bn_0", "dssd_large_bn_1", "dssd_small_bn"):
        layer(f"{name}_block_0").set_weights([filled(2), filled(2), filled(2), filled(2) ** 2])
    x, y = filled(*large, 2), filled(*small, 3)
    found, same = model([x[None], y[None]], training=False)

    def normalized(values, name):
        gamma, beta, mean, variance = layer(name).get_weights()
        return (values - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def kernel(name):
        return layer(f"dssd_{name}_block_0").get_weights()[0]

    a = normalized(correlate(x, kernel("large_conv_0"), 1, (1, 1)), "dssd_large_bn_0_block_0")
    a = correlate(np.maximum(a, 0), kernel("large_conv_1"), 1, (1, 1))
    # Stride 2 and kernel 2: every pixel becomes a square of its own.
    up = np.einsum("ijc,pqdc->ipjqd", y, kernel("small_deconv"))
    up = up.reshape(2 * small[0], 2 * small[1], 2)
    pad = [0 if 2 * s > wanted else 1 for s, wanted in zip(small, large, strict=True)]
    b = correlate(up, kernel("small_conv"), 1, pad)
    a, b = normalized(a, "dssd_large_bn_1_block_0"), normalized(b, "dssd_small_bn_block_0")
    np.testing.assert_allclose(found[0], np.maximum(a * b, 0), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(same[0], y)


def test_training_starts_without_what_smaller_maps_know():
    # From random weights, products of products would not learn.
    inputs = [keras.Input((4, 4, 8)), keras.Input((2, 2, 8))]
    model = keras.Model(inputs, deconvolve(inputs, "resnet", 18))
    x = filled(3, 4, 4, 8)
    one, other = (model([x, filled(3, 2, 2, 8)], training=True)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert (keras.ops.convert_to_numpy(one) > 0).mean() > 0.3


# --- the whole detector ------------------------------------------------------------------------

# One grey channel, a wide input, and a prediction module.
GREY = SAMPLE.replace("DEPTH", "10 pred_num_channels: 256").replace("WIDTH", "160")
GREY = GREY.replace("HEIGHT", "128").replace("ssd_config", "dssd_config")
GREY = GREY.replace("output_channel: 3", 'output_channel: 1 image_mean { key: "l" value: 99.5 }')


@pytest.fixture(scope="module")
def grey() -> tuple[DetectionModel, bytes]:
    """Return a DSSD that sees one channel, and the same exported."""
    keras.utils.set_random_seed(4)
    detector = load_detector("dssd")
    spec = parse_spec(GREY, detector.spec_schema())
    recipe = detector.recipe(spec)
    model = detector.build_model(spec, "infer", recipe)
    return model, build_onnx(detector, spec, recipe, model).SerializeToString()


@pytest.mark.slow
def test_export_finds_what_the_model_finds(grey):
    model, exported = grey
    images = NUMBERS.normal(0, 60, (3, 128, 160, 1)).astype(np.float32)
    predictors = KerasPredictor(model, ("car", "pedestrian")), OnnxPredictor(exported)
    agreement = compare(*predictors, [images[:2], images[2:]])
    assert agreement.matched > 100
    check_agreement(agreement, predictors[1].info.input)
    assert predictors[1].info.detector == "dssd"


def test_export_knows_the_grey_input_and_its_mean(grey):
    info = OnnxPredictor(grey[1]).info.input
    assert (info.height, info.width, info.color_order) == (128, 160, "grey")
    assert (info.mean, info.scale) == ((99.5,), (1.0,))


def test_prediction_module_of_every_map_feeds_its_heads(grey):
    part = grey[0].parts["detector"]
    for k in range(6):
        block = part.get_layer(f"ssd_mpred_relu_3_block_{k}")
        assert block.output.shape[-1] == 256
        for head in (f"ssd_conf_{k}", f"ssd_loc_{k}"):
            assert part.get_layer(head).input is block.output


def test_boxes_of_exploding_weights_are_finite(grey):
    model, _ = grey
    heads = [model.parts["detector"].get_layer(f"ssd_loc_{k}") for k in range(6)]
    before = [head.get_weights() for head in heads]
    for head in heads:
        head.set_weights([1e30 * weight for weight in head.get_weights()])
    found = model.detect(NUMBERS.normal(0, 60, (2, 128, 160, 1)).astype(np.float32))
    for head, weights in zip(heads, before, strict=True):
        head.set_weights(weights)
    assert int(keras.ops.min(found.count)) > 0
    assert np.isfinite(keras.ops.convert_to_numpy(found.boxes)).all()


def test_checkpoint_of_ssd_is_refused_by_name(tmp_path, capsys):
    path = tmp_path / "ssd.detforge"
    spec = tmp_path / "spec.txt"
    text = SPEC.format(data=tmp_path, batch=2, epochs=1, rate=1e-2, interval=1)
    spec.write_text(text.replace("ssd_config", "dssd_config"))
    save_checkpoint(
        path,
        Checkpoint(
            detector="ssd",
            plugin_version="0.4.0",
            class_names=("circle", "square", "triangle"),
            spec_text=text,
            epoch=1,
            step=1,
            weights={},
            optimizer={},
        ),
    )
    words = ["dssd", "export", "-m", str(path), "-e", str(spec), "-o", str(tmp_path / "a.onnx")]
    assert main(words) == 2
    assert "is a model of ssd, not of dssd; run 'detforge ssd ...'" in capsys.readouterr().err
    assert not (tmp_path / "a.onnx").exists()


def test_mistake_of_a_spec_is_named_in_its_block(spec_file, tmp_path, capsys):
    path = spec_file()
    text = path.read_text().replace("ssd_config", "dssd_config")
    path.write_text(text.replace("nlayers: 10", "nlayers: 11"))
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
