"""The field rules of a schema, held against a message; one validator for all detectors.

Rules are the option ``(detforge.rules)`` next to each field, see
``protos/detforge/protos/options.proto``. Absent fields take their documented defaults, in blocks
that are present; a oneof in which nothing is set is left to the recipe.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import Problem
from detforge.roadmap import arrival
from detforge.spec.defaults import parse_value, with_default
from detforge.spec.fields import (
    element_path,
    in_oneof,
    is_map,
    join,
    rules_of,
    schema_of,
    sibling_of,
    value_field,
)
from detforge.spec.value_rules import check_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

log = logging.getLogger(__name__)


class Checked(NamedTuple):
    """What came of holding a message against its schema.

    Attributes:
        problems: errors, without their places.
        warnings: likewise.
        mended: path of each field whose value was wrong or absent -> what the message has now, as
            a spec would have it; empty for nothing.
    """

    problems: list[Problem]
    warnings: list[Problem]
    mended: dict[str, str]


def apply_rules(
    message: Message,
    given: Collection[str] = (),
    faulty: Iterable[str] = (),
    *,
    complete: bool = True,
) -> Checked:
    """Check a message against its schema and fill in the defaults of absent fields.

    Args:
        message: changed in place; a field with an error becomes what it is by default, or in the
            schema's example where it is required.
        given: paths of the fields that the spec sets; tells an explicit zero from an absent
            field where the schema's field is not ``optional``.
        faulty: paths that already have an error, and get no second one.
        complete: whether a required field that is absent is an error; not so where blocks were
            torn apart by a missing brace.

    Raises:
        PluginError: the schema itself is wrong: a default or a range that cannot be read.
    """
    checker = _Checker(given, frozenset(faulty), complete)
    checker.check_message(message, "")
    return Checked(checker.problems, checker.warnings, checker.mended)


class _Checker:
    def __init__(self, given: Collection[str], faulty: frozenset[str], complete: bool) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.mended: dict[str, str] = {}
        self._given = given
        # An element's error, "freeze_blocks[1]", counts for the field too.
        self._faulty = faulty | {path.rpartition("[")[0] for path in faulty if path.endswith("]")}
        self._complete = complete

    def check_message(self, message: Message, path: str) -> None:
        """Check all fields of a present block."""
        fields = schema_of(message).fields
        for field in fields:  # before any default is filled in
            if self._is_set(message, field, join(path, field.name)):
                self._check_siblings(message, field, path)
        for field in fields:
            self._check_field(message, field, join(path, field.name))

    def _check_siblings(self, message: Message, field: FieldDescriptor, block: str) -> None:
        """Warn of a field that has no effect because of another field of its block."""
        rules, path = rules_of(field), join(block, field.name)
        if rules.yields_to:
            other = sibling_of(field, rules.yields_to)
            place = join(block, other.name)
            if self._is_set(message, other, place) and getattr(message, other.name):
                self._warn(path, f"has no effect: {place} is given too, and wins")
        if rules.needs and not _changes_nothing(message, field):
            other = sibling_of(field, rules.needs)
            place = join(block, other.name)
            if place not in self._faulty and _changes_nothing(message, other):
                self._warn(path, f"has no effect: {place} is {_shown(message, other)}")

    def _check_field(self, message: Message, field: FieldDescriptor, path: str) -> None:
        rules = rules_of(field)
        if not self._is_set(message, field, path):
            if path in self._faulty:
                self._mend(message, field, path)
                return
            if rules.required:
                if self._complete:
                    self._add(path, f"is required and absent: {_help(field)}")
                self._mend(message, field, path)
                return
            if not rules.default or path in self._given or in_oneof(field):
                return
            message.MergeFrom(with_default(field))
            if field.message_type is not None:
                self._check_values(message, field, path)
            elif not (rules.arrives or rules.deprecated):
                log.debug("%s is absent and takes its default, %s", path, rules.default)
            return
        if rules.deprecated:
            self._warn(path, f"has no effect: {rules.deprecated}")
        elif rules.arrives or rules.instead:
            if not _changes_nothing(message, field):
                later = "" if rules.instead else f"{arrival(rules.arrives)}; remove it"
                self._add(path, later or f"is not read; {rules.instead}")
                self._mend(message, field, path)
        else:
            self._check_values(message, field, path)

    def _is_set(self, message: Message, field: FieldDescriptor, path: str) -> bool:
        if field.is_repeated:
            return len(getattr(message, field.name)) > 0
        if field.has_presence:
            return message.HasField(field.name)
        return path in self._given or getattr(message, field.name) != field.default_value

    def _check_values(self, message: Message, field: FieldDescriptor, path: str) -> None:
        is_block, is_wrong = value_field(field).message_type is not None, False
        for key, value_path, value in _values(message, field, path):
            if is_block:
                self.check_message(value, value_path)
            elif value_path not in self._faulty:
                proper, fault = check_value(field, value)
                is_wrong |= bool(fault)
                if fault:
                    self._add(value_path, fault)
                elif proper != value:
                    _replace(message, field, key, proper)
        if is_wrong:
            self._mend(message, field, path)

    def _mend(self, message: Message, field: FieldDescriptor, path: str) -> None:
        """Put a right value in the place of a wrong or absent one."""
        rules = rules_of(field)
        text = rules.default or (rules.example if rules.required else "")
        message.ClearField(field.name)
        self.mended[path] = text
        if text:
            message.MergeFrom(parse_value(field, text))
        if rules.required and field.message_type is not None and not field.is_repeated:
            block = getattr(message, field.name)
            block.SetInParent()
            apply_rules(block, complete=False)

    def _add(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(Problem(path, message))


def _values(message: Message, field: FieldDescriptor, path: str) -> Iterator[tuple[Any, str, Any]]:
    """Yield key or index, path and value of a field, or of each of its elements."""
    content = getattr(message, field.name)
    if is_map(field):
        for key in list(content):
            yield key, element_path(path, key), content[key]
    elif field.is_repeated:
        for index, value in enumerate(content):
            yield index, element_path(path, index), value
    else:
        yield None, path, content


def _replace(message: Message, field: FieldDescriptor, key: Any, value: Any) -> None:
    if key is None:
        setattr(message, field.name, value)
    else:
        getattr(message, field.name)[key] = value


def _changes_nothing(message: Message, field: FieldDescriptor) -> bool:
    """Return whether a field means the same as if it were absent.

    A block does when it has a default, is no alternative of others, and sets nothing that has an
    effect: ``visualizer { enabled: false }``.
    """
    if field.has_presence and not message.HasField(field.name):
        return True
    value = getattr(message, field.name)
    default = getattr(with_default(field), field.name)
    if field.message_type is None or field.is_repeated:
        return value == default
    if in_oneof(field) or not rules_of(field).default:
        return False
    return _effect(value) == _effect(default)


def _effect(block: Message) -> Message:
    """Return a copy with defaults filled in, less the fields that lack what they need."""
    copy = type(block)()
    copy.CopyFrom(block)
    if apply_rules(copy).mended:
        return block
    for field in schema_of(copy).fields:
        needs = rules_of(field).needs
        if needs and _changes_nothing(copy, sibling_of(field, needs)):
            copy.ClearField(field.name)
    return copy


def _shown(message: Message, field: FieldDescriptor) -> str:
    """Return the value of a field, or its default, as a spec would have it."""
    if field.has_presence and not message.HasField(field.name):
        return rules_of(field).default or "absent"
    value = getattr(message, field.name)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return str(value).lower() if isinstance(value, bool) else str(value)


def _help(field: FieldDescriptor) -> str:
    """Return what a field is, as the end of a sentence: ``length (epochs), such as 80``."""
    rules = rules_of(field)
    text = rules.help.partition(";")[0].rstrip(".") or f"a {field.name}"
    text = f"{text[0].lower()}{text[1:]}"
    unit = f" ({rules.unit})" if rules.unit and rules.unit not in text else ""
    is_short = rules.example and field.message_type is None
    return text + unit + (f", such as {rules.example}" if is_short else "")
