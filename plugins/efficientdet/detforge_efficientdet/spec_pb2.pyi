from detforge.protos import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainingConfig(_message.Message):
    __slots__ = ("train_batch_size", "num_epochs", "num_examples_per_epoch", "checkpoint", "pruned_model_path", "skip_checkpoint_variables", "checkpoint_period", "amp", "moving_average_decay", "l2_weight_decay", "l1_weight_decay", "lr_warmup_epoch", "lr_warmup_init", "learning_rate", "momentum", "clip_gradients_norm", "tf_random_seed", "iterations_per_loop", "profile_skip_steps", "logging_frequency", "disable_logging", "use_xla", "resume", "stop_at_epoch", "keep_checkpoint_max")
    TRAIN_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    NUM_EXAMPLES_PER_EPOCH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    PRUNED_MODEL_PATH_FIELD_NUMBER: _ClassVar[int]
    SKIP_CHECKPOINT_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_PERIOD_FIELD_NUMBER: _ClassVar[int]
    AMP_FIELD_NUMBER: _ClassVar[int]
    MOVING_AVERAGE_DECAY_FIELD_NUMBER: _ClassVar[int]
    L2_WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    L1_WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    LR_WARMUP_EPOCH_FIELD_NUMBER: _ClassVar[int]
    LR_WARMUP_INIT_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    CLIP_GRADIENTS_NORM_FIELD_NUMBER: _ClassVar[int]
    TF_RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_PER_LOOP_FIELD_NUMBER: _ClassVar[int]
    PROFILE_SKIP_STEPS_FIELD_NUMBER: _ClassVar[int]
    LOGGING_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    DISABLE_LOGGING_FIELD_NUMBER: _ClassVar[int]
    USE_XLA_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    STOP_AT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    KEEP_CHECKPOINT_MAX_FIELD_NUMBER: _ClassVar[int]
    train_batch_size: int
    num_epochs: int
    num_examples_per_epoch: int
    checkpoint: str
    pruned_model_path: str
    skip_checkpoint_variables: str
    checkpoint_period: int
    amp: bool
    moving_average_decay: float
    l2_weight_decay: float
    l1_weight_decay: float
    lr_warmup_epoch: float
    lr_warmup_init: float
    learning_rate: float
    momentum: float
    clip_gradients_norm: float
    tf_random_seed: int
    iterations_per_loop: int
    profile_skip_steps: int
    logging_frequency: int
    disable_logging: bool
    use_xla: bool
    resume: bool
    stop_at_epoch: int
    keep_checkpoint_max: int
    def __init__(self, train_batch_size: _Optional[int] = ..., num_epochs: _Optional[int] = ..., num_examples_per_epoch: _Optional[int] = ..., checkpoint: _Optional[str] = ..., pruned_model_path: _Optional[str] = ..., skip_checkpoint_variables: _Optional[str] = ..., checkpoint_period: _Optional[int] = ..., amp: bool = ..., moving_average_decay: _Optional[float] = ..., l2_weight_decay: _Optional[float] = ..., l1_weight_decay: _Optional[float] = ..., lr_warmup_epoch: _Optional[float] = ..., lr_warmup_init: _Optional[float] = ..., learning_rate: _Optional[float] = ..., momentum: _Optional[float] = ..., clip_gradients_norm: _Optional[float] = ..., tf_random_seed: _Optional[int] = ..., iterations_per_loop: _Optional[int] = ..., profile_skip_steps: _Optional[int] = ..., logging_frequency: _Optional[int] = ..., disable_logging: bool = ..., use_xla: bool = ..., resume: bool = ..., stop_at_epoch: _Optional[int] = ..., keep_checkpoint_max: _Optional[int] = ...) -> None: ...

class DatasetConfig(_message.Message):
    __slots__ = ("training_file_pattern", "validation_file_pattern", "validation_json_file", "num_classes", "image_size", "max_instances_per_image", "skip_crowd_during_training", "use_fake_data", "testdev_dir")
    TRAINING_FILE_PATTERN_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FILE_PATTERN_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_JSON_FILE_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_INSTANCES_PER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    SKIP_CROWD_DURING_TRAINING_FIELD_NUMBER: _ClassVar[int]
    USE_FAKE_DATA_FIELD_NUMBER: _ClassVar[int]
    TESTDEV_DIR_FIELD_NUMBER: _ClassVar[int]
    training_file_pattern: str
    validation_file_pattern: str
    validation_json_file: str
    num_classes: int
    image_size: str
    max_instances_per_image: int
    skip_crowd_during_training: bool
    use_fake_data: bool
    testdev_dir: str
    def __init__(self, training_file_pattern: _Optional[str] = ..., validation_file_pattern: _Optional[str] = ..., validation_json_file: _Optional[str] = ..., num_classes: _Optional[int] = ..., image_size: _Optional[str] = ..., max_instances_per_image: _Optional[int] = ..., skip_crowd_during_training: bool = ..., use_fake_data: bool = ..., testdev_dir: _Optional[str] = ...) -> None: ...

