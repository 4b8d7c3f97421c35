"""Weights in the HDF5 files of Keras 2 and Keras 3, read as data: no code, no links, no filters.

Keras 2 (``.hdf5``, ``.h5``, of a whole model or of weights alone) lists its layers in attributes:
``layer_names`` of the group ``model_weights`` or of the file, ``weight_names`` of each layer's
group; lists too long for one attribute are cut into ``layer_names0``, ``layer_names1``, ... Keras 3
(``.weights.h5``, and inside ``.keras``) has a group ``vars`` for each layer, with numbered arrays
and, except from older versions, the layer's name.

A forged or damaged file can crash or stall the HDF5 library itself: `detforge.pretrained.apart`
calls this in a process of its own.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import CheckpointError
from detforge.pretrained.archives import MAX_BYTES, MAX_RATIO, raise_damaged
from detforge.pretrained.keras_config import layers_by_path, read_config, wrapped_names
from detforge.pretrained.layer_names import Entry, group_layers, slot_of, slots_by_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    import numpy as np

_MAX_NAMES, _MAX_DEPTH = 100_000, 32
_MAX_CONFIG_BYTES = 64 * 2**20


class KerasWeights(NamedTuple):
    """What a Keras file holds.

    Attributes:
        arrays: path in the file -> array.
        layers: layer name -> slot -> path of its array; a layer without weights is there too.
    """

    arrays: dict[str, np.ndarray]
    layers: dict[str, dict[str, str]]


def read_hdf5(data: bytes, file: str, config_text: bytes = b"") -> KerasWeights:
    """Return the weights in an HDF5 file.

    Args:
        data: the whole file.
        file: its name, for messages.
        config_text: the model's configuration where it lies beside the file, as in ``.keras``.

    Raises:
        CheckpointError: it is cut short, damaged, made to be large when it is read, refers to
            other files, or names no layers.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as content:
            return _Reader(content, len(data), file, config_text).read()
    except CheckpointError:
        raise
    except Exception as err:
        if "truncated file" in str(err):
            raise CheckpointError(
                f"{file} is cut short: its end is missing after {len(data)} bytes; copy it again "
                "from where it came from"
            ) from err
        raise_damaged(file, err)


