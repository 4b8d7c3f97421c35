from detforge.protos import experiment_pb2 as _experiment_pb2
from detforge.protos import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SsdConfig(_message.Message):
    __slots__ = ("aspect_ratios", "aspect_ratios_global", "scales", "min_scale", "max_scale", "two_boxes_for_ar1", "steps", "clip_boxes", "variances", "offsets", "mean_color", "arch", "nlayers", "pred_num_channels", "alpha", "neg_pos_ratio", "pos_iou_thresh", "freeze_blocks", "freeze_bn", "neg_iou_thresh")
    ASPECT_RATIOS_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIOS_GLOBAL_FIELD_NUMBER: _ClassVar[int]
    SCALES_FIELD_NUMBER: _ClassVar[int]
    MIN_SCALE_FIELD_NUMBER: _ClassVar[int]
    MAX_SCALE_FIELD_NUMBER: _ClassVar[int]
    TWO_BOXES_FOR_AR1_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CLIP_BOXES_FIELD_NUMBER: _ClassVar[int]
    VARIANCES_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_FIELD_NUMBER: _ClassVar[int]
    MEAN_COLOR_FIELD_NUMBER: _ClassVar[int]
    ARCH_FIELD_NUMBER: _ClassVar[int]
    NLAYERS_FIELD_NUMBER: _ClassVar[int]
    PRED_NUM_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    NEG_POS_RATIO_FIELD_NUMBER: _ClassVar[int]
    POS_IOU_THRESH_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BN_FIELD_NUMBER: _ClassVar[int]
    NEG_IOU_THRESH_FIELD_NUMBER: _ClassVar[int]
    aspect_ratios: str
    aspect_ratios_global: str
    scales: str
    min_scale: float
    max_scale: float
    two_boxes_for_ar1: bool
    steps: str
    clip_boxes: bool
    variances: str
    offsets: str
    mean_color: str
    arch: str
    nlayers: int
    pred_num_channels: int
    alpha: float
    neg_pos_ratio: float
    pos_iou_thresh: float
    freeze_blocks: _containers.RepeatedScalarFieldContainer[int]
    freeze_bn: bool
    neg_iou_thresh: float
    def __init__(self, aspect_ratios: _Optional[str] = ..., aspect_ratios_global: _Optional[str] = ..., scales: _Optional[str] = ..., min_scale: _Optional[float] = ..., max_scale: _Optional[float] = ..., two_boxes_for_ar1: bool = ..., steps: _Optional[str] = ..., clip_boxes: bool = ..., variances: _Optional[str] = ..., offsets: _Optional[str] = ..., mean_color: _Optional[str] = ..., arch: _Optional[str] = ..., nlayers: _Optional[int] = ..., pred_num_channels: _Optional[int] = ..., alpha: _Optional[float] = ..., neg_pos_ratio: _Optional[float] = ..., pos_iou_thresh: _Optional[float] = ..., freeze_blocks: _Optional[_Iterable[int]] = ..., freeze_bn: bool = ..., neg_iou_thresh: _Optional[float] = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("random_seed", "dataset_config", "augmentation_config", "training_config", "eval_config", "nms_config", "ssd_config", "dssd_config")
    RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    DATASET_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TRAINING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EVAL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    NMS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SSD_CONFIG_FIELD_NUMBER: _ClassVar[int]
    DSSD_CONFIG_FIELD_NUMBER: _ClassVar[int]
    random_seed: int
    dataset_config: _experiment_pb2.DatasetConfig
    augmentation_config: _experiment_pb2.AugmentationConfig
    training_config: _experiment_pb2.TrainingConfig
    eval_config: _experiment_pb2.EvalConfig
    nms_config: _experiment_pb2.NmsConfig
    ssd_config: SsdConfig
    dssd_config: SsdConfig
    def __init__(self, random_seed: _Optional[int] = ..., dataset_config: _Optional[_Union[_experiment_pb2.DatasetConfig, _Mapping]] = ..., augmentation_config: _Optional[_Union[_experiment_pb2.AugmentationConfig, _Mapping]] = ..., training_config: _Optional[_Union[_experiment_pb2.TrainingConfig, _Mapping]] = ..., eval_config: _Optional[_Union[_experiment_pb2.EvalConfig, _Mapping]] = ..., nms_config: _Optional[_Union[_experiment_pb2.NmsConfig, _Mapping]] = ..., ssd_config: _Optional[_Union[SsdConfig, _Mapping]] = ..., dssd_config: _Optional[_Union[SsdConfig, _Mapping]] = ...) -> None: ...
