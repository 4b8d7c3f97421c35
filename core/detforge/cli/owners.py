"""What other detectors read, to say whose spec a file is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from detforge.errors import PluginError
from detforge.installed import installed_detectors
from detforge.plugins import load_detector

if TYPE_CHECKING:
    from google.protobuf.message import Message


def experiment_schemas() -> dict[str, type[Message]]:
    """Return the message class of the experiment spec of every installed detector.

    Loads them all, so it is for explaining an error; broken ones are left out. Of detectors that
    share a schema the one with the shortest name is there.
    """
    owners: dict[type[Message], str] = {}
    for listing in sorted(installed_detectors(), key=lambda listing: len(listing.name)):
        with contextlib.suppress(PluginError):
            owners.setdefault(load_detector(listing.name).spec_schema(), listing.name)
    return {name: schema for schema, name in owners.items()}
