from detforge.protos import experiment_pb2 as _experiment_pb2
from detforge.protos import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SizeMin(_message.Message):
    __slots__ = ("min",)
    MIN_FIELD_NUMBER: _ClassVar[int]
    min: int
    def __init__(self, min: _Optional[int] = ...) -> None: ...

class SizeHeightWidth(_message.Message):
    __slots__ = ("height", "width")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ...) -> None: ...

class InputImageConfig(_message.Message):
    __slots__ = ("image_type", "size_min", "size_height_width", "image_channel_order", "image_channel_mean", "image_scaling_factor", "max_objects_num_per_image")
    class ImageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RGB: _ClassVar[InputImageConfig.ImageType]
        GRAY_SCALE: _ClassVar[InputImageConfig.ImageType]
    RGB: InputImageConfig.ImageType
    GRAY_SCALE: InputImageConfig.ImageType
    class ImageChannelMeanEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    IMAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_MIN_FIELD_NUMBER: _ClassVar[int]
    SIZE_HEIGHT_WIDTH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_CHANNEL_ORDER_FIELD_NUMBER: _ClassVar[int]
    IMAGE_CHANNEL_MEAN_FIELD_NUMBER: _ClassVar[int]
    IMAGE_SCALING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTS_NUM_PER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    image_type: InputImageConfig.ImageType
    size_min: SizeMin
    size_height_width: SizeHeightWidth
    image_channel_order: str
    image_channel_mean: _containers.ScalarMap[str, float]
    image_scaling_factor: float
    max_objects_num_per_image: int
    def __init__(self, image_type: _Optional[_Union[InputImageConfig.ImageType, str]] = ..., size_min: _Optional[_Union[SizeMin, _Mapping]] = ..., size_height_width: _Optional[_Union[SizeHeightWidth, _Mapping]] = ..., image_channel_order: _Optional[str] = ..., image_channel_mean: _Optional[_Mapping[str, float]] = ..., image_scaling_factor: _Optional[float] = ..., max_objects_num_per_image: _Optional[int] = ...) -> None: ...

class AnchorBoxConfig(_message.Message):
    __slots__ = ("scale", "ratio")
    SCALE_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    scale: _containers.RepeatedScalarFieldContainer[float]
    ratio: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scale: _Optional[_Iterable[float]] = ..., ratio: _Optional[_Iterable[float]] = ...) -> None: ...

class RoiPoolingConfig(_message.Message):
    __slots__ = ("pool_size", "pool_size_2x")
    POOL_SIZE_FIELD_NUMBER: _ClassVar[int]
    POOL_SIZE_2X_FIELD_NUMBER: _ClassVar[int]
    pool_size: int
    pool_size_2x: bool
    def __init__(self, pool_size: _Optional[int] = ..., pool_size_2x: bool = ...) -> None: ...

class Activation(_message.Message):
    __slots__ = ("activation_type", "activation_parameters")
    class ActivationParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ACTIVATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    activation_type: str
    activation_parameters: _containers.ScalarMap[str, float]
    def __init__(self, activation_type: _Optional[str] = ..., activation_parameters: _Optional[_Mapping[str, float]] = ...) -> None: ...

