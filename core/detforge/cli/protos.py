"""Compiling the .proto files of a plugin with the core's own on the include path."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from detforge.errors import PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_GENERATED = ("_pb2.py", "_pb2.pyi")
_VERSION_LINE = re.compile(r"^# Protobuf Python Version: (.*)$", re.MULTILINE)


def compile_protos(paths: Sequence[Path], *, check: bool = False) -> list[tuple[Path, bool]]:
    """Compile .proto files into Python modules and their type stubs.

    Args:
        paths: .proto files, or folders that are searched for those that belong to a Python
            package; hidden folders are not searched.
        check: compare with the modules that are there, and write nothing.

    Returns:
        Each module's path, and whether it was already equal to a fresh compile.

    Raises:
        UsageError: a file that was named lies in no package, or a search found none.
        PluginError: a file does not compile, or with `check`, a module is not fresh.
    """
    files = [file for path in paths for file in _proto_files(path)]
    if not files:
        places = ", ".join(str(path.resolve()) for path in paths)
        raise UsageError(f"there is no .proto file beside an __init__.py in {places}")
    results = []
    for file in files:
        root, output = _roots(file)
        for module, content in _compile(file.relative_to(root).as_posix(), root).items():
            results.append((output / module, _store(output / module, content, check)))
    return results


def _proto_files(path: Path) -> list[Path]:
    """Return absolute paths of the .proto files that a path means."""
    path = path.resolve()
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*.proto")
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
        and (_is_in_package(file) or _is_of_core(file))
    )


def _is_in_package(file: Path) -> bool:
    return (file.parent / "__init__.py").exists()


def _is_of_core(file: Path) -> bool:
    return file.is_relative_to(core_include() / "detforge" / "protos")


def _roots(file: Path) -> tuple[Path, Path]:
    """Return the folder a file's registered name starts from, and where its modules start.

    They are the same, except for the core's own files in a checkout.
    """
    if _is_of_core(file):
        return core_include(), _core_package().parent
    if not _is_in_package(file):
        raise UsageError(
            f"{file} lies in no Python package; add __init__.py beside it. Two plugins with a "
            f"file registered as plain {file.name} could not be loaded together"
        )
    folder = file.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder, folder


def _compile(name: str, root: Path) -> dict[str, bytes]:
    """Return module path -> content for one file, by its registered name."""
    if importlib.util.find_spec("grpc_tools") is None:
        raise UsageError(
            "compiling needs protoc: pip install 'grpcio-tools>=1.73,<1.75' (newer ones write "
            "code that older protobuf releases cannot load)"
        )
    with tempfile.TemporaryDirectory() as target:
        # In a process of its own: beside TensorFlow, protoc crashes (tried).
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{root}", f"-I{core_include()}"]
        command += [f"--python_out={target}", f"--pyi_out={target}", name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise PluginError(f"{root / name} does not compile: {result.stderr.strip()}")
        stem = name.removesuffix(".proto").replace("-", "_")
        return {stem + end: (Path(target) / (stem + end)).read_bytes() for end in _GENERATED}


def core_include() -> Path:
    """Return the folder from which ``detforge/protos/options.proto`` is found.

    A wheel carries the .proto files in the package; a checkout keeps them apart.
    """
    package = _core_package()
    candidates = (package.parent, package.parents[1] / "protos")
    for folder in candidates:
        if (folder / "detforge/protos/options.proto").exists():
            return folder
    raise PluginError(
        "this installation of detforge lacks its .proto files (looked in "
        f"{' and '.join(map(str, candidates))}); reinstall detforge"
    )


def _core_package() -> Path:
    return Path(str(resources.files("detforge"))).resolve()


def _store(path: Path, content: bytes, check: bool) -> bool:
    """Write one module unless it is fresh already, and say whether it was."""
    present = path.read_bytes() if path.exists() else b""
    if present == content:
        return True
    if check and path.suffix == ".pyi" and not present:
        return True  # a plugin may do without stubs
    if check:
        raise PluginError(f"{path} {_difference(present, content)}")
    path.write_bytes(content)
    return False


def _difference(present: bytes, fresh: bytes) -> str:
    if not present:
        return "is absent; run 'detforge dev protos' without --check and commit what it writes"
    old, new = (_VERSION_LINE.search(content.decode()) for content in (present, fresh))
    if old and new and old[1] != new[1]:
        return (
            f"was written for protobuf {old[1]}, and the protoc at hand writes for {new[1]}; "
            "compile with the same grpcio-tools"
        )
    return (
        "differs from a fresh compile of its .proto; run 'detforge dev protos' without --check "
        "and commit what it writes"
    )
