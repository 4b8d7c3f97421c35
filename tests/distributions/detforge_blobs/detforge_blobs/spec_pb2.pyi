from detforge.protos import experiment_pb2 as _experiment_pb2
from detforge.protos import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlobsConfig(_message.Message):
    __slots__ = ("width", "top_k")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    width: int
    top_k: int
    def __init__(self, width: _Optional[int] = ..., top_k: _Optional[int] = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("random_seed", "dataset_config", "augmentation_config", "training_config", "eval_config", "blobs_config")
    RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    DATASET_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TRAINING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EVAL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    BLOBS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    random_seed: int
    dataset_config: _experiment_pb2.DatasetConfig
    augmentation_config: _experiment_pb2.AugmentationConfig
    training_config: _experiment_pb2.TrainingConfig
    eval_config: _experiment_pb2.EvalConfig
    blobs_config: BlobsConfig
    def __init__(self, random_seed: _Optional[int] = ..., dataset_config: _Optional[_Union[_experiment_pb2.DatasetConfig, _Mapping]] = ..., augmentation_config: _Optional[_Union[_experiment_pb2.AugmentationConfig, _Mapping]] = ..., training_config: _Optional[_Union[_experiment_pb2.TrainingConfig, _Mapping]] = ..., eval_config: _Optional[_Union[_experiment_pb2.EvalConfig, _Mapping]] = ..., blobs_config: _Optional[_Union[BlobsConfig, _Mapping]] = ...) -> None: ...
