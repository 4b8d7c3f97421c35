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
        self._drawings = request.annotated_dir
        self._labels = request.labels_dir
        self._results = request.detections_file
        self._draws_masks = request.include_mask
        self._class_names = class_names
        self._stems = stems
        self._captions = captions

    def write(self, found: Found) -> Written:
        """Write the files of one image; safe to call from several threads.

        Raises:
            CheckpointError: a file cannot be written.
            DatasetError: a very large image, which is read again, has changed.
            UsageError: there are no masks to draw.
        """
        image = found.image
        if image.problem:
            return Written(image.path, 0, [], image.problem)
        names = [self._class_names[int(label)] for label in found.labels]
        if self._drawings is not None:
            self._draw(found, names, self._drawings)
        boxes = clip_boxes(found.boxes, image.width, image.height)
        if self._labels is not None:
            text = format_kitti_labels(boxes, names, found.scores)
            path = self._labels / f"{self._stems[image.path]}.txt"
            write_atomically(path, text.encode(), flush=False)
        entries: list[str] = []
        if self._results is not None:
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
        if self._results is not None:
            write_atomically(self._results, join_entries(list(entries)).encode())
        for folder in filter(None, (self._drawings, self._labels)):
            remove_leftovers(folder)

    def _draw(self, found: Found, names: Sequence[str], folder: Path) -> None:
        if self._draws_masks and found.masks is None and names:
            raise UsageError("--include_mask: this model finds boxes, not masks; leave it out")
        drawing = draw_detections(
            found.image.pixels(),
            found.boxes,
            names,
            found.scores,
            found.labels,
            found.masks if self._draws_masks else None,
            captions=self._captions,
        )
        path = found.image.path
        suffix = path.suffix if path.suffix.lower() in IMAGE_EXTENSIONS else ".png"
        # Through bytes, because OpenCV opens no path outside ASCII on every system.
        encoded = cv2.imencode(suffix, cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))[1]
        write_atomically(folder / f"{path.stem}{suffix}", encoded.tobytes(), flush=False)


def check_outputs(request: InferRequest, stems: Iterable[str]) -> None:
    """Keep the results off images and labels that are not ours; makes and changes nothing.

    Args:
        request: where to.
        stems: names of the label files, without ``.txt``.

    Raises:
        UsageError: nothing is to be written, masks are to be drawn and there are no drawings, the
            drawings would replace the images, or the labels somebody's own labels.
    """
    drawings, labels = request.annotated_dir, request.labels_dir
    if not (drawings or labels or request.detections_file):
        raise UsageError(
            "there is nothing to write: name a folder for the drawings (-o), one for label files "
            "(-l), a file for JSON (--out_json_file), or one folder for drawings and labels (-r)"
        )
    if request.include_mask and not drawings:
        raise UsageError("--include_mask draws masks; name a folder for the drawings (-o)")
    folder = request.images if request.images.is_dir() else request.images.parent
    if drawings and drawings.resolve() == folder.resolve():
        raise UsageError(
            f"the drawings would replace the images in {folder}; choose another output folder"
        )
    if labels and labels.is_dir() and not request.force:
        _check_labels(labels / f"{stem}.txt" for stem in stems)


def _check_labels(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_file() and not is_detections_file(read_bytes(path)):
            raise UsageError(
                f"{path} holds labels without scores, which inference did not write, and would be "
                "replaced; choose another folder for the labels, or give --force"
            )
