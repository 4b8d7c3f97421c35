"""``detforge dev``: what authors of detectors need."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("dev")
def dev_group() -> None:
    """For authors of detectors."""


@dev_group.command()
@click.argument(
    "paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
@click.option("--check", is_flag=True, help="Write nothing; fail if a compiled file is not fresh.")
def protos(paths: tuple[Path, ...], check: bool) -> None:
    """Compile .proto files to Python modules beside them.

    PATH is a file, or a folder that is searched for files in Python packages; without one, the
    current folder is. A file is registered under its path from the folder that holds its
    package (detforge_ssd/spec.proto), so that the schemas of several detectors can be loaded
    together.
    """
    from detforge.cli.protos import compile_protos

    for path, is_fresh in compile_protos(paths or (Path(),), check=check):
        click.echo(f"{path}: {'fresh' if is_fresh else 'written'}")
