"""Schemas, checked specs and problems as JSON, for editors and CI."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from detforge.roadmap import release_of
from detforge.spec.choices import choice_aliases_of
from detforge.spec.facts import choices_of, kind_of, rivals_of
from detforge.spec.fields import (
    is_map,
    later_choices_of,
    range_of,
    rules_of,
)
from detforge.spec.outline import entries, retired_names

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

    from detforge.errors import Problem
    from detforge.spec.outline import Entry, Retired


_TYPES = {
    "word": "enum",
    "true or false": "boolean",
    "height and width": "size",
    "list of numbers": "list",
    "whole number": "integer",
}

_ALWAYS = ("path", "type", "required", "help")


def as_text(content: Any) -> str:
    """Return JSON as it is printed."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def schema_as_json(schema: Descriptor) -> dict[str, Any]:
    """Return all fields of a schema, blocks before their fields, and the names it retired."""
    return {
        "fields": [field_as_json(entry) for entry in entries(schema)],
        "retired": [retired_as_json(name) for name in retired_names(schema)],
    }


def field_as_json(entry: Entry) -> dict[str, Any]:
    """Return what a schema says about a field; what does not apply is left out.

    ``default`` and ``example`` are text, as a spec would have them.
    """
    field, rules = entry.field, rules_of(entry.field)
    kind = kind_of(field)
    content = {
        "path": entry.path,
        "type": _TYPES.get(kind, kind),
        "repeated": field.is_repeated,
        "map": is_map(field),
        "required": rules.required,
        "help": rules.help,
        "default": rules.default,
        "example": rules.example,
        "unit": rules.unit,
        **_bounds(field),
        "choices": choices_of(field),
        "later_choices": {word: release_of(name) for word, name in later_choices_of(field).items()},
        "choice_aliases": dict(choice_aliases_of(field)),
        "aliases": list(rules.aliases),
        "also_in": list(rules.also_in),
        "excludes": rivals_of(field),
        "no_effect_beside": rules.yields_to,
        "no_effect_without": rules.needs,
        "secret": rules.secret,
        "no_effect": "",
        "arrives": "",
    }
    for outer in entry.around():
        around = rules_of(outer.field)
        content["no_effect"] = content["no_effect"] or around.deprecated or around.instead
        if around.arrives and not content["arrives"]:
            content["arrives"] = release_of(around.arrives)
    return {
        key: value
        for key, value in content.items()
        if key in _ALWAYS or (value is not False and value not in ("", [], {}))
    }


def retired_as_json(name: Retired) -> dict[str, Any]:
    """Return a name that no field has any more."""
    return {"path": name.path, "advice": name.advice}


def _bounds(field: FieldDescriptor) -> dict[str, float]:
    interval = range_of(field)
    bounds = {}
    if interval and math.isfinite(interval.low):
        bounds["exclusive_minimum" if interval.low_open else "minimum"] = interval.low
    if interval and math.isfinite(interval.high):
        bounds["exclusive_maximum" if interval.high_open else "maximum"] = interval.high
    return {name: int(value) if value.is_integer() else value for name, value in bounds.items()}


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """Return a problem; a place that is unknown is null.

    Its file is ``--set ...`` where the command line changed the field.
    """
    return {
        "file": problem.file,
        "path": problem.path,
        "line": problem.line or None,
        "column": problem.column or None,
        "message": problem.message,
    }


def spec_as_json(message: Message) -> dict[str, Any]:
    """Return the fields of a checked spec, defaults included; it holds no keys."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