class _Reader:
    """Reads one file and keeps count of what was read."""

    def __init__(self, content: h5py.File, size: int, file: str, config_text: bytes) -> None:
        self._content, self._size, self._file = content, size, file
        self._config = read_config(config_text or self._model_config())
        self._stored = self._claimed = self._visited = 0
        self._arrays: dict[str, np.ndarray] = {}
        self._walked: set[h5py.Group] = set()

    def read(self) -> KerasWeights:
        content = self._content
        group = self._open(content, "model_weights") if "model_weights" in content else content
        if any(name in group.attrs for name in ("layer_names", "layer_names0")):
            layers = group_layers(self._listed(group))
        else:
            layers = group_layers(self._numbered())
        if not self._arrays:
            raise CheckpointError(
                f"{self._file} is an HDF5 file, but not of weights of Keras: no layer in it has any"
            )
        for outer, inner in wrapped_names(self._config).items():
            if outer in layers:
                layers.setdefault(inner, layers[outer])
        return KerasWeights(self._arrays, layers)

    def _listed(self, group: h5py.Group) -> Iterator[Entry]:
        """Yield what the attributes of Keras 2 list."""
        for layer in self._names(group, "layer_names"):
            inside = self._open(group, layer)
            names = self._names(inside, "weight_names")
            # A model inside a model has its layers' names in front of its weights' names.
            prefixes = {name.rpartition("/")[0] for name in names}
            if not names:
                yield Entry("", layer, "", "")
            for name in names:
                self._take(f"{layer}/{name}", self._open(inside, name))
                prefix = name.rpartition("/")[0]
                own = layer if len(prefixes) == 1 else prefix.rpartition("/")[2]
                yield Entry("" if own == layer else layer, own, slot_of(name), f"{layer}/{name}")

    def _numbered(self) -> Iterator[Entry]:
        """Yield what lies in the groups of Keras 3."""
        configs = layers_by_path(self._config)
        by_name = {config.get("name"): config for config in configs.values()}
        for path, group in self._walk(self._content, "", 0):
            # What Keras 2.12 called it.
            config = configs.get(path.replace("_layer_checkpoint_dependencies", "layers"), {})
            layer = self._text(group.attrs["name"]) if "name" in group.attrs else config.get("name")
            numbers = sorted(map(str, group), key=int)
            if not isinstance(layer, str):
                if numbers:
                    self._raise_nameless(path)
                continue
            arrays = [
                self._take(f"{path}/vars/{number}", self._open(group, number)) for number in numbers
            ]
            config = by_name.get(layer, config)
            slots = slots_by_shape([array.ndim for array in arrays], config) or ("",)
            outer = path.rpartition("/")[0]
            for slot, number in zip(slots, numbers or [""], strict=True):
                yield Entry(outer, layer, slot, f"{path}/vars/{number}")

    def _walk(self, group: h5py.Group, path: str, depth: int) -> Iterator[tuple[str, h5py.Group]]:
        import h5py

        if group in self._walked:
            raise CheckpointError(f"{self._file} is damaged: {path} in it holds itself")
        self._walked.add(group)
        for name in map(str, group):
            inside = self._open(group, name)
            if depth > _MAX_DEPTH or not isinstance(inside, h5py.Group) or name == "optimizer":
                continue
            if name != "vars":
                yield from self._walk(inside, f"{path}/{name}" if path else name, depth + 1)
            elif path:  # those of the model itself are no layer's
                yield path, inside

    def _take(self, name: str, dataset: Any) -> np.ndarray:
        """Return the array of a dataset, if the file can hold it."""
        import h5py

        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            raise CheckpointError(f"{self._file} is damaged: {name} in it is no array")
        self._check_stored_here(dataset, name)
        array = dataset[()]
        if dataset.attrs.get("dtype") == "bfloat16":
            import numpy as np

            array = (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        self._arrays[name] = array
        return array

    def _check_stored_here(self, dataset: h5py.Dataset, name: str) -> None:
        kinds = "fiub" + ("V" if dataset.attrs.get("dtype") == "bfloat16" else "")
        if dataset.is_virtual or dataset.external or dataset.dtype.kind not in kinds:
            raise CheckpointError(
                f"{self._file}: {name} in it refers to another file or holds no numbers; only "
                "arrays of numbers in the file itself are read"
            )
        size = math.prod(dataset.shape) * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        chunk = math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
        self._stored += stored
        self._claimed += size
        compressed = self._is_compressed(dataset, name)
        if (
            size > stored * (MAX_RATIO if compressed else 1)
            or self._stored > self._size
            or self._claimed > max(MAX_BYTES, self._size)
            or chunk > max(size, 2**20)
        ):
            raise CheckpointError(
                f"{self._file} is damaged, or made to be large when it is read: {name} in it has "
                f"the shape {dataset.shape}, and the file has {self._size} bytes"
            )

    def _is_compressed(self, dataset: h5py.Dataset, name: str) -> bool:
        import h5py

        known = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
        plan = dataset.id.get_create_plist()
        filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
        if filters - known:  # HDF5 would look for a library that reads it, and run it
            raise CheckpointError(
                f"{self._file}: {name} in it is compressed in a way that is not read here; save it "
                "without compression, or with gzip"
            )
        return h5py.h5z.FILTER_DEFLATE in filters

    def _open(self, group: Any, path: str) -> Any:
        """Return what lies at a path, without leaving the file or following names to elsewhere."""
        import h5py

        for name in path.split("/"):
            self._visited += 1
            if self._visited > _MAX_NAMES:
                raise CheckpointError(
                    f"{self._file} is damaged, or none of weights: it has more than {_MAX_NAMES} "
                    "groups and arrays"
                )
            inside = isinstance(group, h5py.Group) and name in group
            link = group.get(name, getlink=True) if inside else None
            if not isinstance(link, h5py.HardLink):
                what = "a link to elsewhere" if link is not None else "not there"
                raise CheckpointError(f"{self._file} is damaged: {path} in it is {what}")
            group = group[name]
        return group

    def _names(self, group: Any, attribute: str) -> list[str]:
        """Return a list of names, which may be cut into several attributes."""
        attributes: Any = getattr(group, "attrs", {})
        if attribute in attributes:
            pieces = [attribute]
        else:
            pieces = [f"{attribute}{i}" for i in range(len(attributes))]
            pieces = pieces[: sum(piece in attributes for piece in pieces)]
        found: list[str] = []
        for piece in pieces:
            count = math.prod(attributes.get_id(piece).shape or (1,))
            if len(found) + count > _MAX_NAMES:
                raise CheckpointError(f"{self._file} is damaged: it lists {count} names")
            found.extend(map(self._text, attributes[piece]))
        return found

    def _text(self, found: Any) -> str:
        """Return a name, which older versions of h5py wrote as bytes."""
        if isinstance(found, bytes):
            return found.decode()
        if not isinstance(found, str):
            raise CheckpointError(f"{self._file} is damaged: a name in it is {found!r}")
        return str(found)

    def _model_config(self) -> str | bytes:
        found = self._content.attrs.get("model_config", b"")
        is_text = isinstance(found, (str, bytes)) and len(found) <= _MAX_CONFIG_BYTES
        return found if is_text else b""

    def _raise_nameless(self, path: str) -> None:
        raise CheckpointError(
            f"{self._file} does not name its layers ({path}, and so on); older versions of Keras "
            "number them. Save the model as .keras or .h5 (model.save), or its weights again with "
            "a newer Keras"
        )
