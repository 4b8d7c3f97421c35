"""``detforge list``: the installed detectors, and what is wrong with them."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from detforge.errors import PluginError
from detforge.plugins import Listing, installed_detectors, load_detector


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


def _checked(listing: Listing) -> Listing:
    if listing.problem:
        return listing
    try:
        load_detector(listing.name).spec_schema()
    except PluginError as err:
        return replace(listing, problem=str(err))
    return listing


def _line(listing: Listing) -> str:
    package = f"{listing.distribution} {listing.version}".rstrip()
    if listing.problem:
        return f"{listing.name} ({package}): broken: {listing.problem}"
    return f"{listing.name} ({package}): {listing.summary}"
