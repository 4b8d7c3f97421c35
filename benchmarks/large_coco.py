"""A COCO file as large as one likes, and what reading and converting it cost.

``python -m benchmarks.large_coco 1000000`` writes one, reads it in a process of its own, converts
it in another, and prints seconds and peak memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

_SIZE = (640, 480)
_PROCESSES = 2


def write_large_coco(
    path: Path, annotations: int, *, per_image: int = 8, points: int = 30, seed: int = 0
) -> None:
    """Write a COCO file with a polygon for each object.

    Args:
        path: of the file; its images do not exist.
        annotations: how many.
        per_image: how many for each image.
        points: of each polygon.
        seed: another seed, other objects.
    """
    rng = np.random.default_rng(seed)
    width, height = _SIZE
    images = -(-annotations // per_image)
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": {"description": "drawn"}, "images": [')
        for number in range(images):
            entry = {"id": number + 1, "file_name": f"{number:012}.jpg"}
            entry |= {"width": width, "height": height}
            file.write((", " if number else "") + json.dumps(entry))
        file.write('], "annotations": [')
        for number in range(annotations):
            centre = rng.uniform((60, 60), (width - 60, height - 60))
            radii = rng.uniform(20, 50, points)
            outline = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] + centre
            low, high = outline.min(0), outline.max(0)
            entry = {
                "id": number + 1,
                "image_id": number % images + 1,
                "category_id": int(rng.integers(1, 91)),
                "bbox": np.round([*low, *(high - low)], 2).tolist(),
                "area": round(float(np.pi * np.mean(radii) ** 2), 2),
                "segmentation": [np.round(outline, 2).ravel().tolist()],
                "iscrowd": 0,
            }
            file.write((", " if number else "") + json.dumps(entry))
        categories = [{"id": number, "name": f"class {number}"} for number in range(1, 91)]
        file.write(f'], "categories": {json.dumps(categories)}}}')


def write_images(folder: Path, count: int) -> None:
    """Write one image under all the names that a file of `write_large_coco` has."""
    folder.mkdir()
    width, height = _SIZE
    first = folder / f"{0:012}.jpg"
    cv2.imwrite(str(first), np.full((height, width, 3), 90, np.uint8))
    for number in range(1, count):
        (folder / f"{number:012}.jpg").hardlink_to(first)


def read_and_measure(path: Path) -> None:
    """Print what reading a COCO file takes, as JSON; to be called in a process of its own."""
    from detforge.data.coco import CocoFile

    before = _peak_mib()
    start = time.perf_counter()
    source = CocoFile(path, None)
    seconds = time.perf_counter() - start
    objects = sum(source.class_counts().values())
    sample = source.truth(len(source) - 1)
    result = {"objects": objects, "masks": len(sample.masks or ()), "seconds": round(seconds, 1)}
    result |= {"start_mib": round(before), "peak_mib": round(_peak_mib())}
    sys.stdout.write(json.dumps(result))


def convert_and_measure(path: Path, images: Path) -> None:
    """Print what converting a COCO file takes, as JSON; to be called in a process of its own."""
    from detforge.data.convert import convert_dataset
    from detforge.requests import ConvertRequest

    start = time.perf_counter()
    output = path.parent / "records" / "large"
    request = ConvertRequest(
        detector=None,
        spec=None,
        annotations_file=path,
        image_dir=images,
        output=output,
        processes=_PROCESSES,
    )
    report = convert_dataset(request)
    seconds = time.perf_counter() - start
    # As if the processes shared nothing.
    of_workers = _PROCESSES * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    objects = sum(count for counts in report.objects.values() for count in counts.values())
    result = {"objects": objects, "seconds": round(seconds, 1)}
    sys.stdout.write(json.dumps({**result, "peak_mib": round(_peak_mib() + of_workers)}))


def _peak_mib() -> float:
    """Return the most memory that this process held, not counting what it was started from."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def measure(path: Path, images: Path | None = None) -> dict[str, float]:
    """Return what a COCO file takes: objects, seconds, peak MiB of all processes.

    Args:
        path: of the file.
        images: folder of its images, to convert them; None to read the file only.
    """
    name = "convert_and_measure" if images else "read_and_measure"
    code = f"import sys, pathlib; from benchmarks.large_coco import {name} as run; "
    code += "run(*map(pathlib.Path, sys.argv[1:]))"
    command = [sys.executable, "-c", code, *map(str, filter(None, (path, images)))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Write, read, print."""
    annotations = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path, images = Path(folder) / "instances.json", Path(folder) / "images"
        write_large_coco(path, annotations, per_image=500)
        write_images(images, -(-annotations // 500))
        print(f"{path.stat().st_size / 1e6:.0f} MB")
        print("read", measure(path))
        print("converted", measure(path, images))


if __name__ == "__main__":
    main()
