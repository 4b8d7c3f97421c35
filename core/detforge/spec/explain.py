"""Everything a schema says about a field, found by the name that a user has at hand."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from detforge.spec.choices import choice_aliases_of
from detforge.spec.facts import (
    allowed,
    kind_of,
    later_choices,
    obstacle_of,
    restrictions_of,
    rivals_of,
    sentence,
    shown_choices,
)
from detforge.spec.fields import is_idle, is_map, rules_of, value_field
from detforge.spec.outline import Entry, Retired, entries, retired_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.descriptor import Descriptor, FieldDescriptor

WIDTH = 100
_LABEL = 12  # columns


def find_field(name: str, schema: Descriptor) -> tuple[list[Entry], list[Retired]]:
    """Return what a schema knows under a name, in the schema's order.

    Args:
        name: of a field, an alias, or the end of a path: ``sgd.momentum``. A path as messages
            have it is welcome too: ``data_sources[0].type``.
        schema: the message of the whole spec.
    """
    *blocks, last = parts = re.sub(r"\[[^\]]*\]", "", name).strip(" .:").split(".")
    found = [
        entry
        for entry in entries(schema)
        if _ends_in(parts, entry) or _is_guest(".".join(blocks), last, entry)
    ]
    retired = [
        name for name in retired_names(schema) if name.name == last and _ends_in(blocks, name.outer)
    ]
    return found, retired


def similar_paths(name: str, schema: Descriptor) -> list[str]:
    """Return the paths of fields with a name like this one, at most three."""
    import difflib  # only a mistake needs it

    paths: dict[str, str] = {}
    for entry in entries(schema):
        for known in _names(entry):
            paths.setdefault(known, entry.path)
    wanted = name.rpartition(".")[2].lower().replace("-", "_")
    return [paths[near] for near in difflib.get_close_matches(wanted, paths, n=3)]


def _ends_in(parts: Sequence[str], entry: Entry | None) -> bool:
    """Return whether the path of a field ends in these names, aliases included."""
    around = list(entry.around()) if entry else []
    named = zip(reversed(parts), around, strict=False)
    return len(parts) <= len(around) and all(part in _names(outer) for part, outer in named)


def _is_guest(block: str, name: str, entry: Entry) -> bool:
    """Return whether a field may be written in this block, which is not its own."""
    return block in rules_of(entry.field).also_in and name in _names(entry)


def _names(entry: Entry) -> tuple[str, ...]:
    return entry.field.name, *rules_of(entry.field).aliases


def describe(found: Sequence[Entry], retired: Sequence[Retired] = ()) -> str:
    """Return in words what `find_field` found; what blocks of one type share stands once."""
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.field.full_name, []).append(entry)
    texts = ["\n".join(_describe(group)) for group in groups.values()]
    texts += [f"{name.path}\n  No field here; {name.advice}." for name in retired]
    return "\n\n".join(texts)


def _describe(group: Sequence[Entry]) -> Iterator[str]:
    for entry in group:
        around = (obstacle_of(outer.field) for outer in entry.around() if outer is not entry)
        yield ": ".join([entry.path, *filter(None, around)])
    field = group[0].field
    for text in (rules_of(field).help, obstacle_of(field)):
        yield from textwrap.wrap(sentence(text), WIDTH, initial_indent="  ", subsequent_indent="  ")
    for label, text in _rows(field):
        yield from textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"  {label:{_LABEL}}",
            subsequent_indent=" " * (_LABEL + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _rows(field: FieldDescriptor) -> Iterator[tuple[str, str]]:
    """Yield the facts about a field as label and text."""
    rules, block = rules_of(field), value_field(field).message_type
    several = ", as key and value" if is_map(field) else ""
    rows = {
        "kind": kind_of(field) + (f"{several}; may be repeated" if field.is_repeated else ""),
        "required": "yes" if rules.required else "",
        "default": rules.default if rules.default != "{}" else "",
        "example": rules.example,
        "allowed": allowed(field),
        "choices": ", ".join(shown_choices(field)),
        "later": "; ".join(later_choices(field)),
        "synonyms": ", ".join(
            f'"{word}" for "{choice}"' for word, choice in choice_aliases_of(field).items()
        ),
        "also named": ", ".join(rules.aliases),
        "also in": ", ".join(place or "the top level" for place in rules.also_in),
        "excludes": ", ".join(rivals_of(field)),
        "note": "; ".join(restrictions_of(field)),
        "secret": "shown and stored nowhere" if rules.secret else "",
        "fields": ", ".join(inner.name for inner in block.fields if not is_idle(inner))
        if block
        else "",
    }
    return ((label, text) for label, text in rows.items() if text)
