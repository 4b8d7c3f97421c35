"""The standard messages as a recipe, and the checks between their fields."""

import pytest

from detforge.errors import PluginError, SpecError
from detforge.recipe import (
    Adam,
    Checkpoints,
    Classes,
    Data,
    DataSource,
    EarlyStopping,
    Evaluation,
    Expand,
    Freeze,
    HorizontalFlip,
    Inference,
    InputFormat,
    IouCrop,
    Photometric,
    RandomInterpolation,
    Recipe,
    Regularizer,
    RmsProp,
    Sgd,
    SoftStartAnnealing,
    SoftStartCosine,
    Visualizer,
)
from detforge.spec import parse_spec, standard_recipe


@pytest.fixture
def recipe_of(toy, spec_text):
    """A function: replacements in the spec, and options, to a recipe."""

    def build(*replacements, **options):
        text = spec_text
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        try:
            return standard_recipe(parse_spec(text, toy.Toy).message, name="toy", **options)
        except SpecError as err:
            return [str(problem) for problem in err.problems]

    return build


def augmentation(text):
    return ("output_height: 200", f"output_height: 200 {text}")


def training(text):
    return ("num_epochs: 80", f"num_epochs: 80 {text}")


def top(text):
    return ("random_seed: 42", f"random_seed: 42 {text}")


def test_spec_becomes_a_recipe(recipe_of):
    assert recipe_of(background="first") == Recipe(
        classes=Classes(
            names=("Person", "car"),
            mapping={"car": "car", "van": "car", "person": "Person"},
            background="first",
        ),
        input=InputFormat(height=200, width=300, mean=(123.68, 116.779, 103.939)),
        data=Data(
            training=(DataSource(records="data/train*", field="dataset_config.data_sources[0]"),),
            validation=(
                DataSource(
                    images="data/images",
                    labels="data/labels",
                    field="dataset_config.validation_data_sources[0]",
                ),
            ),
            batch_size=16,
            include_difficult=True,
            max_queue_size=20,
        ),
        checkpoints=Checkpoints(name="toy", interval=1),
        schedule=SoftStartAnnealing(
            min_learning_rate=5e-5, max_learning_rate=2e-2, soft_start=0.15, annealing=0.8
        ),
        epochs=80,
        augmentation=(
            Photometric(brightness=32, contrast=0.5, saturation=0.5, hue=18),
            Expand(min_ratio=1, max_ratio=4),
            IouCrop(min_scale=0.3, max_scale=1, min_aspect_ratio=0.5, max_aspect_ratio=2),
            HorizontalFlip(probability=0.5),
            RandomInterpolation(),
        ),
        optimizer=Sgd(momentum=0.9, nesterov=False),
        regularizer=Regularizer(kind="l1", weight=3e-5),
        evaluation=Evaluation(
            period=10, batch_size=8, matching_iou=0.5, mode="sample", score_threshold=0.01
        ),
        inference=Inference(score_threshold=0.3, batch_size=8),
        seed=42,
    )


def test_evaluation_follows_its_blocks(recipe_of):
    recipe = recipe_of(
        top(
            "eval_config { validation_period_during_training: 5 average_precision_mode: INTEGRATE "
            "batch_size: 4 matching_iou_threshold: 0.6 visualize_pr_curve: true } "
            "nms_config { confidence_threshold: 0.2 }"
        )
    )
    assert recipe.evaluation == Evaluation(
        period=5,
        batch_size=4,
        matching_iou=0.6,
        mode="integrate",
        score_threshold=0.2,
        precision_recall_plot=True,
    )
    assert recipe.inference.batch_size == 4


def test_zeros_that_mean_a_default_are_resolved(recipe_of):
    recipe = recipe_of(training("checkpoint_interval: 0 max_queue_size: 0 n_workers: 0"))
    assert recipe.checkpoints.interval == 1
    assert (recipe.data.max_queue_size, recipe.data.workers) == (20, 0)


def test_loader_settings_reach_the_recipe(recipe_of):
    recipe = recipe_of(
        training("checkpoint_interval: 5 max_queue_size: 6 n_workers: 3 use_multiprocessing: true"),
        ("validation_data", "include_difficult_in_training: false validation_data"),
    )
    assert recipe.checkpoints.interval == 5
    assert (recipe.data.max_queue_size, recipe.data.workers) == (6, 3)
    assert recipe.data.multiprocessing is True
    assert recipe.data.include_difficult is False


