"""What an exported model says about itself, in ONNX metadata properties.

Written at export and read by inference, which needs no other file. Loads neither onnx nor Keras.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from detforge.errors import CheckpointError
from detforge.recipe import InputFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1
_FIRST_RELEASE = "0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """An exported model in words.

    Attributes:
        detector: canonical name of the detector.
        plugin_version: version of the package that brought it.
        detforge_version: release that exported it.
        class_names: in label order.
        input: how pixels enter the network.
        spec_sha256: of the text of the spec given to export.
        target: the flavour.
    """

    detector: str
    plugin_version: str
    detforge_version: str
    class_names: tuple[str, ...]
    input: InputFormat
    spec_sha256: str
    target: str = "onnx"


def spec_hash(text: str) -> str:
    """Return the SHA-256 of a spec's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def to_metadata(info: ModelInfo) -> dict[str, str]:
    """Return the properties to write; plain words as they are, everything else as JSON."""
    return {
        "detforge_format": str(FORMAT_VERSION),
        "detforge_readable_from": _FIRST_RELEASE,
        "detforge_version": info.detforge_version,
        "detector": info.detector,
        "plugin_version": info.plugin_version,
        "target": info.target,
        "class_names": json.dumps(list(info.class_names), ensure_ascii=False),
        "input": json.dumps({**asdict(info.input), "layout": "NCHW"}),
        "spec_sha256": info.spec_sha256,
    }


def from_metadata(properties: Mapping[str, str], file: str) -> ModelInfo:
    """Return what the properties of a model say.

    Args:
        properties: of the model.
        file: its name, for messages.

    Raises:
        CheckpointError: the model was not exported by detforge, or by a newer release.
    """
    try:
        version = int(properties["detforge_format"])
    except (KeyError, ValueError) as err:
        raise CheckpointError(
            f"{file} is an ONNX model that detforge did not export: it does not say which classes "
            "it finds nor what its input is; export it with 'detforge ... export'"
        ) from err
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{file} was exported in format {version} by detforge "
            f"{properties.get('detforge_version', '?')}; install detforge "
            f"{properties.get('detforge_readable_from', '?')} or newer"
        )
    try:
        return ModelInfo(
            detector=properties["detector"],
            plugin_version=properties["plugin_version"],
            detforge_version=properties["detforge_version"],
            class_names=tuple(str(name) for name in json.loads(properties["class_names"])),
            input=_input_format(json.loads(properties["input"])),
            spec_sha256=properties["spec_sha256"],
            target=properties["target"],
        )
    except (KeyError, TypeError, ValueError) as err:
        raise CheckpointError(
            f"{file} has incomplete metadata ({type(err).__name__}: {err}); export it again"
        ) from err


def _input_format(found: dict[str, object]) -> InputFormat:
    fields = {name: value for name, value in found.items() if name != "layout"}
    for name in ("mean", "scale"):
        fields[name] = tuple(float(value) for value in fields[name])  # type: ignore[attr-defined]
    if window := fields.get("window"):
        fields["window"] = tuple(int(value) for value in window)  # type: ignore[attr-defined]
    return InputFormat(**fields)  # type: ignore[arg-type]
