"""What the configuration in a Keras file tells about its layers."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 16


def read_config(text: str | bytes) -> dict[str, Any]:
    """Return the configuration of a model; an empty one if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def layers_by_path(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the path of each layer in a ``.weights.h5`` file -> its own configuration.

    Keras 3 numbers the layers of a class instead of naming them: ``layers/conv2d_1``. Files
    of its first releases have no other name, and this is how it gives them.
    """
    return dict(_walk(config, "", 0))


def wrapped_names(config: dict[str, Any]) -> dict[str, str]:
    """Return name of a wrapper (``TimeDistributed``) -> name of the layer that it wraps."""
    names = {}
    for layer in layers_by_path(config).values():
        inner = layer.get("layer")
        inner_config = inner.get("config") if isinstance(inner, dict) else None
        if isinstance(inner_config, dict) and isinstance(inner_config.get("name"), str):
            names[str(layer.get("name"))] = inner_config["name"]
    return names


def _walk(model: Any, path: str, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    content = model.get("config") if isinstance(model, dict) else None
    layers = content.get("layers") if isinstance(content, dict) else content
    if not isinstance(layers, list) or depth > _MAX_DEPTH:
        return
    seen: Counter[str] = Counter()
    for layer in layers:
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), (dict, list)):
            continue
        if str(layer.get("module", "")).startswith("keras.src.ops"):
            continue  # an operation, which has no weights and no number
        name = _snake_case(str(layer.get("class_name", "")))
        number, seen[name] = seen[name], seen[name] + 1
        inner = f"{path}layers/{name}_{number}" if number else f"{path}layers/{name}"
        own = layer["config"]
        if isinstance(own, dict):
            yield inner, own
            wrapped = own.get("layer")
            if isinstance(wrapped, dict) and isinstance(wrapped.get("config"), dict):
                yield f"{inner}/layer", wrapped["config"]
        yield from _walk(layer, f"{inner}/", depth + 1)


def _snake_case(name: str) -> str:
    """Return ``Conv2DTranspose`` as ``conv2d_transpose``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
