"""What inference writes: a drawing and labels for each image, and all objects as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2

from detforge.data.boxes import clip_boxes
from detforge.data.images import IMAGE_EXTENSIONS, read_bytes
from detforge.errors import UsageError
from detforge.files import remove_leftovers, write_atomically
from detforge.inference.coco_results import format_coco_results, join_entries
from detforge.inference.drawing import draw_detections
from detforge.inference.kitti_labels import format_kitti_labels, is_detections_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from detforge.inference.source_images import Found
    from detforge.requests import InferRequest


class Written(NamedTuple):
    """An image whose files are there.

    Attributes:
        path: the image.
        objects: found in it.
        entries: the same as JSON, where that is asked for.
        problem: why the image cannot be read; empty when it can.
    """

    path: Path
    objects: int
    entries: list[str]
    problem: str = ""


class Outputs:
    """The files that a request asks for.

    None is ever half written, whenever the process ends; what else is in their folders stays.
    """

    def __init__(
        self,
        request: InferRequest,
        class_names: Sequence[str],
        stems: Mapping[Path, str],
        *,
        captions: bool,
    ) -> None:
        """Take what does not change from image to image.

        Args:
            request: where to.
            class_names: by label.
            stems: image -> name of its label file, without ``.txt``.
            captions: write class and score beside each box.
        """
        self._request = request
        self._class_names = class_names
        self._stems = stems
        self._captions = captions

    def check(self) -> None:
        """Keep the results off images and labels that are not ours; makes and changes nothing.

        Raises:
            UsageError: nothing is asked for, the drawings would replace the images, or the labels
                somebody's own labels.
        """
        request = self._request
        if not (request.annotated_dir or request.labels_dir or request.detections_file):
            raise UsageError(
                "there is nothing to write: name a folder for the drawings (-o), one for label "
                "files (-l), a file for JSON (--out_json_file), or one folder for drawings and "
                "labels (-r)"
            )
        folder = request.images if request.images.is_dir() else request.images.parent
        if request.annotated_dir and request.annotated_dir.resolve() == folder.resolve():
            raise UsageError(
                f"the drawings would replace the images in {folder}; choose another output folder"
            )
        if request.labels_dir and request.labels_dir.is_dir() and not request.force:
            _check_labels(request.labels_dir / f"{stem}.txt" for stem in self._stems.values())

    def write(self, found: Found) -> Written:
        """Write the files of one image; safe to call from several threads.

        Raises:
            CheckpointError: a file cannot be written.
            DatasetError: a very large image, which is read again, has changed.
            UsageError: there are no masks to draw.
        """
        image, request = found.image, self._request
        if image.problem:
            return Written(image.path, 0, [], image.problem)
        names = [self._class_names[int(label)] for label in found.labels]
        if request.annotated_dir is not None:
            self._draw(found, names, request.annotated_dir)
        boxes = clip_boxes(found.boxes, image.width, image.height)
        if request.labels_dir is not None:
            text = format_kitti_labels(boxes, names, found.scores)
            path = request.labels_dir / f"{self._stems[image.path]}.txt"
            write_atomically(path, text.encode(), flush=False)
        entries: list[str] = []
        if request.detections_file is not None:
            name = image.path.name
            entries = format_coco_results(name, boxes, names, found.scores, found.labels)
        return Written(image.path, len(names), entries)

    def finish(self, entries: Iterable[str]) -> None:
        """Write what all images share, and clear what killed runs left behind.

        Args:
            entries: of all images.

        Raises:
            CheckpointError: the file cannot be written.
        """
        request = self._request
        if request.detections_file is not None:
            write_atomically(request.detections_file, join_entries(list(entries)).encode())
        for folder in filter(None, (request.annotated_dir, request.labels_dir)):
            remove_leftovers(folder)

    def _draw(self, found: Found, names: Sequence[str], folder: Path) -> None:
        if self._request.include_mask and found.masks is None and names:
            raise UsageError("--include_mask: this model finds boxes, not masks; leave it out")
        drawing = draw_detections(
            found.image.pixels(),
            found.boxes,
            names,
            found.scores,
            found.labels,
            found.masks if self._request.include_mask else None,
            captions=self._captions,
        )
        path = found.image.path
        suffix = path.suffix if path.suffix.lower() in IMAGE_EXTENSIONS else ".png"
        # Through bytes, because OpenCV opens no path outside ASCII on every system.
        encoded = cv2.imencode(suffix, cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))[1]
        write_atomically(folder / f"{path.stem}{suffix}", encoded.tobytes(), flush=False)


def _check_labels(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_file() and not is_detections_file(read_bytes(path)):
            raise UsageError(
                f"{path} holds labels without scores, which inference did not write, and would be "
                "replaced; choose another folder for the labels, or give --force"
            )
