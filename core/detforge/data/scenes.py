"""A small data set that draws itself: circles, squares and triangles on busy backgrounds.

It stands in for real data in demonstrations and tests. The same seed draws the same images.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = ("circle", "square", "triangle")

_MAX_OBJECTS = 6
_TRIES = 20
# Largest share of an object that others may cover.
_MAX_HIDDEN = 0.3
# OpenCV draws at 1/16 of a pixel.
_SHIFT = 4


class Scenes(NamedTuple):
    """Where a drawn data set lies.

    Attributes:
        images: folder of JPEG files.
        labels: folder of KITTI label files.
        annotations: the same labels as COCO JSON, with polygons; file names start from `images`.
    """

    images: Path
    labels: Path
    annotations: Path


class _Shape(NamedTuple):
    class_name: str
    outline: NDArray[np.float64]  # (points, 2): x, y in pixels

    @property
    def box(self) -> tuple[float, float, float, float]:
        x1, y1 = self.outline.min(axis=0)
        x2, y2 = self.outline.max(axis=0)
        return float(x1), float(y1), float(x2), float(y2)

    def area(self) -> float:
        x, y = self.outline.T
        return float(abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2)  # Shoelace formula.


def draw_scenes(
    folder: Path, *, images: int, seed: int, size: tuple[int, int] = (320, 240)
) -> Scenes:
    """Draw a data set into a folder, as KITTI and as COCO.

    Args:
        folder: made if need be; ``images/``, ``labels/`` and ``instances.json`` go there and must
            not be there yet.
        images: how many.
        seed: another seed, other scenes.
        size: (width, height) in pixels.

    Returns:
        Where everything is.

    Raises:
        DatasetError: the folder holds a data set, drawn or not.
    """
    scenes = Scenes(folder / "images", folder / "labels", folder / "instances.json")
    if present := [path.name for path in scenes if path.exists()]:
        raise DatasetError(
            f"{folder} holds a data set already ({', '.join(present)}), which drawing would "
            "overwrite; choose an empty folder"
        )
    for path in (scenes.images, scenes.labels):
        path.mkdir(parents=True, exist_ok=True)
    drawn = []
    for index in range(images):
        rng = np.random.default_rng((seed, index))
        image, shapes = draw_scene(rng, size)
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        (scenes.images / f"{index:06d}.jpg").write_bytes(encoded.tobytes())
        lines = [_kitti_line(shape) for shape in shapes]
        (scenes.labels / f"{index:06d}.txt").write_text("".join(lines), encoding="utf-8")
        drawn.append(shapes)
    content = _coco_content(drawn, size)
    scenes.annotations.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return scenes


def draw_scene(
    rng: np.random.Generator, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], list[_Shape]]:
    """Return one image, uint8 (H, W, 3), and the shapes in it, the nearest last."""
    image = _draw_background(rng, size)
    shapes = _place_shapes(rng, size)
    for shape in shapes:
        _draw_shape(image, shape, rng)
    noise = rng.normal(0, rng.uniform(1, 6), image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), shapes


def _draw_background(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a gradient between two colours, clouds, and thin lines that are no objects."""
    width, height = size
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    ramp = np.clip(0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle), 0, 1)
    first, second = rng.uniform(20, 235, (2, 3))
    image = first + ramp[..., np.newaxis] * (second - first)
    clouds = rng.normal(0, rng.uniform(4, 20), (6, 8, 3))
    image = np.clip(image + cv2.resize(clouds, size, interpolation=cv2.INTER_CUBIC), 0, 255)
    image = image.astype(np.uint8)
    for _ in range(int(rng.integers(0, 6))):
        start, stop = (rng.uniform(0, 1, (2, 2)) * size).astype(int).tolist()
        color = rng.uniform(0, 255, 3).tolist()
        cv2.line(image, start, stop, color, int(rng.integers(1, 3)), cv2.LINE_AA)
    return image


def _place_shapes(rng: np.random.Generator, size: tuple[int, int]) -> list[_Shape]:
    """Return 1 to 6 shapes that may overlap but do not hide each other."""
    wanted = int(rng.integers(1, _MAX_OBJECTS + 1))
    shapes: list[_Shape] = []
    # How much of each shape is still to be seen, as boolean images.
    visible: list[NDArray[np.bool_]] = []
    for _ in range(_TRIES):
        if len(shapes) == wanted:
            break
        shape = _draw_outline(rng, size)
        mask = _mask(shape, size)
        left = [other & ~mask for other in visible]
        if all(
            part.sum() >= (1 - _MAX_HIDDEN) * _mask(other, size).sum()
            for part, other in zip(left, shapes, strict=True)
        ):
            shapes.append(shape)
            visible = [*left, mask]
    return shapes


def _draw_outline(rng: np.random.Generator, size: tuple[int, int]) -> _Shape:
    class_name = str(rng.choice(CLASSES))
    radius = rng.uniform(0.07, 0.24) * min(size)
    centre = radius + rng.uniform(0, 1, 2) * (np.array(size) - 2 * radius)
    corners = {"circle": 48, "square": 4, "triangle": 3}[class_name]
    # Squares stand on a side and triangles point up, each turned a little.
    start = {"circle": 0.0, "square": np.pi / 4, "triangle": -np.pi / 2}[class_name]
    turn = rng.uniform(-0.3, 0.3)
    angles = start + turn + np.arange(corners) * 2 * np.pi / corners
    outline = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # Two decimals, the precision of a KITTI label.
    return _Shape(class_name, np.round(outline, 2))


def _fixed_point(outline: NDArray[np.float64]) -> NDArray[np.int32]:
    # OpenCV puts whole numbers at pixel centres, boxes put them at pixel corners.
    return np.round((outline - 0.5) * (1 << _SHIFT)).astype(np.int32)


def _mask(shape: _Shape, size: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(mask, [_fixed_point(shape.outline)], 1, shift=_SHIFT)
    return mask.astype(bool)


def _draw_shape(image: NDArray[np.uint8], shape: _Shape, rng: np.random.Generator) -> None:
    """Fill a shape with a colour that its surroundings do not have, half the time rimmed."""
    x1, y1, x2, y2 = (int(v) for v in shape.box)
    around = image[y1 : y2 + 1, x1 : x2 + 1].reshape(-1, 3).mean(axis=0)
    color = rng.uniform(0, 255, 3)
    while np.abs(color - around).max() < 60:
        color = rng.uniform(0, 255, 3)
    points = [_fixed_point(shape.outline)]
    cv2.fillPoly(image, points, color.tolist(), cv2.LINE_AA, _SHIFT)
    if rng.random() < 0.5:
        rim = rng.uniform(0, 255, 3).tolist()
        cv2.polylines(image, points, True, rim, 1, cv2.LINE_AA, _SHIFT)


def _kitti_line(shape: _Shape) -> str:
    box = " ".join(f"{v:.2f}" for v in shape.box)
    return f"{shape.class_name} 0.00 0 0.00 {box}{' 0.00' * 7}\n"


def _coco_content(drawn: list[list[_Shape]], size: tuple[int, int]) -> dict[str, list]:
    width, height = size
    annotations = []
    for image_id, shapes in enumerate(drawn, start=1):
        for shape in shapes:
            x1, y1, x2, y2 = shape.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": CLASSES.index(shape.class_name) + 1,
                    "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
                    "area": round(shape.area(), 2),
                    "iscrowd": 0,
                    "segmentation": [shape.outline.ravel().tolist()],
                }
            )
    images = [
        {"id": number, "file_name": f"{number - 1:06d}.jpg", "width": width, "height": height}
        for number in range(1, len(drawn) + 1)
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}
