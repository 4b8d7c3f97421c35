"""The kit that authors of detectors run: it passes good ones and names what is wrong."""

import dataclasses
import sys
from pathlib import Path

import pytest

from detforge.cli.protos import compile_protos
from detforge.testing import ConformanceError, add_distribution, check_detector

PLUGINS = Path(__file__).parents[2] / "plugins"

GOOD = """
from detforge import hookimpl
from detforge.protos import experiment_pb2

@hookimpl
def spec_schema():
    return experiment_pb2.EvalConfig

@hookimpl
def recipe(spec):
    from detforge.recipe import Checkpoints, Classes, Data, InputFormat, Recipe, SoftStartAnnealing

    return Recipe(
        classes=Classes(names=("a",), mapping={"a": "a"}),
        input=InputFormat(height=32, width=32, mean=(127.0,) * 3, scale=(0.01,) * 3),
        data=Data(training=()),
        checkpoints=Checkpoints(name="x"),
        schedule=SoftStartAnnealing(
            min_learning_rate=0.1, max_learning_rate=0.2, soft_start=0.1, annealing=0.5
        ),
        epochs=1,
    )
"""


MODEL = """
import keras
import numpy as np
from keras import ops

from detforge.model import DetectionModel, Detections

CORNERS = [(x, y) for y in range(0, 32, 8) for x in range(0, 32, 8)]
CELLS = np.array([(x, y, x + 8, y + 8) for x, y in CORNERS], "float32")
BEST = 5


class Cells(DetectionModel):
    def __init__(self, mode):
        images = keras.Input((32, 32, 3), name="images")
        x = keras.layers.Conv2D(1, 8, strides=8, name="score")(images)
        x = keras.layers.Reshape((16,), name="cells")(x)
        self.parts = {"network": keras.Model(images, x, name="network")}
        self.blocks = {0: ("score",)}

    def losses(self, batch, *, training):
        logits = self.parts["network"](batch["images"], training=training)
        real = ops.cast((batch["labels"] >= 0) & ~batch["ignore"], "float32")
        wanted = ops.max(real, axis=1, keepdims=True) * ops.ones_like(logits)
        loss = ops.mean(ops.binary_crossentropy(wanted, logits, from_logits=True))
        return {"score": loss}

    def detect(self, images):
        scores, cell = ops.top_k(ops.sigmoid(self.parts["network"](images, training=False)), BEST)
        labels = ops.zeros_like(cell)
        count = ops.sum(ops.ones_like(cell), axis=-1)
        return Detections(ops.take(CELLS, cell, axis=0), scores, labels, count)


def add_glue(graph):
    (logits,) = graph.part("network", graph.images)
    best = graph.constant(np.array([BEST]))
    scores, cell = graph.node("TopK", [graph.node("Sigmoid", [logits]), best], outputs=2, axis=1)
    boxes = graph.node("Gather", [graph.constant(CELLS), cell], axis=0)
    labels = graph.node("Mul", [cell, graph.constant(np.array(0))])
    ones = graph.node("Add", [labels, graph.constant(np.array(1))])
    count = graph.node("ReduceSum", [ones, graph.constant(np.array([1]))], keepdims=1)
    graph.detections(boxes, scores, labels, count)
"""
HOOKS = """
@hookimpl
def build_model(spec, mode):
    from candidate_model import Cells

    return Cells(mode)

@hookimpl
def export_glue(graph):
    from candidate_model import add_glue

    add_glue(graph)
"""