class ModelConfig(_message.Message):
    __slots__ = ("input_image_config", "arch", "anchor_box_config", "roi_mini_batch", "rpn_stride", "freeze_bn", "dropout_rate", "drop_connect_rate", "freeze_blocks", "use_bias", "roi_pooling_config", "all_projections", "use_pooling", "activation", "rpn_cls_activation_type", "rfcn_mode", "tf_proposal_layer")
    INPUT_IMAGE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ARCH_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_BOX_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ROI_MINI_BATCH_FIELD_NUMBER: _ClassVar[int]
    RPN_STRIDE_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BN_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_RATE_FIELD_NUMBER: _ClassVar[int]
    DROP_CONNECT_RATE_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    USE_BIAS_FIELD_NUMBER: _ClassVar[int]
    ROI_POOLING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ALL_PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    USE_POOLING_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    RPN_CLS_ACTIVATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    RFCN_MODE_FIELD_NUMBER: _ClassVar[int]
    TF_PROPOSAL_LAYER_FIELD_NUMBER: _ClassVar[int]
    input_image_config: InputImageConfig
    arch: str
    anchor_box_config: AnchorBoxConfig
    roi_mini_batch: int
    rpn_stride: int
    freeze_bn: bool
    dropout_rate: float
    drop_connect_rate: float
    freeze_blocks: _containers.RepeatedScalarFieldContainer[int]
    use_bias: bool
    roi_pooling_config: RoiPoolingConfig
    all_projections: bool
    use_pooling: bool
    activation: Activation
    rpn_cls_activation_type: str
    rfcn_mode: bool
    tf_proposal_layer: bool
    def __init__(self, input_image_config: _Optional[_Union[InputImageConfig, _Mapping]] = ..., arch: _Optional[str] = ..., anchor_box_config: _Optional[_Union[AnchorBoxConfig, _Mapping]] = ..., roi_mini_batch: _Optional[int] = ..., rpn_stride: _Optional[int] = ..., freeze_bn: bool = ..., dropout_rate: _Optional[float] = ..., drop_connect_rate: _Optional[float] = ..., freeze_blocks: _Optional[_Iterable[int]] = ..., use_bias: bool = ..., roi_pooling_config: _Optional[_Union[RoiPoolingConfig, _Mapping]] = ..., all_projections: bool = ..., use_pooling: bool = ..., activation: _Optional[_Union[Activation, _Mapping]] = ..., rpn_cls_activation_type: _Optional[str] = ..., rfcn_mode: bool = ..., tf_proposal_layer: bool = ...) -> None: ...

class DataSource(_message.Message):
    __slots__ = ("tfrecords_path", "image_directory_path", "source_weight")
    TFRECORDS_PATH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_DIRECTORY_PATH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    tfrecords_path: str
    image_directory_path: str
    source_weight: float
    def __init__(self, tfrecords_path: _Optional[str] = ..., image_directory_path: _Optional[str] = ..., source_weight: _Optional[float] = ...) -> None: ...

class DatasetConfig(_message.Message):
    __slots__ = ("data_sources", "image_extension", "target_class_mapping", "validation_fold", "validation_data_source", "dataloader_mode", "sampling_mode")
    class DataLoaderMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MULTISOURCE: _ClassVar[DatasetConfig.DataLoaderMode]
        LEGACY: _ClassVar[DatasetConfig.DataLoaderMode]
        DEFAULT: _ClassVar[DatasetConfig.DataLoaderMode]
    MULTISOURCE: DatasetConfig.DataLoaderMode
    LEGACY: DatasetConfig.DataLoaderMode
    DEFAULT: DatasetConfig.DataLoaderMode
    class SamplingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        USER_DEFINED: _ClassVar[DatasetConfig.SamplingMode]
        PROPORTIONAL: _ClassVar[DatasetConfig.SamplingMode]
        UNIFORM: _ClassVar[DatasetConfig.SamplingMode]
    USER_DEFINED: DatasetConfig.SamplingMode
    PROPORTIONAL: DatasetConfig.SamplingMode
    UNIFORM: DatasetConfig.SamplingMode
    class TargetClassMappingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DATA_SOURCES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASS_MAPPING_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FOLD_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_DATA_SOURCE_FIELD_NUMBER: _ClassVar[int]
    DATALOADER_MODE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_MODE_FIELD_NUMBER: _ClassVar[int]
    data_sources: _containers.RepeatedCompositeFieldContainer[DataSource]
    image_extension: str
    target_class_mapping: _containers.ScalarMap[str, str]
    validation_fold: int
    validation_data_source: DataSource
    dataloader_mode: DatasetConfig.DataLoaderMode
    sampling_mode: DatasetConfig.SamplingMode
    def __init__(self, data_sources: _Optional[_Iterable[_Union[DataSource, _Mapping]]] = ..., image_extension: _Optional[str] = ..., target_class_mapping: _Optional[_Mapping[str, str]] = ..., validation_fold: _Optional[int] = ..., validation_data_source: _Optional[_Union[DataSource, _Mapping]] = ..., dataloader_mode: _Optional[_Union[DatasetConfig.DataLoaderMode, str]] = ..., sampling_mode: _Optional[_Union[DatasetConfig.SamplingMode, str]] = ...) -> None: ...

