"""SSD-ResNet18 at 300 x 300, batch 8: the bare step against PyTorch, training against the step."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.pairs import Pair, Side, compare, pair_of

SPEC = """
random_seed: 1
ssd_config {
  aspect_ratios: "[[1.0, 2.0, 0.5], [1.0, 2.0, 0.5, 3.0, 1.0/3.0], [1.0, 2.0, 0.5, 3.0, 1.0/3.0],
                   [1.0, 2.0, 0.5, 3.0, 1.0/3.0], [1.0, 2.0, 0.5], [1.0, 2.0, 0.5]]"
  scales: "[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]"
  two_boxes_for_ar1: true
  NETWORK
}
training_config {
  batch_size_per_gpu: 8
  num_epochs: 1000
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 1e-4 max_learning_rate: 1e-3 soft_start: 0.1 annealing: 0.8 } }
  regularizer { type: L2 weight: 1e-4 }
}
augmentation_config { output_width: 300 output_height: 300 output_channel: 3 }
dataset_config {
  data_sources { image_directory_path: "FOLDER/images" label_directory_path: "FOLDER/labels" }
  target_class_mapping { key: "circle" value: "circle" }
  target_class_mapping { key: "square" value: "square" }
  target_class_mapping { key: "triangle" value: "triangle" }
}
""".replace("\n                   ", " ")


def run(turns: int) -> list[Pair]:
    """Return the comparisons; each PyTorch side gets the number of threads it is fastest with."""
    from detforge.data.scenes import draw_scenes

    with tempfile.TemporaryDirectory() as folder:
        draw_scenes(Path(folder), images=64, seed=1, size=(640, 480))
        step = Side(bare_step, folder)
        torch_sides = {
            (threads, last): Side(torch_step, folder, threads, last)
            for threads in (1, 2)
            for last in (False, True)
        }
        rates = {}
        for key, side in torch_sides.items():
            side.seconds(1)
            rates[key] = 3 * 8 / side.seconds(3)
        for (threads, last), rate in rates.items():
            kind = "NHWC" if last else "NCHW"
            print(f"PyTorch, {threads} threads, {kind}: {rate:.2f} images/s", file=sys.stderr)
        pairs = []
        for last, name in ((False, "plain PyTorch"), (True, "PyTorch in channels_last")):
            threads = max((1, 2), key=lambda n, last=last: rates[n, last])
            what = f"bare step over {name} ({threads} threads)"
            twin = torch_sides[threads, last]
            pairs.append(compare(what, step, twin, turns=turns, calls=5, units=8, aim="1.1"))
        for side in torch_sides.values():
            side.close()
        train = Side(whole_train, folder)
        pairs.append(compare_epochs("whole train over bare step", train, step, turns=turns))
        train.close()
        step.close()
    return pairs


def compare_epochs(name: str, train: Side, step: Side, *, turns: int) -> Pair:
    """Compare runs of `EPOCHS` epochs of `STEPS` steps with as many bare steps."""
    train.seconds(1), step.seconds(2)
    mine, other = [], []
    steps = EPOCHS * STEPS
    for _ in range(turns):
        mine.append(8 * steps / train.seconds(1))
        other.append(8 * steps / step.seconds(steps))
    return pair_of(name, mine, other, aim="0.9")


STEPS, EPOCHS = 24, 2  # few steps for an epoch, which ends with a checkpoint


def detector_and_spec(folder: str, arch: str = "resnet", depth: int = 18):
    """Return SSD and its checked spec; a depth of 0 is left out of it."""
    from detforge.plugins import load_detector
    from detforge.spec import parse_spec

    detector = load_detector("ssd")
    network = f'arch: "{arch}"' + (f" nlayers: {depth}" if depth else "")
    text = SPEC.replace("NETWORK", network).replace("FOLDER", folder)
    return detector, parse_spec(text, detector.spec_schema())


def _request(folder: str):
    from detforge.requests import TrainRequest

    detector, spec = detector_and_spec(folder)
    return TrainRequest(detector=detector, spec=spec, results_dir=Path(folder) / "results")


def _trainer(folder: str):
    from detforge.training.run import build_trainer
    from detforge.training.start import open_training_data

    request = _request(folder)
    recipe = request.detector.recipe(request.spec)
    batches = open_training_data(request, recipe)
    return request, recipe, batches, build_trainer(request, recipe, batches)


def bare_step(folder: str):
    """Return a call that runs the compiled step once on one constant batch."""
    import tensorflow as tf

    *_, batches, trainer = _trainer(folder)
    constant = {name: tf.constant(value) for name, value in batches.batch(0).items()}
    iterator = iter(tf.data.Dataset.from_tensors((constant,)).repeat())
    trainer.make_train_function()

    def call() -> None:
        logs = trainer.train_function(iterator)
        float(next(iter(logs.values())))  # wait for it

    return call


def whole_train(folder: str):
    """Return a call that trains `EPOCHS`: reading, augmenting, steps, callbacks, checkpoints."""
    from dataclasses import replace

    from detforge.training.beginning import Beginning
    from detforge.training.own_callbacks import own_callbacks
    from detforge.training.run import fit

    request, recipe, batches, trainer = _trainer(folder)
    weights = request.results_dir / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    batches.steps_per_epoch = STEPS

    first_epochs = iter(range(0, 1000, EPOCHS))

    def call() -> None:
        first = next(first_epochs)
        part = replace(recipe, epochs=first + EPOCHS)
        own = own_callbacks(request, part, trainer, batches, None, weights, Beginning({}))
        fit(trainer, batches, part, first, own)

    return call


def torch_step(folder: str, threads: int, last: bool):
    """Return a call that runs PyTorch's step once on the same constant batch."""
    import numpy as np

    from benchmarks.twins.ssd_torch import TorchStep
    from detforge_ssd.anchor_config import anchor_config, anchors_per_cell
    from detforge_ssd.anchors import generate_anchors

    request = _request(folder)
    recipe = request.detector.recipe(request.spec)
    from detforge.data.batches import TrainingBatches
    from detforge.data.sources import open_training

    source = open_training(recipe, request.detector)
    batch = TrainingBatches(source, recipe, seed=recipe.seed).batch(0)
    config = anchor_config(request.spec.message.ssd_config)
    sizes = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (2, 2)]
    anchors = np.asarray(generate_anchors(config, sizes, 300, 300))
    return TorchStep(
        batch, anchors, config.variances, list(anchors_per_cell(config)), threads=threads, last=last
    )
