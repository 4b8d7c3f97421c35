"""A COCO file as large as one likes, and what reading it costs.

``python -m benchmarks.large_coco 1000000`` writes one, reads it in a process of its own and prints
seconds and peak memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_OBJECTS_PER_IMAGE = 8
_POINTS = 30
_SIZE = (640, 480)


def write_large_coco(path: Path, annotations: int, *, seed: int = 0) -> None:
    """Write a COCO file with a polygon for each object.

    Args:
        path: of the file; its images do not exist.
        annotations: how many; eight for each image.
        seed: another seed, other objects.
    """
    rng = np.random.default_rng(seed)
    width, height = _SIZE
    images = -(-annotations // _OBJECTS_PER_IMAGE)
    angles = np.linspace(0, 2 * np.pi, _POINTS, endpoint=False)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": {"description": "drawn"}, "images": [')
        for number in range(images):
            entry = {"id": number + 1, "file_name": f"{number:012}.jpg"}
            entry |= {"width": width, "height": height}
            file.write((", " if number else "") + json.dumps(entry))
        file.write('], "annotations": [')
        for number in range(annotations):
            centre = rng.uniform((60, 60), (width - 60, height - 60))
            radii = rng.uniform(20, 50, _POINTS)
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


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: Path) -> dict[str, float]:
    """Return what reading a COCO file takes: objects, seconds, peak MiB of the process."""
    code = "import sys, pathlib; from benchmarks.large_coco import read_and_measure as r; "
    code += "r(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Write, read, print."""
    annotations = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instances.json"
        write_large_coco(path, annotations)
        print(f"{path.stat().st_size / 1e6:.0f} MB", measure(path))


if __name__ == "__main__":
    main()
