"""Which fields of two specs differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.protos import experiment_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

_SHARED_PACKAGE = experiment_pb2.DESCRIPTOR.package


def own_differences(first: Message, second: Message) -> list[str]:
    """Return the paths of fields that differ in the detector's own blocks.

    The standard messages (data, training, scoring, augmentation) are about a run and are left
    out, as are scalars at the top.

    Args:
        first: a checked spec.
        second: another one of the same schema.
    """
    paths = []
    for field in first.DESCRIPTOR.fields:
        block = field.message_type
        if block is None or block.file.package == _SHARED_PACKAGE:
            continue
        one, two = getattr(first, field.name), getattr(second, field.name)
        paths += [
            f"{field.name}.{inner.name}"
            for inner in block.fields
            if getattr(one, inner.name) != getattr(two, inner.name)
        ]
    return paths
