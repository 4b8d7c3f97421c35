"""Whether the rules of a whole schema make sense; for the tests of those who write one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from detforge.errors import PluginError
from detforge.roadmap import arrival
from detforge.spec.choices import choice_aliases_of, loose
from detforge.spec.fields import (
    FLOATS,
    INTEGER_RANGES,
    fields_by_spelling,
    later_choices_of,
    range_of,
    retired_in,
    rules_of,
    sibling_of,
    value_field,
)
from detforge.spec.moved import guests_of, steady_blocks
from detforge.spec.parser import parse_text
from detforge.spec.rules import apply_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message


def check_schema(schema: type[Message]) -> None:
    """Check what a schema says about its fields.

    Every field has a help text; ranges, defaults, examples and choices can be read and agree;
    later features are known; names, aliases and words are unambiguous; rules name fields and
    blocks that exist, and stand next to fields that they can apply to.

    Args:
        schema: the message class of a spec.

    Raises:
        PluginError: with everything that is wrong.
    """
    if findings := list(dict.fromkeys(_findings(schema.DESCRIPTOR))):  # type: ignore[arg-type]
        raise PluginError("\n".join(findings))


def _findings(schema: Descriptor) -> Iterator[str]:
    messages = list(_messages(schema))
    for message in messages:
        yield from _block_findings(message)
        for field in message.fields:
            if not message.GetOptions().map_entry:
                yield from (f"{field.full_name} {fault}" for fault in _field_faults(field))
    yield from _place_findings(schema, messages)


def _messages(schema: Descriptor) -> Iterator[Descriptor]:
    """Yield every message type that a spec of this schema can hold."""
    waiting, seen = [schema], {schema.full_name}
    while waiting:
        message = waiting.pop()
        yield message
        for field in message.fields:
            kind = field.message_type
            if kind is not None and kind.full_name not in seen:
                seen.add(kind.full_name)
                waiting.append(kind)


def _block_findings(message: Descriptor) -> Iterator[str]:
    owners: dict[str, str] = {field.name: field.name for field in message.fields}
    for field in message.fields:
        for alias in rules_of(field).aliases:
            if owners.setdefault(alias, field.name) != field.name or alias == field.name:
                yield f"{field.full_name} has the alias {alias!r}, which is {owners[alias]}'s name"
    for name, advice in retired_in(message).items():
        if not (name and advice):
            yield f"{message.full_name} retires {name!r} without saying what to do instead"
        if name in owners:
            yield f"{message.full_name} retires {name!r}, which is still a name here"


def _field_faults(field: FieldDescriptor) -> Iterator[str]:
    """Yield what is wrong with the rules of one field, as the end of a sentence."""
    rules = rules_of(field)
    if not rules.help:
        yield "has no help text (rules.help)"
    checks = (_kind_faults, _reference_faults, _choice_faults, _value_faults)
    for check in checks:
        try:
            yield from check(field)
        except PluginError as err:
            yield f"has a wrong rule: {err}"


def _kind_faults(field: FieldDescriptor) -> Iterator[str]:
    rules, kind = rules_of(field), value_field(field)
    is_text = kind.type == FieldDescriptor.TYPE_STRING
    is_number = kind.cpp_type in FLOATS or kind.cpp_type in INTEGER_RANGES
    if (rules.list or rules.size or rules.secret) and (field.is_repeated or not is_text):
        yield "has list, size or secret, which are for single strings"
    if (rules.choices or rules.choice_aliases) and not is_text:
        yield "has choices, which are for strings"
    if rules.list and rules.size:
        yield "has both list and size"
    if rules.range and not (is_number or rules.list or rules.size):
        yield "has a range, but holds no numbers"
    if rules.required and rules.default:
        yield "is required and has a default"
    if sum(map(bool, (rules.deprecated, rules.arrives, rules.instead))) > 1:
        yield "has more than one of deprecated, arrives and instead"
    if rules.secret and (rules.default or rules.example or rules.choices):
        yield "is secret and has a value in the schema"


def _reference_faults(field: FieldDescriptor) -> Iterator[str]:
    rules = rules_of(field)
    if rules.arrives:
        arrival(rules.arrives)
    for sibling in filter(None, (rules.yields_to, rules.needs)):
        if sibling_of(field, sibling) is field:
            yield "refers to itself"


def _choice_faults(field: FieldDescriptor) -> Iterator[str]:
    choices = list(rules_of(field).choices)
    if len(set(choices)) < len(choices):
        yield "has a choice twice"
    for word, feature in later_choices_of(field).items():
        arrival(feature)
        if word not in choices:
            yield f"has the later choice {word!r}, which is no choice"
    meanings = {loose(choice): choice for choice in choices}
    for word, choice in choice_aliases_of(field).items():
        if choice not in choices:
            yield f"has the word {word!r} for {choice!r}, which is no choice"
        elif meanings.setdefault(loose(word), choice) != choice:
            yield f"has the word {word!r} for {choice!r}, which means {meanings[loose(word)]!r}"


def _value_faults(field: FieldDescriptor) -> Iterator[str]:
    """Hold the default and the example against the other rules."""
    range_of(field)
    rules = rules_of(field)
    for rule, text in (("default", rules.default), ("example", rules.example)):
        if text:
            for fault in _faults_of(field, rule, text):
                yield f"has the {rule} {text}, which is wrong: {fault}"


def _faults_of(field: FieldDescriptor, rule: str, text: str) -> Iterator[str]:
    block: Any = field.containing_type
    message: Any = message_factory.GetMessageClass(block)()
    parsed = parse_text(f"{field.name}: {text}", message)
    yield from (problem.message for problem in parsed.problems)
    if parsed.problems or rules_of(field).arrives or rules_of(field).instead:
        return
    before = type(message).FromString(message.SerializePartialToString())
    # An example of a block need not be whole: the examples of its fields complete it.
    checked = apply_rules(message, parsed.positions, complete=rule == "default")
    faults = [
        str(problem)
        for problem in checked.problems
        if problem.path.partition(".")[0].partition("[")[0] == field.name
    ]
    yield from faults
    is_kept = getattr(message, field.name) == getattr(before, field.name)
    if not (field.message_type or faults or is_kept):
        yield "a choice is spelt otherwise"


def _place_findings(schema: Descriptor, messages: list[Descriptor]) -> Iterator[str]:
    """Yield what is wrong with rules about fields that must have one place."""
    steady = dict(steady_blocks(schema))
    for message in messages:
        for field in message.fields:
            rules = rules_of(field)
            if (rules.also_in or rules.secret) and message not in steady.values():
                rule = "also_in" if rules.also_in else "secret"
                yield f"{field.full_name} has {rule}, but its block is in a list, map or oneof"
    try:
        guests = {path: guests_of(schema, path) for path in steady}
    except PluginError as err:
        yield str(err)
        return
    for path, block in steady.items():
        for name, home in guests[path].items():
            if name in fields_by_spelling(block) or name in retired_in(block):
                yield f"{home.field.full_name} is also in {path!r}, which has a {name!r} itself"
