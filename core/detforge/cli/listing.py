"""``detforge list`` and ``detforge --version``: what is installed, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from detforge.errors import PluginError
from detforge.installed import Listing, installed_detectors


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
@click.option("--check", is_flag=True, help="Load each detector too; exit with 2 if one is broken.")
@click.pass_context
def list_command(ctx: click.Context, as_json: bool, check: bool) -> None:
    """Show the installed detectors, and what is wrong with them."""
    listings = installed_detectors()
    if check:
        listings = [_checked(listing) for listing in listings]
    if as_json:
        import json

        click.echo(json.dumps([asdict(listing) for listing in listings], indent=2))
    elif listings:
        for listing in listings:
            click.echo(_line(listing))
    else:
        click.echo("No detector is installed. Each one is a package of its own; use pip.")
    if check and any(listing.problem for listing in listings):
        ctx.exit(2)


def versions() -> str:
    """Return the versions of detforge, Python and the installed packages of detectors."""
    import platform

    from detforge import __version__

    packages: dict[str, list[str]] = {}
    for listing in installed_detectors():
        packages.setdefault(_package(listing), []).append(listing.name)
    lines = [f"{package} ({', '.join(names)})" for package, names in sorted(packages.items())]
    return "\n".join([f"detforge {__version__} (Python {platform.python_version()})", *lines])


def _checked(listing: Listing) -> Listing:
    if listing.problem:
        return listing
    from detforge.plugins import load_detector

    try:
        load_detector(listing.name).spec_schema()
    except PluginError as err:
        return replace(listing, problem=str(err))
    return listing


def _line(listing: Listing) -> str:
    text = f"broken: {listing.problem}" if listing.problem else listing.summary
    return f"{listing.title} ({_package(listing)}): {text}"


def _package(listing: Listing) -> str:
    return f"{listing.distribution} {listing.version}".rstrip()