@pytest.mark.parametrize(
    ("text", "optimizer"),
    [
        ("", Sgd(momentum=0.9, nesterov=False)),
        ("optimizer {}", Sgd(momentum=0.9, nesterov=False)),
        ("optimizer { sgd {} }", Sgd(momentum=0.9, nesterov=False)),
        ("optimizer { sgd { momentum: 0.8 nesterov: true } }", Sgd(momentum=0.8, nesterov=True)),
        ("optimizer { sgd { momentum: 0 } }", Sgd(momentum=0, nesterov=False)),
        ("optimizer { adam {} }", Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False)),
        (
            "optimizer { adam { beta1: 0.8 beta2: 0.99 epsilon: 1e-6 amsgrad: true } }",
            Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-6, amsgrad=True),
        ),
        ("optimizer { rmsprop {} }", RmsProp(rho=0.9, momentum=0, epsilon=1e-7, centered=False)),
        (
            "optimizer { rmsprop { rho: 0.8 momentum: 0.7 epsilon: 1e-6 centered: true } }",
            RmsProp(rho=0.8, momentum=0.7, epsilon=1e-6, centered=True),
        ),
    ],
)
def test_optimizer_is_the_one_that_the_spec_names(recipe_of, text, optimizer):
    assert recipe_of(training(text)).optimizer == optimizer


COSINE = (
    ("soft_start_annealing_schedule", "soft_start_cosine_annealing_schedule"),
    ("annealing: 0.8", ""),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patience: 3", EarlyStopping(patience=3, min_delta=0, monitor="loss")),
        (
            'patience: 2 min_delta: 0.1 monitor: "val_loss"',
            EarlyStopping(patience=2, min_delta=0.1, monitor="validation_loss"),
        ),
    ],
)
def test_early_stopping_is_translated(recipe_of, text, expected):
    assert recipe_of(training(f"early_stopping {{ {text} }}")).early_stopping == expected
    assert recipe_of().early_stopping is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("enabled: true", Visualizer(images=3)),
        ("enabled: true num_images: 0", Visualizer(images=0)),
        (
            "enabled: true num_images: 8 weight_histograms: true",
            Visualizer(images=8, weight_histograms=True),
        ),
        ("enabled: false", None),
        ("", None),
    ],
)
def test_visualizer_is_translated(recipe_of, text, expected):
    assert recipe_of(training(f"visualizer {{ {text} }}")).visualizer == expected


@pytest.mark.parametrize(
    ("text", "decay"),
    [
        ("", 0),
        ("model_ema: false", 0),
        ("model_ema: true", 0.9999),
        ("model_ema: true moving_average_decay: 0.99", 0.99),
    ],
)
def test_averaging_is_translated(recipe_of, text, decay):
    assert recipe_of(training(text)).averaging_decay == decay


def test_limit_of_the_gradient_is_translated(recipe_of):
    assert recipe_of().gradient_clip_norm == 0
    assert recipe_of(training("clip_gradients_norm: 5")).gradient_clip_norm == 5


def test_cosine_schedule_is_translated(recipe_of):
    assert recipe_of(*COSINE).schedule == SoftStartCosine(
        min_learning_rate=5e-5, max_learning_rate=2e-2, soft_start=0.15
    )


def test_cosine_schedule_that_would_rise_is_refused(recipe_of):
    (problem,) = recipe_of(*COSINE, ("min_learning_rate: 5e-5", "min_learning_rate: 0.5"))
    assert "cosine_annealing_schedule.min_learning_rate: 0.5 is more than max_learning" in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type: L2 weight: 1e-4", Regularizer(kind="l2", weight=1e-4)),
        ("type: NO_REG weight: 1e-4", Regularizer()),
        ("weight: 1e-4", Regularizer()),
    ],
)
def test_regularizer_is_translated(recipe_of, text, expected):
    assert recipe_of(("type: L1 weight: 3e-5", text)).regularizer == expected


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("brightness: 0 contrast: 0 saturation: 0 hue: 0", Photometric),
        ("zoom_out_min_scale: 1 zoom_out_max_scale: 1", Expand),
        ("random_crop_min_scale: 1 random_crop_max_scale: 1", IouCrop),
        ("random_flip: 0", HorizontalFlip),
    ],
)
def test_augmentation_that_is_switched_off_is_left_out(recipe_of, text, left_out):
    kinds = [type(step) for step in recipe_of(augmentation(text)).augmentation]
    every = (Photometric, Expand, IouCrop, HorizontalFlip, RandomInterpolation)
    assert kinds == [kind for kind in every if kind is not left_out]


