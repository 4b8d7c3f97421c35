"""SSD's training pipeline at 300 x 300: against albumentations, and against the training step."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from benchmarks import ssd
from benchmarks.pairs import Pair, Side, compare

IMAGES, BATCH = 64, 8


def run(turns: int) -> list[Pair]:
    """Return the comparisons."""
    from detforge.data.scenes import draw_scenes

    with tempfile.TemporaryDirectory() as folder:
        draw_scenes(Path(folder), images=IMAGES, seed=1, size=(640, 480))
        one, bare = Side(stream, folder, 1), Side(albumentations_loop, folder)
        what = "SSD pipeline over albumentations in a loop (1 thread)"
        pairs = [compare(what, one, bare, turns=turns, calls=20, units=BATCH, aim="0.9")]
        one.close(), bare.close()
        both, step = Side(stream, folder, 2), Side(ssd.bare_step, folder)
        what = "SSD pipeline over bare step (2 threads)"
        # One batch is made ahead while the other side runs: a small share of twenty.
        pairs.append(compare(what, both, step, turns=turns, calls=20, units=BATCH, aim="3"))
        both.close(), step.close()
    return pairs


def stream(folder: str, workers: int):
    """Return a call that takes a batch: read, decoded, augmented, normalised, with its boxes."""
    from dataclasses import replace

    import cv2

    from detforge.data.batches import TrainingBatches
    from detforge.data.sources import open_training

    cv2.setNumThreads(1)
    request = ssd._request(folder)
    recipe = request.detector.recipe(request.spec)
    recipe = replace(recipe, data=replace(recipe.data, workers=workers, max_queue_size=workers))
    source = open_training(recipe, request.detector)
    batches = TrainingBatches(source, recipe, seed=1).stream()
    return lambda: next(batches)


def albumentations_loop(folder: str):
    """Return a call that does the nearest that albumentations has, image after image."""
    import cv2
    import numpy as np

    from detforge.data.kitti import KittiFolder

    cv2.setNumThreads(1)
    source = KittiFolder(Path(folder, "images"), Path(folder, "labels"))
    rows = itertools.cycle(range(len(source)))
    compose = _compose()

    def call() -> None:
        batch = np.empty((BATCH, 300, 300, 3), np.float32)
        for image in batch:
            sample = source[next(rows)]
            pixels = cv2.imdecode(np.frombuffer(sample.encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
            image[:] = compose(image=pixels, bboxes=sample.boxes, names=sample.class_names)["image"]

    return call


def _compose():
    import os

    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations as alb
    import cv2

    def jitter(**change):
        still = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
        return alb.ColorJitter(**still | change, p=0.5)

    kinds = ("NEAREST", "LINEAR", "CUBIC", "AREA", "LANCZOS4")
    resizes = [alb.Resize(300, 300, getattr(cv2, f"INTER_{kind}"), p=1) for kind in kinds]
    return alb.Compose(
        [
            alb.Affine(scale=(0.25, 1), p=0.5),
            alb.BBoxSafeRandomCrop(erosion_rate=0.3, p=6 / 7),
            alb.HorizontalFlip(p=0.5),
            alb.OneOf(resizes, p=1),
            jitter(brightness=(0.875, 1.125)),
            jitter(contrast=(0.5, 1.5)),
            jitter(saturation=(0.5, 1.5)),
            jitter(hue=(-0.1, 0.1)),
            alb.Normalize(mean=(103.9, 116.8, 123.7), std=(1, 1, 1), max_pixel_value=1),
        ],
        bbox_params=alb.BboxParams("pascal_voc", label_fields=["names"]),
    )
