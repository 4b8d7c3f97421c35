"""Whole specs: those that ship with the plugin, the users' samples, and how others differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

import detforge_ssd
from detforge.plugins import load_detector
from detforge.recipe import DataSource, Freeze
from detforge.spec import load_spec, parse_spec
from detforge.spec.conversion import check_conversion
from detforge_ssd.anchor_config import anchor_config

FOLDER = Path(detforge_ssd.__file__).parent / "specs"
CONVERT = sorted(FOLDER.glob("*_convert.txt"))
EXPERIMENT = sorted(set(FOLDER.glob("*.txt")) - set(CONVERT))


def shipped(path):
    """Return a shipped experiment and the detector that its block is for."""
    spec = load_spec(path, load_detector("ssd").spec_schema())
    name = spec.message.WhichOneof("network").removesuffix("_config")
    return spec, load_detector(name)


@pytest.mark.parametrize("path", EXPERIMENT, ids=lambda path: path.stem)
def test_shipped_experiment_gives_a_recipe_without_a_warning(path):
    spec, detector = shipped(path)
    assert spec.warnings == ()
    recipe = detector.recipe(spec)
    assert recipe.checkpoints.name.startswith(f"{detector.name}_resnet")
    assert recipe.data.training
    assert recipe.data.validation


@pytest.mark.parametrize("path", CONVERT, ids=lambda path: path.stem)
def test_shipped_conversion_maps_the_classes_of_its_experiment(path):
    detector = load_detector("ssd")
    mapping = load_spec(path, detector.convert_schema()).message.target_class_mapping
    experiments = [p for p in EXPERIMENT if p.stem.startswith(path.stem.removesuffix("_convert"))]
    assert experiments
    for experiment in experiments:
        spec, trained = shipped(experiment)
        assert set(mapping.values()) == set(trained.recipe(spec).classes.names)


@pytest.fixture
def sample(sample_specs):
    """The text of the users' sample spec."""
    return (sample_specs / "ssd.txt").read_text()


def understood(text, name="ssd"):
    """Return the message and the recipe of a spec that gives no warning."""
    detector = load_detector(name)
    spec = parse_spec(text, detector.spec_schema())
    assert spec.warnings == ()
    return spec.message, detector.recipe(spec)


@pytest.mark.parametrize("network", ["ssd", "dssd"])
def test_sample_gives_its_recipe_as_it_stands(sample, network):
    text = sample.replace("ssd_config", f"{network}_config")
    _, recipe = understood(text, network)
    assert recipe.checkpoints.name == f"{network}_resnet18"
    assert recipe.classes.names == ("car", "cyclist", "pedestrian")
    assert recipe.classes.mapping["person_sitting"] == "pedestrian"
    assert (recipe.epochs, recipe.data.batch_size, recipe.seed) == (80, 16, 42)
    assert recipe.input.mean == (103.9, 116.8, 123.7)
    assert recipe.freeze == Freeze(blocks=(0,), field=f"{network}_config.freeze_blocks")


@pytest.mark.parametrize("name", ["ssd_convert_kitti", "ssd_convert_coco"])
def test_sample_conversion_is_correct_as_it_stands(sample_specs, name):
    spec = load_spec(sample_specs / f"{name}.txt", load_detector("ssd").convert_schema())
    assert spec.warnings == ()
    assert check_conversion(spec) == []
    folders = {
        *spec.message.kitti_config.image_dir_name.split(),
        *spec.message.coco_config.img_dir_names,
    }
    assert folders in ({"training/image_2"}, {"val2017", "train2017"})


@pytest.mark.parametrize("name", ["ssd", "ssd_convert_kitti", "ssd_convert_coco"])
def test_sample_survives_being_written_and_read(sample_specs, name):
    detector = load_detector("ssd")
    schema = detector.convert_schema() if "convert" in name else detector.spec_schema()
    message = load_spec(sample_specs / f"{name}.txt", schema).message
    again = parse_spec(text_format.MessageToString(message), schema)
    assert again.message == message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clustering_iou_threshold", "cluster_iou_threshold"),
        ("freeze_blocks: 0", "freeze_blocks: [0]"),
        ("ssd_config {", "ssd_config: {"),
        ("data_sources: {", "data_sources {"),
        ('"resnet"', '"ResNet"'),
        ("nlayers: 18", "nlayers: 18.0"),
        ("1.0/3.0", "1/3"),
        ('"[0.1, 0.1, 0.2, 0.2]"', "'(0.1, 0.1, 0.2, 0.2)'"),
        ("clip_boxes: false", "clip_boxes: False"),
        ("enable_qat: false", "enable_qat: false visualizer { enabled: False }"),
        ("mode: SAMPLE", "mode: sample"),
        ("  clip_boxes: false\n", ""),
        ('  variances: "[0.1, 0.1, 0.2, 0.2]"\n', ""),
    ],
)
def test_other_spellings_of_the_sample_mean_the_same(sample, old, new):
    assert old in sample
    (message, recipe), (wanted, expected) = understood(sample.replace(old, new)), understood(sample)
    assert recipe == expected
    assert anchor_config(message.ssd_config) == anchor_config(wanted.ssd_config)


def test_folders_of_the_second_option_are_read(sample):
    records = '    tfrecords_path: "/path/to/train/tfrecord"\n'
    lines = [line for line in sample.replace(records, "").splitlines() if "option" not in line]
    text = "\n".join(line.replace("# ", "") for line in lines)
    expected = DataSource(
        images="/path/to/train/images",
        labels="/path/to/train/labels",
        field="dataset_config.data_sources[0]",
    )
    assert understood(text)[1].data.training == (expected,)


def test_several_sources_are_taken_in_order(sample):
    more = 'data_sources { tfrecords_path: "b" } data_sources { tfrecords_path: "c" }'
    text = sample.replace("dataset_config {", f"dataset_config {{ {more}")
    sources = understood(text)[1].data.training
    assert [source.records for source in sources] == ["b", "c", "/path/to/train/tfrecord"]


def test_lists_of_the_documents_tables_are_read(sample):
    start, end = sample.index("  aspect_ratios"), sample.index("  two_boxes")
    lists = """
      aspect_ratios_global: "[1.0, 2.0, 0.5, 3.0, 0.33]"
      min_scale: 0.05 max_scale: 0.95
      steps: "[8.0, (16.0, 16.0), [32, 32], 64, 100, 150]"
      offsets: "[0.5, 0.5, 0.5, 0.5, 0.5, 0.5]"
    """
    config = understood(sample[:start] + lists + sample[end:])[0].ssd_config
    anchors = anchor_config(config)
    assert anchors.aspect_ratios == ((1.0, 2.0, 0.5, 3.0, 0.33),) * 6
    assert anchors.scales == pytest.approx((0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95))
    assert anchors.steps == ((8, 8), (16, 16), (32, 32), (64, 64), (100, 100), (150, 150))