class Preprocessing(_message.Message):
    __slots__ = ("output_image_width", "output_image_height", "output_image_channel", "output_image_min", "output_image_max", "enable_auto_resize", "crop_left", "crop_top", "crop_right", "crop_bottom", "min_bbox_width", "min_bbox_height", "scale_width", "scale_height")
    OUTPUT_IMAGE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_IMAGE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_IMAGE_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_IMAGE_MIN_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_IMAGE_MAX_FIELD_NUMBER: _ClassVar[int]
    ENABLE_AUTO_RESIZE_FIELD_NUMBER: _ClassVar[int]
    CROP_LEFT_FIELD_NUMBER: _ClassVar[int]
    CROP_TOP_FIELD_NUMBER: _ClassVar[int]
    CROP_RIGHT_FIELD_NUMBER: _ClassVar[int]
    CROP_BOTTOM_FIELD_NUMBER: _ClassVar[int]
    MIN_BBOX_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MIN_BBOX_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SCALE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    SCALE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    output_image_width: int
    output_image_height: int
    output_image_channel: int
    output_image_min: int
    output_image_max: int
    enable_auto_resize: bool
    crop_left: int
    crop_top: int
    crop_right: int
    crop_bottom: int
    min_bbox_width: float
    min_bbox_height: float
    scale_width: float
    scale_height: float
    def __init__(self, output_image_width: _Optional[int] = ..., output_image_height: _Optional[int] = ..., output_image_channel: _Optional[int] = ..., output_image_min: _Optional[int] = ..., output_image_max: _Optional[int] = ..., enable_auto_resize: bool = ..., crop_left: _Optional[int] = ..., crop_top: _Optional[int] = ..., crop_right: _Optional[int] = ..., crop_bottom: _Optional[int] = ..., min_bbox_width: _Optional[float] = ..., min_bbox_height: _Optional[float] = ..., scale_width: _Optional[float] = ..., scale_height: _Optional[float] = ...) -> None: ...

class SpatialAugmentation(_message.Message):
    __slots__ = ("hflip_probability", "vflip_probability", "zoom_min", "zoom_max", "translate_max_x", "translate_max_y", "rotate_rad_max", "rotate_probability")
    HFLIP_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    VFLIP_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ZOOM_MIN_FIELD_NUMBER: _ClassVar[int]
    ZOOM_MAX_FIELD_NUMBER: _ClassVar[int]
    TRANSLATE_MAX_X_FIELD_NUMBER: _ClassVar[int]
    TRANSLATE_MAX_Y_FIELD_NUMBER: _ClassVar[int]
    ROTATE_RAD_MAX_FIELD_NUMBER: _ClassVar[int]
    ROTATE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    hflip_probability: float
    vflip_probability: float
    zoom_min: float
    zoom_max: float
    translate_max_x: float
    translate_max_y: float
    rotate_rad_max: float
    rotate_probability: float
    def __init__(self, hflip_probability: _Optional[float] = ..., vflip_probability: _Optional[float] = ..., zoom_min: _Optional[float] = ..., zoom_max: _Optional[float] = ..., translate_max_x: _Optional[float] = ..., translate_max_y: _Optional[float] = ..., rotate_rad_max: _Optional[float] = ..., rotate_probability: _Optional[float] = ...) -> None: ...

class ColorAugmentation(_message.Message):
    __slots__ = ("color_shift_stddev", "hue_rotation_max", "saturation_shift_max", "contrast_scale_max", "contrast_center")
    COLOR_SHIFT_STDDEV_FIELD_NUMBER: _ClassVar[int]
    HUE_ROTATION_MAX_FIELD_NUMBER: _ClassVar[int]
    SATURATION_SHIFT_MAX_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_SCALE_MAX_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_CENTER_FIELD_NUMBER: _ClassVar[int]
    color_shift_stddev: float
    hue_rotation_max: float
    saturation_shift_max: float
    contrast_scale_max: float
    contrast_center: float
    def __init__(self, color_shift_stddev: _Optional[float] = ..., hue_rotation_max: _Optional[float] = ..., saturation_shift_max: _Optional[float] = ..., contrast_scale_max: _Optional[float] = ..., contrast_center: _Optional[float] = ...) -> None: ...

