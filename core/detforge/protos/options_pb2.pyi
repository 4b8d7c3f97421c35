from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
BLOCK_FIELD_NUMBER: _ClassVar[int]
block: _descriptor.FieldDescriptor
RULES_FIELD_NUMBER: _ClassVar[int]
rules: _descriptor.FieldDescriptor

class Rules(_message.Message):
    __slots__ = ("help", "default", "required", "range", "choices", "unit", "aliases", "deprecated", "arrives", "later_choices", "list", "yields_to", "needs", "instead", "also_in", "choice_aliases", "size", "example", "secret")
    HELP_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    DEPRECATED_FIELD_NUMBER: _ClassVar[int]
    ARRIVES_FIELD_NUMBER: _ClassVar[int]
    LATER_CHOICES_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    YIELDS_TO_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    INSTEAD_FIELD_NUMBER: _ClassVar[int]
    ALSO_IN_FIELD_NUMBER: _ClassVar[int]
    CHOICE_ALIASES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    help: str
    default: str
    required: bool
    range: str
    choices: _containers.RepeatedScalarFieldContainer[str]
    unit: str
    aliases: _containers.RepeatedScalarFieldContainer[str]
    deprecated: str
    arrives: str
    later_choices: _containers.RepeatedScalarFieldContainer[str]
    list: bool
    yields_to: str
    needs: str
    instead: str
    also_in: _containers.RepeatedScalarFieldContainer[str]
    choice_aliases: _containers.RepeatedScalarFieldContainer[str]
    size: bool
    example: str
    secret: bool
    def __init__(self, help: _Optional[str] = ..., default: _Optional[str] = ..., required: bool = ..., range: _Optional[str] = ..., choices: _Optional[_Iterable[str]] = ..., unit: _Optional[str] = ..., aliases: _Optional[_Iterable[str]] = ..., deprecated: _Optional[str] = ..., arrives: _Optional[str] = ..., later_choices: _Optional[_Iterable[str]] = ..., list: bool = ..., yields_to: _Optional[str] = ..., needs: _Optional[str] = ..., instead: _Optional[str] = ..., also_in: _Optional[_Iterable[str]] = ..., choice_aliases: _Optional[_Iterable[str]] = ..., size: bool = ..., example: _Optional[str] = ..., secret: bool = ...) -> None: ...

class BlockRules(_message.Message):
    __slots__ = ("retired",)
    RETIRED_FIELD_NUMBER: _ClassVar[int]
    retired: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, retired: _Optional[_Iterable[str]] = ...) -> None: ...
