from detforge.protos import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Experiment(_message.Message):
    __slots__ = ("random_seed",)
    RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    random_seed: int
    def __init__(self, random_seed: _Optional[int] = ...) -> None: ...
