"""Files that are no spec, and specs of something else: of another detector, or another task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detforge.nearest import nearest
from detforge.protos import convert_pb2
from detforge.spec.fields import in_oneof, listing, rules_of, schema_of
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from detforge.spec.parser import Parsed

_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*["\[{\]])')
_XML = re.compile(r"\s*<[?!\w]")
# "training_config:" alone in a line, and an indented field or element below it.
_YAML = re.compile(r"(?m)^([ \t]*)[\w-]+:[ \t]*(?:#.*)?\n\1[ \t]+(?:[\w-]+:|- )")
_CONFLICT = re.compile(r"(?m)^(?:<{7}|>{7})(?: |$)")
# So many more fields must another detector know: one or two prove nothing.
_LEAD = 2
_LOOKS = 'a spec has fields such as "num_epochs: 80" in blocks such as "training_config { ... }"'


def other_format(text: str) -> str:
    """Say that a text is no spec but JSON, XML, YAML or half merged, or return ''."""
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return f"holds a merge conflict (line {line}); resolve it"
    text = text.removeprefix("\ufeff")
    if _JSON.match(text):
        is_coco = '"annotations"' in text and '"images"' in text
        return f"is {'a COCO annotation file (JSON)' if is_coco else 'JSON'}, not a spec; {_LOOKS}"
    if _XML.match(text):
        return f"is XML, not a spec; {_LOOKS}"
    is_yaml = "{" not in text and _YAML.search(text)
    return f"looks like YAML, not a spec; {_LOOKS}" if is_yaml else ""


def foreign_to(parsed: Parsed) -> str:
    """Say that a spec belongs to something else, judged by its blocks, or return ''.

    It does when it has blocks that the schema neither knows nor knows by a similar name, and
    lacks the schema's own.
    """
    schema = schema_of(parsed.message)
    strange = [name for name in parsed.unknown_blocks if not nearest(name, schema.fields_by_name)]
    own = _own_blocks(schema)
    if not strange or not own or any(name in parsed.positions for name in own):
        return ""
    kind, advice = _kind(schema, strange)
    found = listing(dict.fromkeys(strange), "and")
    return f"looks like {kind}: it has {found}, and lacks {listing(own)}{advice}"


def owner_of(text: str, parsed: Parsed, others: Callable[[], Mapping[str, type[Message]]]) -> str:
    """Say which other detector a spec belongs to, judged by its fields, or return ''.

    One field is a slip; several, or a whole block, are somebody's.

    Args:
        text: the spec.
        parsed: what it turned into.
        others: detector -> schema of its experiment spec; asked only for such a spec.
    """
    if len(parsed.unknown) < 2 and not parsed.unknown_blocks:
        return ""
    strangers, known = len(parsed.unknown), len(parsed.positions) + _LEAD
    best = ""
    for name, schema in others().items():
        candidate = parse_text(text, schema())
        fits = 3 * len(candidate.unknown) <= strangers and len(candidate.positions) > known
        if fits and schema_of(parsed.message) != schema.DESCRIPTOR:
            best, known = name, len(candidate.positions)
    if not best:
        return ""
    names = list(dict.fromkeys(parsed.unknown))
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    found = listing([*names[:3], *more], "and")
    if schema_of(parsed.message) is convert_pb2.Convert.DESCRIPTOR:
        kind, advice = f"an experiment spec of {best}, not a conversion spec", "train"
    else:
        kind, advice = f"a spec of {best}", "..."
    advice = f"run 'detforge {best} {advice}' with it"
    verb = "is" if len(names) == 1 else "are"
    return f"looks like {kind}: {found} {verb} unknown here; {advice}"


def _kind(schema: Descriptor, blocks: list[str]) -> tuple[str, str]:
    conversion = convert_pb2.Convert.DESCRIPTOR
    if schema is conversion:
        kind = "an experiment spec, not a conversion spec"
        return kind, "; train and the tasks behind it take it"
    if set(blocks) <= set(conversion.fields_by_name):
        return "a conversion spec, not an experiment spec", "; dataset_convert takes it"
    return "a spec of another detector", ""


def _own_blocks(schema: Descriptor) -> list[str]:
    """Return the top-level blocks without which a spec is hardly one of this schema.

    Alternatives of a oneof and required blocks, of a type that the schema's own file defines:
    the messages that detectors share prove nothing.
    """
    return [
        field.name
        for field in schema.fields
        if field.message_type is not None
        and field.message_type.file.name == schema.file.name
        and (in_oneof(field) or rules_of(field).required)
    ]
