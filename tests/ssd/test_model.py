import numpy as np
import pytest

from detforge.spec import parse_spec
from detforge_ssd import dssd, plugin, spec_pb2

SAMPLE = """
ssd_config {
  aspect_ratios: "[[1.0,2.0,0.5], [1.0,2.0,0.5,3.0,1/3.0], [1.0,2.0,0.5,3.0,1/3.0],
 [1.0,2.0,0.5,3.0,1/3.0], [1.0,2.0,0.5], [1.0,2.0,0.5]]"
  scales: "[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]"
  two_boxes_for_ar1: true  variances: "[0.1, 0.1, 0.2, 0.2]"  arch: "resnet"  nlayers: DEPTH
}
training_config {
  batch_size_per_gpu: 2 num_epochs: 1
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 5e-5 max_learning_rate: 2e-2 soft_start: 0.15 annealing: 0.8 } } }
augmentation_config { output_width: WIDTH output_height: HEIGHT output_channel: 3 }
dataset_config {
  data_sources { tfrecords_path: "records/*" }
  target_class_mapping { key: "car" value: "car" }
  target_class_mapping { key: "pedestrian" value: "pedestrian" } }
""".replace(",\n", ",")


def spec_text(depth=18, width=300, height=300, network="ssd", extra="", arch="resnet"):
    text = SAMPLE.replace("DEPTH", f"{depth} {extra}").replace("WIDTH", str(width))
    text = text.replace("HEIGHT", str(height)).replace("ssd_config", f"{network}_config")
    return text.replace('"resnet"', f'"{arch}"')


def build(*args, network="ssd", **kwargs):
    text = spec_text(*args, network=network, **kwargs)
    message = parse_spec(text, spec_pb2.Experiment).message
    module = {"ssd": plugin, "dssd": dssd}[network]
    return module.build_model(message, module.recipe(message))


# Sizes and the number of anchors as the users' documents and older models have them.
@pytest.mark.parametrize(
    ("depth", "width", "height", "rows", "columns"),
    [
        pytest.param(18, 300, 300, (38, 19, 10, 5, 3, 2), (38, 19, 10, 5, 3, 2), id="300"),
        pytest.param(10, 300, 300, (38, 19, 10, 5, 3, 2), (38, 19, 10, 5, 3, 2), id="resnet10"),
        pytest.param(10, 544, 544, (68, 34, 17, 9, 5, 3), (68, 34, 17, 9, 5, 3), id="544"),
        pytest.param(10, 960, 544, (68, 34, 17, 9, 5, 3), (120, 60, 30, 15, 8, 4), id="wide"),
    ],
)
def test_feature_maps_have_the_documented_sizes(depth, width, height, rows, columns):
    model = build(depth, width, height)
    heads = [model.parts["detector"].get_layer(f"ssd_loc_{k}").output.shape for k in range(6)]
    assert tuple(shape[1] for shape in heads) == rows
    assert tuple(shape[2] for shape in heads) == columns
    per_cell = (4, 6, 6, 6, 4, 4)
    count = sum(r * c * n for r, c, n in zip(rows, columns, per_cell, strict=True))
    assert model.anchors.shape == (count, 4)
    logits, deltas = model.parts["detector"].output_shape
    assert logits == (None, count, 3)
    assert deltas == (None, count, 4)


def test_sample_spec_has_8744_anchors():
    assert len(build().anchors) == 8744


def prediction_parameters(below, channels):
    """Return what one prediction module has: four 1x1 convolutions and their normalisation."""
    quarter = channels // 4
    kernels = below * quarter + quarter * quarter + quarter * channels + below * channels
    return kernels + 4 * (quarter + quarter + channels + channels)


def test_prediction_module_stands_between_each_map_and_its_heads():
    with_module = build(10, 128, 128, extra="pred_num_channels: 512").parts["detector"]
    plain = build(10, 128, 128).parts["detector"]
    added = 0
    for k, n in enumerate((4, 6, 6, 6, 4, 4)):
        below = plain.get_layer(f"ssd_conf_{k}").kernel.shape[2]
        added += prediction_parameters(below, 512) + 9 * (512 - below) * n * (3 + 4)
        head = with_module.get_layer(f"ssd_loc_{k}")
        assert head.input is with_module.get_layer(f"ssd_mpred_relu_3_block_{k}").output
    assert with_module.count_params() == plain.count_params() + added


def test_parts_are_flat():
    import keras

    layers = build(10, 128, 128).parts["detector"].layers
    assert not [layer for layer in layers if isinstance(layer, keras.Model)]


@pytest.fixture(scope="module")
def small():
    return build(10, 128, 128)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 80, (2, 8, 2))
    boxes = np.concatenate([low, low + rng.uniform(10, 40, (2, 8, 2))], -1).astype("float32")
    labels = np.array([[0, 1, 0, -1, -1, -1, -1, -1], [-1] * 8], "int32")
    return {
        "images": rng.normal(0, 50, (2, 128, 128, 3)).astype("float32"),
        "boxes": np.where(labels[..., None] >= 0, boxes, 0).astype("float32"),
        "labels": labels,
        "ignore": np.zeros((2, 8), bool),
        "row": np.arange(2, dtype="int32"),
    }


def as_floats(losses):
    return {name: float(value) for name, value in losses.items()}


def test_ignored_object_is_neither_found_nor_background(small, batch):
    ignored = {**batch, "ignore": batch["labels"] == 1}
    removed = {**batch, "labels": np.where(batch["labels"] == 1, -1, batch["labels"])}
    wanted, got, taught = (
        as_floats(small.losses(b, training=False)) for b in (removed, ignored, batch)
    )
    assert got["localisation"] == pytest.approx(wanted["localisation"], rel=1e-5)
    assert got["localisation"] != pytest.approx(taught["localisation"], rel=1e-3)
    assert got["classification"] <= wanted["classification"]  # fewer anchors are background


def test_order_of_objects_does_not_matter(small, batch):
    order = np.array([4, 2, 0, 7, 1, 3, 6, 5])
    shuffled = {**batch, **{k: batch[k][:, order] for k in ("boxes", "labels", "ignore")}}
    expected = as_floats(small.losses(batch, training=False))
    assert as_floats(small.losses(shuffled, training=False)) == pytest.approx(expected, rel=1e-5)


def test_detections_are_sorted_and_padded(small, batch):
    found = small.detect(batch["images"])
    scores, count = np.asarray(found.scores), np.asarray(found.count)
    assert np.asarray(found.boxes).shape == (2, 200, 4)
    assert np.asarray(found.labels).max() < 2  # the background is no class
    assert (np.diff(scores) <= 0).all()
    for row, n in zip(scores, count, strict=True):
        assert (row[:n] > 0.01).all()
        assert (row[n:] == 0).all()