class AugmentationConfig(_message.Message):
    __slots__ = ("preprocessing", "spatial_augmentation", "color_augmentation")
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    SPATIAL_AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    COLOR_AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    preprocessing: Preprocessing
    spatial_augmentation: SpatialAugmentation
    color_augmentation: ColorAugmentation
    def __init__(self, preprocessing: _Optional[_Union[Preprocessing, _Mapping]] = ..., spatial_augmentation: _Optional[_Union[SpatialAugmentation, _Mapping]] = ..., color_augmentation: _Optional[_Union[ColorAugmentation, _Mapping]] = ...) -> None: ...

class AdamConfig(_message.Message):
    __slots__ = ("lr", "beta_1", "beta_2", "epsilon", "decay", "amsgrad")
    LR_FIELD_NUMBER: _ClassVar[int]
    BETA_1_FIELD_NUMBER: _ClassVar[int]
    BETA_2_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DECAY_FIELD_NUMBER: _ClassVar[int]
    AMSGRAD_FIELD_NUMBER: _ClassVar[int]
    lr: float
    beta_1: float
    beta_2: float
    epsilon: float
    decay: float
    amsgrad: bool
    def __init__(self, lr: _Optional[float] = ..., beta_1: _Optional[float] = ..., beta_2: _Optional[float] = ..., epsilon: _Optional[float] = ..., decay: _Optional[float] = ..., amsgrad: bool = ...) -> None: ...

class SgdConfig(_message.Message):
    __slots__ = ("lr", "momentum", "decay", "nesterov")
    LR_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    DECAY_FIELD_NUMBER: _ClassVar[int]
    NESTEROV_FIELD_NUMBER: _ClassVar[int]
    lr: float
    momentum: float
    decay: float
    nesterov: bool
    def __init__(self, lr: _Optional[float] = ..., momentum: _Optional[float] = ..., decay: _Optional[float] = ..., nesterov: bool = ...) -> None: ...

class RmspropConfig(_message.Message):
    __slots__ = ("lr",)
    LR_FIELD_NUMBER: _ClassVar[int]
    lr: float
    def __init__(self, lr: _Optional[float] = ...) -> None: ...

class OptimizerConfig(_message.Message):
    __slots__ = ("adam", "sgd", "rmsprop")
    ADAM_FIELD_NUMBER: _ClassVar[int]
    SGD_FIELD_NUMBER: _ClassVar[int]
    RMSPROP_FIELD_NUMBER: _ClassVar[int]
    adam: AdamConfig
    sgd: SgdConfig
    rmsprop: RmspropConfig
    def __init__(self, adam: _Optional[_Union[AdamConfig, _Mapping]] = ..., sgd: _Optional[_Union[SgdConfig, _Mapping]] = ..., rmsprop: _Optional[_Union[RmspropConfig, _Mapping]] = ...) -> None: ...