def test_one_colour_change_keeps_the_colour_step(recipe_of):
    step = recipe_of(augmentation("brightness: 0 contrast: 0 saturation: 0 hue: 3")).augmentation[0]
    assert step == Photometric(brightness=0, contrast=0, saturation=0, hue=3)


MEAN = " ".join(f'image_mean {{ key: "{key}" value: {value} }}' for key, value in
                (("b", 103.9), ("g", 116.8), ("r", 123.7)))  # fmt: skip
GREY_MEAN = 'image_mean { key: "l" value: 117.3 }'


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (MEAN, {"color_order": "bgr"}, {"color_order": "bgr", "mean": (103.9, 116.8, 123.7)}),
        (MEAN, {}, {"color_order": "rgb", "mean": (123.7, 116.8, 103.9)}),
        ("", {"color_order": "bgr"}, {"color_order": "bgr", "mean": (103.939, 116.779, 123.68)}),
        ("output_channel: 1", {}, {"color_order": "grey", "mean": (117.3786,), "scale": (1.0,)}),
        (
            f"output_channel: 1 {GREY_MEAN}",
            {"scale": (2.0, 2.0, 2.0)},
            {"color_order": "grey", "mean": (117.3,), "scale": (2.0,)},
        ),
        (
            "output_channel: 3",
            {"mean": (0.0, 1.0, 2.0), "scale": (0.1, 0.2, 0.3)},
            {"color_order": "rgb", "mean": (0.0, 1.0, 2.0), "scale": (0.1, 0.2, 0.3)},
        ),
    ],
    ids=["bgr", "rgb", "default", "grey default", "grey", "detector's own"],
)
def test_mean_is_in_the_order_of_the_channels(recipe_of, text, options, expected):
    found = recipe_of(augmentation(text), **options).input
    assert found == InputFormat(height=200, width=300, **expected)
    assert found.channels == len(expected["mean"])


def test_detector_decides_on_masks_and_freezing(recipe_of):
    recipe = recipe_of(mask_size=28, freeze=Freeze(blocks=(0, 1), batch_norm=True))
    assert recipe.data.mask_size == 28
    assert recipe.freeze == Freeze(blocks=(0, 1), batch_norm=True)


MAPPING = "dataset_config.target_class_mapping"
SCHEDULE = "training_config.learning_rate.soft_start_annealing_schedule"
FOLDERS = 'label_directory_path: "data/labels"\n    image_directory_path: "data/images"'