class EvalConfig(_message.Message):
    __slots__ = ("eval_epoch_cycle", "eval_batch_size", "eval_samples", "min_score_thresh", "max_detections_per_image", "eval_after_training", "min_eval_interval", "eval_timeout")
    EVAL_EPOCH_CYCLE_FIELD_NUMBER: _ClassVar[int]
    EVAL_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    EVAL_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_THRESH_FIELD_NUMBER: _ClassVar[int]
    MAX_DETECTIONS_PER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    EVAL_AFTER_TRAINING_FIELD_NUMBER: _ClassVar[int]
    MIN_EVAL_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    EVAL_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    eval_epoch_cycle: int
    eval_batch_size: int
    eval_samples: int
    min_score_thresh: float
    max_detections_per_image: int
    eval_after_training: bool
    min_eval_interval: int
    eval_timeout: int
    def __init__(self, eval_epoch_cycle: _Optional[int] = ..., eval_batch_size: _Optional[int] = ..., eval_samples: _Optional[int] = ..., min_score_thresh: _Optional[float] = ..., max_detections_per_image: _Optional[int] = ..., eval_after_training: bool = ..., min_eval_interval: _Optional[int] = ..., eval_timeout: _Optional[int] = ...) -> None: ...

class ModelConfig(_message.Message):
    __slots__ = ("model_name", "freeze_bn", "freeze_blocks", "aspect_ratios", "anchor_scale", "num_scales", "min_level", "max_level")
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BN_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ASPECT_RATIOS_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_SCALE_FIELD_NUMBER: _ClassVar[int]
    NUM_SCALES_FIELD_NUMBER: _ClassVar[int]
    MIN_LEVEL_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVEL_FIELD_NUMBER: _ClassVar[int]
    model_name: str
    freeze_bn: bool
    freeze_blocks: str
    aspect_ratios: str
    anchor_scale: float
    num_scales: int
    min_level: int
    max_level: int
    def __init__(self, model_name: _Optional[str] = ..., freeze_bn: bool = ..., freeze_blocks: _Optional[str] = ..., aspect_ratios: _Optional[str] = ..., anchor_scale: _Optional[float] = ..., num_scales: _Optional[int] = ..., min_level: _Optional[int] = ..., max_level: _Optional[int] = ...) -> None: ...

class AugmentationConfig(_message.Message):
    __slots__ = ("rand_hflip", "random_crop_min_scale", "random_crop_max_scale")
    RAND_HFLIP_FIELD_NUMBER: _ClassVar[int]
    RANDOM_CROP_MIN_SCALE_FIELD_NUMBER: _ClassVar[int]
    RANDOM_CROP_MAX_SCALE_FIELD_NUMBER: _ClassVar[int]
    rand_hflip: bool
    random_crop_min_scale: float
    random_crop_max_scale: float
    def __init__(self, rand_hflip: bool = ..., random_crop_min_scale: _Optional[float] = ..., random_crop_max_scale: _Optional[float] = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("training_config", "dataset_config", "eval_config", "model_config", "augmentation_config")
    TRAINING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    DATASET_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EVAL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    training_config: TrainingConfig
    dataset_config: DatasetConfig
    eval_config: EvalConfig
    model_config: ModelConfig
    augmentation_config: AugmentationConfig
    def __init__(self, training_config: _Optional[_Union[TrainingConfig, _Mapping]] = ..., dataset_config: _Optional[_Union[DatasetConfig, _Mapping]] = ..., eval_config: _Optional[_Union[EvalConfig, _Mapping]] = ..., model_config: _Optional[_Union[ModelConfig, _Mapping]] = ..., augmentation_config: _Optional[_Union[AugmentationConfig, _Mapping]] = ...) -> None: ...