SSD_SPEC = """
ssd_config {
  aspect_ratios_global: "[1.0, 2.0]"
  scales: "[0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0]"
  arch: "resnet" nlayers: 10
}
training_config {
  batch_size_per_gpu: 2 num_epochs: 1
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 1e-4 max_learning_rate: 1e-2 soft_start: 0.1 annealing: 0.6 } }
}
augmentation_config { output_width: 128 output_height: 128 }
dataset_config {
  data_sources { tfrecords_path: "nowhere*" }
  target_class_mapping { key: "circle" value: "circle" }
  target_class_mapping { key: "square" value: "square" }
}
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a detector with the given source."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(source, model=MODEL):
        points = {"detforge.detectors": {"candidate": "candidate_plugin"}}
        modules = {"candidate_plugin": source, "candidate_model": model}
        add_distribution(tmp_path, "candidate", entry_points=points, modules=modules)

    yield add
    for module in ("candidate_plugin", "candidate_model"):
        sys.modules.pop(module, None)


@pytest.fixture
def spec(tmp_path):
    """Return the path of an example spec."""
    path = tmp_path / "example.txt"
    path.write_text("batch_size: 2\n")
    return path


def findings(spec=None):
    with pytest.raises(ConformanceError) as caught:
        check_detector("candidate", spec=spec)
    return " | ".join(caught.value.findings)


def test_good_detector_passes(install, spec):
    install(GOOD + HOOKS)
    check_detector("candidate")
    check_detector("candidate", spec=spec)


def test_detector_without_an_export_of_its_own_passes(install, spec):
    install(GOOD + HOOKS.split("@hookimpl\ndef export_glue")[0])
    check_detector("candidate", spec=spec)


@pytest.mark.parametrize("name", ["ssd", pytest.param("dssd", marks=pytest.mark.slow)])
def test_detector_that_trains_passes(tmp_path, name):
    path = tmp_path / "spec.txt"
    path.write_text(SSD_SPEC.replace("ssd_config", f"{name}_config"))
    check_detector(name, spec=path)


EXAMPLES = {
    "faster_rcnn": "faster_rcnn/detforge_faster_rcnn/specs/kitti_resnet18.txt",
    "efficientdet": "efficientdet/detforge_efficientdet/specs/coco_d0.txt",
    "mask_rcnn": "mask_rcnn/detforge_mask_rcnn/specs/coco_resnet50.txt",
}


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items(), ids=EXAMPLES)
def test_detectors_that_cannot_train_yet_pass(name, example):
    check_detector(name, spec=PLUGINS / example)


def test_absent_detector_is_a_finding():
    assert "there is no detector 'candidate'" in findings()


def test_heavy_import_is_a_finding(install):
    install("import numpy\n" + GOOD)
    assert "imports numpy; import them inside the hooks" in findings()


def test_schema_that_is_none_is_a_finding(install):
    install("from detforge import hookimpl\n@hookimpl\ndef spec_schema(): return 3")
    assert "spec_schema returns 3, not a protobuf message class" in findings()


def test_missing_schema_is_a_finding(install):
    install("")
    assert "does not implement the hook 'spec_schema'" in findings()


def test_field_without_help_is_a_finding(install, tmp_path, monkeypatch):
    package = tmp_path / "src" / "detforge_mute"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "spec.proto").write_text(
        'syntax = "proto3"; package detforge_mute;\n'
        "message Inner { uint32 depth = 1; map<string, uint32> sizes = 2; }\n"
        "message Experiment { repeated Inner inner = 1; }"
    )
    compile_protos([package])
    monkeypatch.syspath_prepend(package.parent)
    install(
        "from detforge import hookimpl\nfrom detforge_mute import spec_pb2\n"
        "@hookimpl\ndef spec_schema(): return spec_pb2.Experiment"
    )
    assert findings().split(" | ") == [
        "detforge_mute.Experiment.inner has no help text (rules.help)",
        "detforge_mute.Inner.depth has no help text (rules.help)",
        "detforge_mute.Inner.sizes has no help text (rules.help)",
    ]
    for module in ("detforge_mute", "detforge_mute.spec_pb2"):
        sys.modules.pop(module)


def test_option_change_that_cannot_apply_is_a_finding(install):
    install(
        GOOD + "\nfrom detforge.cli.options import OptionChange\n"
        "@hookimpl\ndef cli_options(task): return [OptionChange.require('gpus')]\n"
    )
    assert "require('gpus'), which is not among the options of evaluate" in findings()


def test_task_or_option_of_no_release_is_a_finding(install):
    install(
        GOOD + "\nfrom detforge.cli.options import Option, OptionChange\n"
        "tiles = Option(name='tiles', spellings=('--tiles',), arrives='someday')\n"
        "@hookimpl\ndef arrives(task): return 'soon' if task == 'prune' else '0.3'\n"
        "@hookimpl\ndef cli_options(task): "
        "return [OptionChange.add(tiles)] if task == 'train' else []\n"
    )
    train, prune = findings().split(" | ")
    assert train.startswith("'someday' is neither a feature of the roadmap")
    assert prune.startswith("'soon' is neither a feature of the roadmap")


def test_wrong_kinds_of_answers_are_findings(install, spec):
    source = GOOD.split("@hookimpl\ndef recipe")[0]
    install(
        source + "@hookimpl\ndef recipe(spec): return 1\n"
        "@hookimpl\ndef tensorrt_plugins(spec): return [2]\n"
        "@hookimpl\ndef deployment(spec): return 3\n"
    )
    found = findings(spec)
    assert "recipe returns 1, not a Recipe" in found
    assert "tensorrt_plugins returns [2], not a tuple" in found
    assert "deployment returns 3, not a Deployment" in found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            'self.parts = {"network": keras.Model(images, x, name="network")}',
            'inner = keras.Model(images, x, name="inner"); '
            'self.parts = {"network": keras.Model(images, inner(images), name="network")}',
            ["the part 'network' holds the model 'inner'; put its layers in flat"],
            id="nested",
        ),
        pytest.param(
            'keras.Model(images, x, name="network")}',
            "keras.Sequential([images, keras.layers.Flatten()])}",
            ["not a functional keras.Model"],
            id="sequential",
        ),
        pytest.param(
            '0: ("score",)',
            '0: ("score", "stem")',
            ["no layer's name begins with 'stem', as block 0 says"],
            id="block",
        ),
        pytest.param(
            'name="score")',
            'name=None if mode == "train" else f"score_{mode}")',
            ["no layer's name begins with 'score'"],
            id="unnamed",
        ),
        pytest.param(
            'name="score")',
            'name="score", use_bias=mode == "train")',
            [
                "the weights of 'train' do not fit the model of mode 'evaluate' (unexpected: "
                "network/score/bias)",
                "mode 'infer'",
            ],
            id="weights",
        ),
        pytest.param(
            '{"network":',
            '{"network" if mode == "train" else "other":',
            ["the parts of mode 'infer' (other) are not those of 'train'"],
            id="parts",
        ),
        pytest.param(
            "labels = ops.zeros_like(cell)",
            'labels = ops.zeros_like(cell, dtype="float32")',
            ["detect gives labels float32 (2, 5), not int32 (2, 5)"],
            id="label-type",
        ),
        pytest.param(
            "labels = ops.zeros_like(cell)",
            "labels = ops.ones_like(cell)",
            ["labels that are no index into the 1 class names"],
            id="label",
        ),
        pytest.param(
            "return Detections(ops.take(CELLS, cell, axis=0), scores,",
            "return Detections(ops.take(CELLS, cell, axis=0), 2 * scores[:, ::-1],",
            ["scores outside [0, 1]", "does not give the best detections first"],
            id="scores",
        ),
        pytest.param(
            "ops.ones_like(cell), axis=-1)",
            "ops.ones_like(cell), axis=-1) - 1",
            ["detect gives scores above 0 where it is padded"],
            id="padding",
        ),
        pytest.param(
            'return {"score": loss}',
            'return {"score": loss / ops.max(real), "more": ops.ones(3)}',
            [
                "the loss 'score' of a batch without an object is inf",
                "the loss 'more' has the shape (3,); it must be a scalar",
            ],
            id="losses",
        ),
        pytest.param(
            'return {"score": loss}',
            'return {"score": loss} if training else {}',
            ["losses must always have the same names"],
            id="loss-names",
        ),
        pytest.param(
            'graph.node("Sigmoid", [logits])',
            "logits",
            ["the exported model does not agree with the checkpoint"],
            id="export",
        ),
        pytest.param(
            'self.blocks = {0: ("score",)}',
            'from detforge.model import Level; self.levels = [Level("network", "map", 1)]',
            ["the part 'network' has no layer 'map', as levels say"],
            id="level",
        ),
        pytest.param(
            'self.parts = {"network":',
            'more = keras.Input((None, 3)); y = keras.layers.Dense(1, name="more")(more); '
            'self.parts = {"rows": keras.Model(more, y), "network":',
            ["the part 'rows' takes inputs of free size"],
            id="free-size",
        ),
        pytest.param(
            'graph.part("network"', 'graph.part("net"', ["there is no part 'net'"], id="glue"
        ),
    ],
)
def test_model_that_breaks_the_contract_is_a_finding(install, spec, old, new, expected):
    assert old in MODEL
    install(GOOD + HOOKS, MODEL.replace(old, new))
    found = findings(spec)
    assert [text for text in expected if text not in found] == [], found


HIDDEN = 'images); x = keras.layers.Conv2D(1, 1, name="score")(x)\n        '


@pytest.mark.parametrize(
    ("layers", "detecting", "expected"),
    [
        (HIDDEN, "self.parts", []),
        (HIDDEN, "self.first", ["does not detect the same as one built as narrow"]),
        (
            HIDDEN.replace("(x)", '(keras.layers.LayerNormalization(name="norm")(x))'),
            "self.parts",
            ["the layer 'norm' (LayerNormalization) of the part 'network' cannot be pruned"],
        ),
    ],
    ids=["fine", "stale", "unknown"],
)
def test_model_that_cannot_be_pruned_is_a_finding(install, spec, layers, detecting, expected):
    text = MODEL.replace('(1, 8, strides=8, name="score")(images)\n        ',
                         '(8, 8, strides=8, name="stem")(' + layers)  # fmt: skip
    text = text.replace("self.blocks =", "self.first = self.parts; self.blocks =")
    text = text.replace('{0: ("score",)}', '{0: ("stem",)}')
    start = text.index("def detect")
    install(GOOD + HOOKS, text[:start] + text[start:].replace("self.parts", detecting))
    found = findings(spec) if expected else check_detector("candidate", spec=spec) or ""
    assert [text for text in expected if text not in found] == [], found


def test_something_else_than_a_model_is_a_finding(install, spec):
    install(GOOD + "@hookimpl\ndef build_model(spec): return 4\n")
    assert "build_model returns 4 for mode 'infer', not a DetectionModel" in findings(spec)


def test_missing_model_is_a_finding(install, spec):
    install(GOOD)
    assert "does not implement the hook 'build_model'" in findings(spec)


def test_batch_with_masks_is_fabricated_when_the_recipe_asks_for_them():
    from tests.tiny_detector import FORM, make_recipe

    from detforge.testing.models import fabricated_batch

    recipe = make_recipe()
    recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, mask_size=7))
    batch = fabricated_batch(recipe, objects=True)
    assert batch["images"].shape == (2, FORM.height, FORM.width, FORM.channels)
    assert batch["masks"].shape == (2, 3, 7, 7)
    assert batch["masks"].sum(axis=(2, 3)).tolist() == [[49, 49, 0], [0, 0, 0]]
    assert batch["labels"].tolist() == [[0, 2, -1], [-1, -1, -1]]
    boxes = batch["boxes"][0, :2]
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert (boxes <= [FORM.width, FORM.height] * 2).all()


def test_example_spec_that_is_wrong_is_a_finding(install, spec):
    install(GOOD)
    spec.write_text("batch_sise: 2\n")
    assert "batch_sise" in findings(spec)