@pytest.mark.parametrize(
    ("replacement", "options", "expected"),
    [
        (
            augmentation("output_channel: 2"),
            {},
            "augmentation_config.output_channel: 2 is not possible; use 1 (grey) or 3 (colour)",
        ),
        (
            augmentation(GREY_MEAN),
            {},
            "augmentation_config.image_mean: has the keys l; "
            "output_channel is 3, which takes b, g and r",
        ),
        (
            augmentation(f"output_channel: 1 {MEAN}"),
            {},
            "augmentation_config.image_mean: has the keys b, g, r; "
            "output_channel is 1, which takes l",
        ),
        (
            augmentation(MEAN),
            {"mean": (0.0, 0.0, 0.0)},
            "augmentation_config.image_mean: this detector has a fixed mean; remove it",
        ),
        (
            augmentation("output_channel: 1"),
            {"mean": (0.0, 0.0, 0.0)},
            "augmentation_config.output_channel: 1 is not possible; "
            "this detector works on 3 channels",
        ),
        (
            augmentation("random_crop_min_scale: 0.9 random_crop_max_scale: 0.5"),
            {},
            "augmentation_config.random_crop_min_scale: 0.9 is more than "
            "random_crop_max_scale, which is 0.5; swap or change them",
        ),
        (
            augmentation("random_crop_max_ar: 0.2"),
            {},
            "augmentation_config.random_crop_min_ar: 0.5 is more than random_crop_max_ar, "
            "which is 0.2; swap or change them",
        ),
        (
            augmentation("zoom_out_min_scale: 5"),
            {},
            "augmentation_config.zoom_out_min_scale: 5 is more than "
            "zoom_out_max_scale, which is 4; swap or change them",
        ),
        (
            ("min_learning_rate: 5e-5", "min_learning_rate: 0.5"),
            {},
            f"{SCHEDULE}.min_learning_rate: 0.5 is more than max_learning_rate, "
            "which is 0.02; swap or change them",
        ),
        (
            ("soft_start: 0.15", "soft_start: 0.8"),
            {},
            f"{SCHEDULE}.soft_start: 0.8 is not below annealing, which is 0.8: "
            "the plateau lies between",
        ),
        (
            training("early_stopping { min_delta: 0.1 }"),
            {},
            "training_config.early_stopping.patience: 0 would stop the run at once; "
            "give a number of epochs",
        ),
        (
            ("weight: 3e-5", ""),
            {},
            "training_config.regularizer.weight: 0 makes L1 do nothing; "
            "give a weight above 0, or type: NO_REG",
        ),
        (
            ('tfrecords_path: "data/train*"', FOLDERS + ' tfrecords_path: "x"'),
            {},
            "dataset_config.data_sources[0]: records hold images and labels "
            "themselves; keep tfrecords_path or image_directory_path and label_directory_path, "
            "not both",
        ),
        (
            ('tfrecords_path: "data/train*"', 'tfrecords_path: ""'),
            {},
            "dataset_config.data_sources[0]: lacks image_directory_path and "
            "label_directory_path; or give tfrecords_path",
        ),
        (
            ('label_directory_path: "data/labels"', ""),
            {},
            "dataset_config.validation_data_sources[0]: lacks label_directory_path; "
            "or give tfrecords_path",
        ),
        (
            ('"Van" value: "car"', '"CAR" value: "truck"'),
            {},
            f'{MAPPING}["car"]: labels are compared without case, and "CAR" is mapped '
            'to "truck"; remove one of the two',
        ),
        (
            ('"Van" value: "car"', '"Van" value: "Car"'),
            {},
            f'{MAPPING}["car"]: the classes "Car" and "car" differ only by case; write one of them',
        ),
        (
            ('"Van" value: "car"', '"Van" value: " "'),
            {},
            f'{MAPPING}["Van"]: label and class may not be empty',
        ),
        (
            ('"Van" value: "car"', '"Van" value: "Background"'),
            {"background": "last"},
            f'{MAPPING}["Van"]: "Background" is what no object is called; '
            "give the class another name",
        ),
    ],
)
def test_fields_that_disagree_are_named(recipe_of, replacement, options, expected):
    assert recipe_of(replacement, **options) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "visualizer { enabled: false }",
        "visualizer { enabled: false num_images: 3 weight_histograms: false }",
        'enable_qat: false resume_model_path: ""',
    ],
)
def test_later_feature_that_is_switched_off_is_accepted(recipe_of, text):
    assert recipe_of(training(text)) == recipe_of()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("enable_qat: true", "enable_qat: comes with release 0.10"),
        ('resume_model_path: "a"', "resume_model_path: is not read; give the checkpoint to the"),
        ('pretrain_model_path: "a"', "pretrain_model_path: is not read; give the weights to the"),
        ('pruned_model_path: "a"', "pruned_model_path: is not read; give the pruned checkpoint"),
        (
            'visualizer { wandb_config { enabled: true project: "p" } }',
            "visualizer.wandb_config.enabled: is not read; nothing is sent anywhere",
        ),
        (
            'visualizer { wandb_config { key: "k" } }',
            "visualizer.wandb_config.key: is not read; nothing is sent anywhere, and checkpoints",
        ),
        (
            'visualizer { clearml_config { task: "t" } }',
            "visualizer.clearml_config: is not read; nothing is sent anywhere",
        ),
    ],
)
def test_what_training_does_not_read_is_refused_by_name(toy, problems_of, spec_text, text, message):
    (problem,) = problems_of(spec_text.replace(*training(text)), toy.Toy)
    assert f"training_config.{message}" in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nms_config { infer_nms_score_bits: 5 }", "score_bits: comes with release 0.11"),
    ],
)
def test_what_scoring_does_not_read_is_refused_by_name(toy, problems_of, spec_text, text, message):
    (problem,) = problems_of(spec_text.replace(*top(text)), toy.Toy)
    assert message in problem