class SoftStart(_message.Message):
    __slots__ = ("base_lr", "start_lr", "soft_start", "annealing_points", "annealing_divider")
    BASE_LR_FIELD_NUMBER: _ClassVar[int]
    START_LR_FIELD_NUMBER: _ClassVar[int]
    SOFT_START_FIELD_NUMBER: _ClassVar[int]
    ANNEALING_POINTS_FIELD_NUMBER: _ClassVar[int]
    ANNEALING_DIVIDER_FIELD_NUMBER: _ClassVar[int]
    base_lr: float
    start_lr: float
    soft_start: float
    annealing_points: _containers.RepeatedScalarFieldContainer[float]
    annealing_divider: float
    def __init__(self, base_lr: _Optional[float] = ..., start_lr: _Optional[float] = ..., soft_start: _Optional[float] = ..., annealing_points: _Optional[_Iterable[float]] = ..., annealing_divider: _Optional[float] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("base_lr", "gamma", "step_size")
    BASE_LR_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    STEP_SIZE_FIELD_NUMBER: _ClassVar[int]
    base_lr: float
    gamma: float
    step_size: float
    def __init__(self, base_lr: _Optional[float] = ..., gamma: _Optional[float] = ..., step_size: _Optional[float] = ...) -> None: ...

class LearningRate(_message.Message):
    __slots__ = ("soft_start", "step")
    SOFT_START_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    soft_start: SoftStart
    step: Step
    def __init__(self, soft_start: _Optional[_Union[SoftStart, _Mapping]] = ..., step: _Optional[_Union[Step, _Mapping]] = ...) -> None: ...

class TrainingConfig(_message.Message):
    __slots__ = ("enable_augmentation", "enable_qat", "batch_size_per_gpu", "num_epochs", "checkpoint_interval", "pretrained_weights", "retrain_pruned_model", "resume_from_model", "rpn_min_overlap", "rpn_max_overlap", "classifier_min_overlap", "classifier_max_overlap", "gt_as_roi", "std_scaling", "classifier_regr_std", "rpn_mini_batch", "rpn_pre_nms_top_N", "rpn_nms_max_boxes", "rpn_nms_overlap_threshold", "regularizer", "optimizer", "learning_rate", "lambda_rpn_regr", "lambda_rpn_class", "lambda_cls_regr", "lambda_cls_class", "model_parallelism", "early_stopping", "visualizer")
    class ClassifierRegrStdEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ENABLE_AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    ENABLE_QAT_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_PER_GPU_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    PRETRAINED_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    RETRAIN_PRUNED_MODEL_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_MODEL_FIELD_NUMBER: _ClassVar[int]
    RPN_MIN_OVERLAP_FIELD_NUMBER: _ClassVar[int]
    RPN_MAX_OVERLAP_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_MIN_OVERLAP_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_MAX_OVERLAP_FIELD_NUMBER: _ClassVar[int]
    GT_AS_ROI_FIELD_NUMBER: _ClassVar[int]
    STD_SCALING_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_REGR_STD_FIELD_NUMBER: _ClassVar[int]
    RPN_MINI_BATCH_FIELD_NUMBER: _ClassVar[int]
    RPN_PRE_NMS_TOP_N_FIELD_NUMBER: _ClassVar[int]
    RPN_NMS_MAX_BOXES_FIELD_NUMBER: _ClassVar[int]
    RPN_NMS_OVERLAP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    REGULARIZER_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    LAMBDA_RPN_REGR_FIELD_NUMBER: _ClassVar[int]
    LAMBDA_RPN_CLASS_FIELD_NUMBER: _ClassVar[int]
    LAMBDA_CLS_REGR_FIELD_NUMBER: _ClassVar[int]
    LAMBDA_CLS_CLASS_FIELD_NUMBER: _ClassVar[int]
    MODEL_PARALLELISM_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_FIELD_NUMBER: _ClassVar[int]
    VISUALIZER_FIELD_NUMBER: _ClassVar[int]
    enable_augmentation: bool
    enable_qat: bool
    batch_size_per_gpu: int
    num_epochs: int
    checkpoint_interval: int
    pretrained_weights: str
    retrain_pruned_model: str
    resume_from_model: str
    rpn_min_overlap: float
    rpn_max_overlap: float
    classifier_min_overlap: float
    classifier_max_overlap: float
    gt_as_roi: bool
    std_scaling: float
    classifier_regr_std: _containers.ScalarMap[str, float]
    rpn_mini_batch: int
    rpn_pre_nms_top_N: int
    rpn_nms_max_boxes: int
    rpn_nms_overlap_threshold: float
    regularizer: _experiment_pb2.RegularizerConfig
    optimizer: OptimizerConfig
    learning_rate: LearningRate
    lambda_rpn_regr: float
    lambda_rpn_class: float
    lambda_cls_regr: float
    lambda_cls_class: float
    model_parallelism: _containers.RepeatedScalarFieldContainer[float]
    early_stopping: _experiment_pb2.EarlyStoppingConfig
    visualizer: _experiment_pb2.VisualizerConfig
    def __init__(self, enable_augmentation: bool = ..., enable_qat: bool = ..., batch_size_per_gpu: _Optional[int] = ..., num_epochs: _Optional[int] = ..., checkpoint_interval: _Optional[int] = ..., pretrained_weights: _Optional[str] = ..., retrain_pruned_model: _Optional[str] = ..., resume_from_model: _Optional[str] = ..., rpn_min_overlap: _Optional[float] = ..., rpn_max_overlap: _Optional[float] = ..., classifier_min_overlap: _Optional[float] = ..., classifier_max_overlap: _Optional[float] = ..., gt_as_roi: bool = ..., std_scaling: _Optional[float] = ..., classifier_regr_std: _Optional[_Mapping[str, float]] = ..., rpn_mini_batch: _Optional[int] = ..., rpn_pre_nms_top_N: _Optional[int] = ..., rpn_nms_max_boxes: _Optional[int] = ..., rpn_nms_overlap_threshold: _Optional[float] = ..., regularizer: _Optional[_Union[_experiment_pb2.RegularizerConfig, _Mapping]] = ..., optimizer: _Optional[_Union[OptimizerConfig, _Mapping]] = ..., learning_rate: _Optional[_Union[LearningRate, _Mapping]] = ..., lambda_rpn_regr: _Optional[float] = ..., lambda_rpn_class: _Optional[float] = ..., lambda_cls_regr: _Optional[float] = ..., lambda_cls_class: _Optional[float] = ..., model_parallelism: _Optional[_Iterable[float]] = ..., early_stopping: _Optional[_Union[_experiment_pb2.EarlyStoppingConfig, _Mapping]] = ..., visualizer: _Optional[_Union[_experiment_pb2.VisualizerConfig, _Mapping]] = ...) -> None: ...

class TrtConfig(_message.Message):
    __slots__ = ("trt_engine",)
    TRT_ENGINE_FIELD_NUMBER: _ClassVar[int]
    trt_engine: str
    def __init__(self, trt_engine: _Optional[str] = ...) -> None: ...

class InferenceConfig(_message.Message):
    __slots__ = ("images_dir", "model", "batch_size", "detection_image_output_dir", "labels_dump_dir", "rpn_pre_nms_top_N", "rpn_nms_max_boxes", "rpn_nms_overlap_threshold", "object_confidence_thres", "bbox_visualize_threshold", "classifier_nms_max_boxes", "classifier_nms_overlap_threshold", "bbox_caption_on", "trt_inference", "nms_score_bits")
    IMAGES_DIR_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    DETECTION_IMAGE_OUTPUT_DIR_FIELD_NUMBER: _ClassVar[int]
    LABELS_DUMP_DIR_FIELD_NUMBER: _ClassVar[int]
    RPN_PRE_NMS_TOP_N_FIELD_NUMBER: _ClassVar[int]
    RPN_NMS_MAX_BOXES_FIELD_NUMBER: _ClassVar[int]
    RPN_NMS_OVERLAP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CONFIDENCE_THRES_FIELD_NUMBER: _ClassVar[int]
    BBOX_VISUALIZE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_NMS_MAX_BOXES_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_NMS_OVERLAP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    BBOX_CAPTION_ON_FIELD_NUMBER: _ClassVar[int]
    TRT_INFERENCE_FIELD_NUMBER: _ClassVar[int]
    NMS_SCORE_BITS_FIELD_NUMBER: _ClassVar[int]
    images_dir: str
    model: str
    batch_size: int
    detection_image_output_dir: str
    labels_dump_dir: str
    rpn_pre_nms_top_N: int
    rpn_nms_max_boxes: int
    rpn_nms_overlap_threshold: float
    object_confidence_thres: float
    bbox_visualize_threshold: float
    classifier_nms_max_boxes: int
    classifier_nms_overlap_threshold: float
    bbox_caption_on: bool
    trt_inference: TrtConfig
    nms_score_bits: int
    def __init__(self, images_dir: _Optional[str] = ..., model: _Optional[str] = ..., batch_size: _Optional[int] = ..., detection_image_output_dir: _Optional[str] = ..., labels_dump_dir: _Optional[str] = ..., rpn_pre_nms_top_N: _Optional[int] = ..., rpn_nms_max_boxes: _Optional[int] = ..., rpn_nms_overlap_threshold: _Optional[float] = ..., object_confidence_thres: _Optional[float] = ..., bbox_visualize_threshold: _Optional[float] = ..., classifier_nms_max_boxes: _Optional[int] = ..., classifier_nms_overlap_threshold: _Optional[float] = ..., bbox_caption_on: bool = ..., trt_inference: _Optional[_Union[TrtConfig, _Mapping]] = ..., nms_score_bits: _Optional[int] = ...) -> None: ...

class IouRange(_message.Message):
    __slots__ = ("start", "end", "step")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    start: float
    end: float
    step: float
    def __init__(self, start: _Optional[float] = ..., end: _Optional[float] = ..., step: _Optional[float] = ...) -> None: ...

class EvaluationConfig(_message.Message):
    __slots__ = ("model", "batch_size", "rpn_pre_nms_top_N", "rpn_nms_max_boxes", "rpn_nms_overlap_threshold", "object_confidence_thres", "classifier_nms_max_boxes", "classifier_nms_overlap_threshold", "use_voc07_11point_metric", "validation_period_during_training", "trt_evaluation", "gt_matching_iou_threshold", "gt_matching_iou_threshold_range", "visualize_pr_curve")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    RPN_PRE_NMS_TOP_N_FIELD_NUMBER: _ClassVar[int]
    RPN_NMS_MAX_BOXES_FIELD_NUMBER: _ClassVar[int]
    RPN_NMS_OVERLAP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CONFIDENCE_THRES_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_NMS_MAX_BOXES_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_NMS_OVERLAP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    USE_VOC07_11POINT_METRIC_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_PERIOD_DURING_TRAINING_FIELD_NUMBER: _ClassVar[int]
    TRT_EVALUATION_FIELD_NUMBER: _ClassVar[int]
    GT_MATCHING_IOU_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    GT_MATCHING_IOU_THRESHOLD_RANGE_FIELD_NUMBER: _ClassVar[int]
    VISUALIZE_PR_CURVE_FIELD_NUMBER: _ClassVar[int]
    model: str
    batch_size: int
    rpn_pre_nms_top_N: int
    rpn_nms_max_boxes: int
    rpn_nms_overlap_threshold: float
    object_confidence_thres: float
    classifier_nms_max_boxes: int
    classifier_nms_overlap_threshold: float
    use_voc07_11point_metric: bool
    validation_period_during_training: int
    trt_evaluation: TrtConfig
    gt_matching_iou_threshold: float
    gt_matching_iou_threshold_range: IouRange
    visualize_pr_curve: bool
    def __init__(self, model: _Optional[str] = ..., batch_size: _Optional[int] = ..., rpn_pre_nms_top_N: _Optional[int] = ..., rpn_nms_max_boxes: _Optional[int] = ..., rpn_nms_overlap_threshold: _Optional[float] = ..., object_confidence_thres: _Optional[float] = ..., classifier_nms_max_boxes: _Optional[int] = ..., classifier_nms_overlap_threshold: _Optional[float] = ..., use_voc07_11point_metric: bool = ..., validation_period_during_training: _Optional[int] = ..., trt_evaluation: _Optional[_Union[TrtConfig, _Mapping]] = ..., gt_matching_iou_threshold: _Optional[float] = ..., gt_matching_iou_threshold_range: _Optional[_Union[IouRange, _Mapping]] = ..., visualize_pr_curve: bool = ...) -> None: ...

class Experiment(_message.Message):
    __slots__ = ("random_seed", "enc_key", "verbose", "model_config", "dataset_config", "augmentation_config", "training_config", "inference_config", "evaluation_config")
    RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    ENC_KEY_FIELD_NUMBER: _ClassVar[int]
    VERBOSE_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    DATASET_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TRAINING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    random_seed: int
    enc_key: str
    verbose: bool
    model_config: ModelConfig
    dataset_config: DatasetConfig
    augmentation_config: AugmentationConfig
    training_config: TrainingConfig
    inference_config: InferenceConfig
    evaluation_config: EvaluationConfig
    def __init__(self, random_seed: _Optional[int] = ..., enc_key: _Optional[str] = ..., verbose: bool = ..., model_config: _Optional[_Union[ModelConfig, _Mapping]] = ..., dataset_config: _Optional[_Union[DatasetConfig, _Mapping]] = ..., augmentation_config: _Optional[_Union[AugmentationConfig, _Mapping]] = ..., training_config: _Optional[_Union[TrainingConfig, _Mapping]] = ..., inference_config: _Optional[_Union[InferenceConfig, _Mapping]] = ..., evaluation_config: _Optional[_Union[EvaluationConfig, _Mapping]] = ...) -> None: ...
