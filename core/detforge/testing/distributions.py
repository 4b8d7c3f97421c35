"""Packages that exist only as metadata: what `importlib.metadata` sees of an installed one."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    EntryPoints = Mapping[str, Mapping[str, str]]


def add_distribution(
    folder: Path,
    name: str,
    *,
    version: str = "1.0",
    summary: str = "",
    requires: Sequence[str] = ("detforge",),
    entry_points: EntryPoints | None = None,
    modules: Mapping[str, str] | None = None,
) -> Path:
    """Make a package known to every Python that has a folder on its path.

    Args:
        folder: a folder on ``sys.path`` (``monkeypatch.syspath_prepend``) or ``PYTHONPATH``.
        name: of the distribution, ``"detforge-centernet"``.
        version: of the distribution.
        summary: one line, as detforge's help shows it.
        requires: requirements as in ``pyproject.toml``.
        entry_points: group -> name -> module,
            ``{"detforge.detectors": {"centernet": "centernet_plugin"}}``.
        modules: module name -> source text, written into the folder.

    Returns:
        The folder with the metadata.
    """
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    header = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    header += [f"Summary: {summary}", *(f"Requires-Dist: {text}" for text in requires)]
    (metadata / "METADATA").write_text("\n".join(header) + "\n", encoding="utf-8")
    lines = []
    for group, points in (entry_points or {}).items():
        lines += [f"[{group}]", *(f"{point} = {module}" for point, module in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for module, source in (modules or {}).items():
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
    importlib.invalidate_caches()
    return metadata