@pytest.mark.parametrize(
    ("replacement", "path", "message"),
    [
        (
            training("cost_scaling { enabled: false initial_exponent: 20 }"),
            "training_config.cost_scaling",
            "mixed precision scales the loss by itself; remove the block",
        ),
        (
            ("  data_sources: {\n", '  data_sources: { root_path: "/data"\n'),
            "dataset_config.data_sources[0].root_path",
            "paths are taken as written; remove it",
        ),
        (
            ("dataset_config {", 'dataset_config { type: "kitti"'),
            "dataset_config.type",
            "the kind of a source is seen from its paths; remove it",
        ),
        (
            top("nms_config { force_on_cpu: false }"),
            "nms_config.force_on_cpu",
            "NMS runs where the model runs",
        ),
    ],
    ids=["cost_scaling", "root_path", "type", "force_on_cpu"],
)
def test_field_that_nothing_reads_is_a_warning(toy, spec_text, replacement, path, message):
    assert replacement[0] in spec_text
    (warning,) = parse_spec(spec_text.replace(*replacement), toy.Toy).warnings
    assert (warning.path, warning.message) == (path, f"has no effect: {message}")


@pytest.mark.parametrize(
    ("text", "field", "switch"),
    [
        ("num_images: 5", "num_images", "enabled"),
        ("enabled: false weight_histograms: true", "weight_histograms", "enabled"),
        ('wandb_config { project: "p" }', "wandb_config.project", "wandb_config.enabled"),
        (
            'wandb_config { enabled: false tags: ["a", "b"] }',
            "wandb_config.tags",
            "wandb_config.enabled",
        ),
        ("wandb_config { mode: OFFLINE }", "wandb_config.mode", "wandb_config.enabled"),
    ],
)
def test_detail_of_what_is_switched_off_is_a_warning(toy, spec_text, text, field, switch):
    text = spec_text.replace(*training(f"visualizer {{ {text} }}"))
    (warning,) = parse_spec(text, toy.Toy).warnings
    block = "training_config.visualizer"
    assert warning.path == f"{block}.{field}"
    assert warning.message == f"has no effect: {block}.{switch} is false"


@pytest.mark.parametrize(
    "text", ["wandb_config { enabled: false }", "wandb_config { }", "clearml_config { }"]
)
def test_report_that_is_switched_off_is_accepted(toy, spec_text, text):
    text = spec_text.replace(*training(f"visualizer {{ {text} }}"))
    assert parse_spec(text, toy.Toy).warnings == ()


def test_weight_of_no_penalty_is_a_warning(toy, spec_text):
    spec = parse_spec(spec_text.replace("type: L1", "type: NO_REG"), toy.Toy, "s.txt")
    (warning,) = spec.warnings
    assert str(warning) == (
        "s.txt:14:38: training_config.regularizer.weight: has no effect: "
        "training_config.regularizer.type is NO_REG"
    )


def test_learning_rate_without_a_schedule_is_refused(toy, spec_text):
    start = spec_text.index("    soft_start_annealing_schedule")
    text = spec_text[:start] + spec_text[spec_text.index("  }\n  regularizer") :]
    with pytest.raises(
        SpecError, match=r"training_config\.learning_rate: has no schedule; add soft_"
    ):
        standard_recipe(parse_spec(text, toy.Toy).message, name="toy")


def test_labels_that_differ_by_case_may_map_to_one_class(recipe_of):
    assert recipe_of(('"Van" value', '"CAR" value')).classes.label("Car") == 1


def test_a_class_may_be_called_background_where_the_head_has_none(recipe_of):
    assert (
        "background" in recipe_of(('"Van" value: "car"', '"Van" value: "background"')).classes.names
    )


def test_all_disagreements_are_reported_at_once(recipe_of):
    problems = recipe_of(
        augmentation("zoom_out_min_scale: 5"), ("soft_start: 0.15", "soft_start: 0.9")
    )
    assert len(problems) == 2


def test_schema_without_the_optional_blocks_gets_the_defaults(toy, spec_text):
    text = spec_text.replace("random_seed: 42\n", "")
    text = text.replace("toy_config { share: 0.5 needed: 4 }\n", "")
    recipe = standard_recipe(parse_spec(text, toy.Small).message, name="small")
    assert (recipe.evaluation, recipe.seed) == (Evaluation(), 0)
    assert recipe.inference == Inference(batch_size=8)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "Odd",
            "toy.Odd has no training_config of type detforge.TrainingConfig; the detector must",
        ),
        ("Part", "toy.Part has no dataset_config of type detforge.DatasetConfig"),
    ],
)
def test_schema_that_is_not_standard_needs_its_own_recipe(toy, kind, message):
    with pytest.raises(PluginError, match=message):
        standard_recipe(getattr(toy, kind)(), name="x")
