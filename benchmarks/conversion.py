"""Conversion: against only decoding the images, and against only copying their bytes.

The images are those of ``DETFORGE_DATA``, copied over and over: blood cells of 20 KB with 14
objects each, and street scenes of 800 KB with 3. Conversion has two processes, and so have its
rivals; a copy in one is shown too. A copy moves the bytes of images and labels as they are;
conversion also understands the labels, counts, and takes two SHA-256 over every byte.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.pairs import Pair, Side, compare

PROCESSES = 2
SHARDS = 10
DATA = Path(os.environ.get("DETFORGE_DATA", Path(__file__).parents[2] / "shared" / "data"))
SPEC = """
kitti_config {
  root_directory_path: "FOLDER" image_dir_name: "images" label_dir_name: "labels"
  image_extension: "EXTENSION" num_shards: 10 val_split: 20
}
"""


def run(turns: int) -> list[Pair]:
    """Return the comparisons.

    Raises:
        SystemExit: the images are not there.
    """
    cells = DATA / "bccd" / "train"
    streets = DATA / "kitti_sample" / "training"
    for folder in (cells / "images", streets / "image_2"):
        if not folder.is_dir():
            raise SystemExit(f"there is no {folder}; set DETFORGE_DATA, or run others with --only")
    with tempfile.TemporaryDirectory() as root:
        small, large = Path(root, "small"), Path(root, "large")
        repeat(cells / "images", cells / "labels", small, 2000)
        repeat(streets / "image_2", streets / "label_2", large, 300)
        return [
            *_compare("20 KB", small, 2000, turns),
            *_compare("800 KB", large, 300, turns),
        ]


def _compare(size: str, folder: Path, images: int, turns: int) -> list[Pair]:
    pairs = []
    for decode, rival, what, processes, aim in (
        (True, decode_all, "decoding", 2, "0.8"),
        (False, copy_all, "a plain copy", 2, "0.5"),
        (False, copy_all, "a plain copy", 1, ""),
    ):
        ours = Side(convert, folder, decode, starts_processes=True)
        baseline = Side(in_processes, folder, rival, processes, starts_processes=True)
        in_how_many = "two processes" if processes == 2 else "one process"
        name = f"conversion{'' if decode else ' --no_decode'} over {what} in {in_how_many}"
        name += f", images of {size}"
        pairs.append(compare(name, ours, baseline, turns=turns, calls=1, units=images, aim=aim))
        ours.close(), baseline.close()
    return pairs


def repeat(images: Path, labels: Path, folder: Path, count: int) -> None:
    """Fill a folder with so many images and their labels, the same ones over and over."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    files = sorted(images.iterdir())
    for number in range(count):
        file = files[number % len(files)]
        shutil.copy(file, folder / "images" / f"{number:06d}{file.suffix}")
        shutil.copy(labels / f"{file.stem}.txt", folder / "labels" / f"{number:06d}.txt")


def convert(folder: Path, decode: bool):
    """Return a call that converts the folder."""
    from detforge.data.convert import convert_dataset
    from detforge.protos.convert_pb2 import Convert
    from detforge.requests import ConvertRequest
    from detforge.spec import parse_spec

    extension = next((folder / "images").iterdir()).suffix
    text = SPEC.replace("FOLDER", str(folder)).replace("EXTENSION", extension)
    request = ConvertRequest(
        detector=None,
        spec=parse_spec(text, Convert),
        output=folder / "ours" / "records",
        no_decode=not decode,
        force=True,
        processes=PROCESSES,
    )
    return lambda: convert_dataset(request)


def in_processes(folder: Path, work, processes: int):
    """Return a call that does something with all images, shared out to processes."""
    import detforge.data.tfrecord  # noqa: F401 - so that the processes, which are forks, need not
    from detforge.data.processes import share_out

    files = sorted((folder / "images").iterdir())
    parts = [files[number::SHARDS] for number in range(SHARDS)]

    def do(number: int) -> None:
        work(folder, number, parts[number])

    return lambda: list(share_out(do, range(SHARDS), processes=processes))


def decode_all(_folder: Path, _number: int, files: list[Path]) -> None:
    """Read and decode."""
    import cv2
    import numpy as np

    for file in files:
        data = np.frombuffer(file.read_bytes(), np.uint8)
        cv2.imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)


def copy_all(folder: Path, number: int, files: list[Path]) -> None:
    """Read images and labels, and write them as records of nothing but these bytes."""
    from detforge.data.tfrecord import frame_parts

    labels = folder / "labels"
    with (folder / f"copy-{number}").open("wb") as target:
        for file in files:
            label = labels / f"{file.stem}.txt"
            target.writelines(frame_parts(file.read_bytes(), label.read_bytes()))
