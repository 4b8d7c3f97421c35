"""What the commands of ``detforge data`` do, once their options are read."""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge.cli import doors, logs
from detforge.errors import UsageError
from detforge.plugins import load_detector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detforge.inspection.inputs import Subject
    from detforge.plugins import Detector
    from detforge.recipe import Recipe

    Values = Mapping[str, Any]

log = logging.getLogger(__name__)

_PICTURES = (".png", ".jpg", ".jpeg")


def run_stats(values: Values) -> None:
    """Count and measure the labels that a path or a spec names.

    Raises:
        DetforgeError: what the user can mend.
    """
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    folder = values["results_dir"]
    if folder is not None:
        doors.check_folder(folder, "--results_dir")
    subject = _subject(values)
    from detforge.cli.data_report import describe
    from detforge.inspection.report import as_json, inspect, write

    statistics = inspect(subject, hash_images=values["hash"])
    if values["json"]:
        logs.say(json.dumps(as_json(statistics), indent=1, ensure_ascii=False))
    else:
        logs.say(describe(statistics))
    if folder is not None:
        with _told_when_unwritable(folder):
            for file in write(statistics, folder):
                log.info("Written: %s", file)


def run_preview(values: Values) -> None:
    """Draw training images as the network sees them.

    Raises:
        DetforgeError: what the user can mend.
    """
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    doors.check_file(values["output"], "--output")
    if values["output"].suffix.lower() not in _PICTURES:
        known = ", ".join(_PICTURES)
        raise UsageError(f"--output {values['output']} is no picture; end it in {known}")
    recipe, detector = _recipe(values["spec"], values)
    from detforge.inference.sheets import write_picture
    from detforge.inspection.preview import Selection, draw_preview

    names = [field.name for field in fields(Selection)]
    selection = Selection(**{name: values[name] for name in names})
    title = f"{values['spec']} ({detector.name})"
    picture, shown = draw_preview(recipe, detector, selection, title)
    write_picture(picture, values["output"])
    for image in shown:
        log.debug("row %d, epoch %d: %s", *image)
    logs.say(f"{_images(len(shown))} in {values['output']}")


def run_scenes(values: Values) -> None:
    """Draw a data set.

    Raises:
        DetforgeError: what the user can mend.
    """
    folder = values["folder"]
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    doors.check_folder(folder, "FOLDER")
    from detforge.data.scenes import draw_scenes

    with _told_when_unwritable(folder):
        draw_scenes(folder, images=values["images"], seed=values["seed"], size=values["size"])
    logs.say(f"{_images(values['images'])} in {folder}")


def _subject(values: Values) -> Subject:
    """Open what the words of ``stats`` name."""
    if len(values["data"]) > 1:
        raise UsageError(
            f"{len(values['data'])} paths are given, and stats takes one; put a pattern in quotes, "
            "so that the shell leaves it as it is: 'records/train*'"
        )
    path = "".join(values["data"])
    if not path and values["labels"] is None:
        raise UsageError("missing PATH_OR_SPEC, or --images and --labels")
    from detforge.inspection.inputs import Subject, open_path, open_recipe, open_with_reader

    detector = load_detector(values["detector"]) if values["detector"] else None
    source = open_with_reader(path, detector) if detector else None
    if source is None and not _is_spec(path):
        if values["changes"] or detector:
            option = "--set" if values["changes"] else "--detector"
            raise UsageError(f"{option} is for a spec, and {path or '--labels'} is none")
        folders = (values["images"], values["labels"])
        source = open_path(path, *folders, needs_images=values["hash"])
    if source is not None:
        return Subject(path or str(values["labels"]), {"all": [source]})
    if values["images"] or values["labels"]:
        raise UsageError(f"{path} is a spec, which names its images and labels itself")
    recipe, detector = _recipe(Path(path), values)
    return open_recipe(recipe, detector, f"{path} ({detector.name})")


def _is_spec(path: str) -> bool:
    """Tell whether a path is a text file other than JSON."""
    file = Path(path)
    if not path or not file.is_file():
        return False
    from detforge.inspection.inputs import is_json

    try:
        with file.open("rb") as stream:
            # A record begins with its length, in eight bytes that are mostly zero.
            return b"\0" not in stream.read(64) and not is_json(file)
    except OSError as err:
        raise UsageError(f"{path} cannot be read: {err.strerror}") from err


def _recipe(path: Path, values: Values) -> tuple[Recipe, Detector]:
    """Read a spec; find out whose it is unless an option says it."""
    from detforge.cli.inputs import read_spec
    from detforge.cli.owners import detector_of

    if values["detector"]:
        detector = load_detector(values["detector"])
    else:
        detector = detector_of(path, values["changes"])
        log.debug("%s is read as a spec of %s", path, detector.name)
    spec = read_spec(detector, "train", {"spec": path, "changes": values["changes"]})
    assert spec is not None
    return detector.recipe(spec), detector


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


@contextlib.contextmanager
def _told_when_unwritable(path: Path) -> Iterator[None]:
    """Turn a failure to write an output into the user's error; other failures are ours."""
    try:
        yield
    except OSError as err:
        raise UsageError(f"{err.filename or path} cannot be written: {err.strerror}") from err
