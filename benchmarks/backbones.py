"""Backbones at 300 x 300, batch 8, against plain PyTorch; and how long models take to build."""

from __future__ import annotations

import statistics
import sys
from itertools import cycle, product

import numpy as np

from benchmarks.pairs import Pair, Side, compare, pair_of
from benchmarks.ssd import detector_and_spec

# name of the twin -> (arch, depth), built with the options that SSD gives.
NETWORKS = {
    "resnet18": ("resnet", 18),
    "mobilenet_v2": ("mobilenet_v2", 0),
    "efficientnet_b0": ("efficientnet_b0", 0),
}
SHAPE = (8, 300, 300, 3)
LAYOUTS = {False: "plain PyTorch", True: "PyTorch in channels_last"}


def run(turns: int) -> list[Pair]:
    """Return the slowest build, then forward pass and step of each network."""
    pairs = [slowest_build(turns)]
    for name in NETWORKS:
        check = Side(check_twin, name)
        check.close()
        pairs += against_torch(name, "forward pass", forward, torch_forward, turns)
        pairs += against_torch(name, "step", step, torch_step, turns)
    return pairs


def slowest_build(turns: int) -> Pair:
    """Return the seconds of the SSD that takes longest, over those of a model that Keras has."""
    networks = ssd_networks()
    ours, baseline = Side(ssd_builds), Side(keras_build)
    ours.seconds(len(networks)), baseline.seconds(1)
    seconds, theirs = {network: [] for network in networks}, []
    for _ in range(turns):
        for network in networks:
            seconds[network].append(ours.seconds(1))
        theirs.append(baseline.seconds(1))
    ours.close(), baseline.close()
    medians = {network: statistics.median(times) for network, times in seconds.items()}
    for (arch, depth), median in medians.items():
        print(f"building SSD, {arch} {depth}: {median:.2f} s", file=sys.stderr)
    arch, depth = slowest = max(medians, key=medians.get)
    what = f"building the slowest SSD, {arch} {depth}, over Keras' own ResNet101 (seconds)"
    return pair_of(what, seconds[slowest], theirs, aim="at most 5 s")


def ssd_networks() -> list[tuple[str, int]]:
    """Return arch and depth of everything that SSD is built on."""
    from detforge_ssd.backbones import FAMILIES

    return [(arch, depth) for arch, family in FAMILIES.items() for depth in family.depths or (0,)]


def ssd_build(arch: str, depth: int):
    """Return a call that builds one SSD and returns it."""
    detector, spec = detector_and_spec("unused", arch, depth)
    recipe = detector.recipe(spec)
    return lambda: detector.build_model(spec, "train", recipe)


def ssd_builds():
    """Return a call that builds the next of `ssd_networks`, round and round."""
    calls = cycle([ssd_build(*network) for network in ssd_networks()])
    return lambda: next(calls)()


def keras_build():
    """Return a call that builds Keras' ResNet101 without its head."""
    from keras.applications import ResNet101

    return lambda: ResNet101(weights=None, include_top=False, input_shape=SHAPE[1:])


def against_torch(name: str, what: str, ours, theirs, turns: int) -> list[Pair]:
    """Compare with PyTorch in both layouts, each with the threads it is fastest with."""
    mine = Side(ours, name)
    sides = {key: Side(theirs, name, *key) for key in product((1, 2), LAYOUTS)}
    rates = {}
    for (threads, last), side in sides.items():
        side.seconds(1)
        rates[threads, last] = 3 * SHAPE[0] / side.seconds(3)
        note = f"{name}, {what}: {LAYOUTS[last]}, {threads} threads"
        print(f"{note}: {rates[threads, last]:.2f} images/s", file=sys.stderr)
    pairs = []
    for last, layout in LAYOUTS.items():
        threads = max((1, 2), key=lambda n, last=last: rates[n, last])
        title = f"{name}, {what}, over {layout} ({threads} threads)"
        aim = "" if last else "1.0"
        twin = sides[threads, last]
        pairs.append(compare(title, mine, twin, turns=turns, calls=5, units=SHAPE[0], aim=aim))
    for side in (mine, *sides.values()):
        side.close()
    return pairs


def images() -> np.ndarray:
    """Return the constant batch, about as bright and as varied as a normalised one."""
    return np.random.default_rng(0).normal(size=SHAPE).astype("float32")


def network(name: str):
    """Return our backbone as a functional model and what it was built from."""
    import keras

    from detforge.backbones import find_backbone
    from detforge.backbones.features import add_backbone

    keras.utils.set_random_seed(1)
    arch, depth = NETWORKS[name]
    inputs = keras.Input(SHAPE[1:])
    features = add_backbone(inputs, find_backbone(arch, depth, field="ssd_config"))
    return keras.Model(inputs, features.output), features


def forward(name: str):
    """Return a call that computes the features once, in inference mode."""
    import tensorflow as tf

    model, _ = network(name)
    batch = tf.constant(images())
    compiled = tf.function(lambda x: model(x, training=False), jit_compile=False)
    return lambda: compiled(batch).numpy()


def step(name: str):
    """Return a call that runs the training step of `detforge` once, on the square of features."""
    import keras
    import tensorflow as tf
    from keras import ops

    from detforge.model import DetectionModel
    from detforge.training.trainer import Trainer

    class Squares(DetectionModel):
        def __init__(self) -> None:
            model, features = network(name)
            self.parts, self.blocks = {"backbone": model}, features.blocks

        def losses(self, batch, *, training):
            features = self.parts["backbone"](batch["images"], training=training)
            return {"square": ops.mean(ops.square(features))}

        def detect(self, images):
            raise NotImplementedError

    trainer = Trainer(Squares())
    trainer.compile(optimizer=keras.optimizers.SGD(1e-3, momentum=0.9), jit_compile=False)
    trainer.track(("square",))
    batches = tf.data.Dataset.from_tensors(({"images": images()},)).repeat()
    iterator = iter(batches)
    trainer.make_train_function()

    def call() -> None:
        logs = trainer.train_function(iterator)
        float(next(iter(logs.values())))  # wait for it

    return call


def torch_forward(name: str, threads: int, last: bool):
    """Return a call that computes the twin's features once."""
    from benchmarks.twins.backbones_torch import TorchForward

    return TorchForward(name, images(), threads=threads, last=last)


def torch_step(name: str, threads: int, last: bool):
    """Return a call that runs the twin's step once."""
    from benchmarks.twins.backbones_torch import TorchStep

    return TorchStep(name, images(), threads=threads, last=last)


def check_twin(name: str):
    """Return an idle call once both sides have computed the same from the same weights.

    Raises:
        AssertionError: they did not.
    """
    import torch

    from benchmarks.twins.backbones_torch import TWINS, load_weights

    model, _ = network(name)
    draw = np.random.default_rng(0)
    for layer in model.layers:
        for variable in layer.weights:
            if len(variable.shape) == 1:
                variable.assign(draw.uniform(0.5, 1.5, variable.shape))
    twin = TWINS[name]().eval()
    load_weights(
        twin,
        {
            layer.name: {variable.name: np.array(variable) for variable in layer.weights}
            for layer in model.layers
            if layer.weights
        },
    )
    assert sum(p.numel() for p in twin.parameters()) == sum(
        int(np.prod(v.shape)) for v in model.trainable_variables
    )
    batch = images()[:1]
    ours = np.asarray(model(batch, training=False))
    with torch.inference_mode():
        theirs = twin(torch.from_numpy(batch).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(ours).max())
    return lambda: None
