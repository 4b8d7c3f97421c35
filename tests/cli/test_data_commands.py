"""`detforge data stats` and `detforge data preview`: what they read, write, and refuse."""

from __future__ import annotations

import json
import sys

import cv2
import pytest

from detforge.data.scenes import draw_scenes
from detforge.testing import add_distribution

SPEC = """
random_seed: 1
ssd_config {
  aspect_ratios_global: "[1.0]" scales: "[0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0]"
  arch: "resnet" nlayers: 10
}
training_config {
  batch_size_per_gpu: 4 num_epochs: 2
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 1e-4 max_learning_rate: 1e-2 soft_start: 0.1 annealing: 0.5 } }
}
augmentation_config { output_width: 128 output_height: 128 random_flip: 0.5 }
dataset_config {
  data_sources { image_directory_path: "IMAGES" label_directory_path: "LABELS" }
  data_sources { image_directory_path: "IMAGES" label_directory_path: "LABELS" }
  validation_data_sources { image_directory_path: "IMAGES" label_directory_path: "LABELS" }
  target_class_mapping { key: "circle" value: "circle" }
  target_class_mapping { key: "square" value: "square" }
  target_class_mapping { key: "triangle" value: "triangle" }
}
"""
CONVERSION = """
kitti_config { image_dir_name: "images" label_dir_name: "labels" image_extension: "jpg"
  val_split: 0 num_shards: 2 }
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_scenes(tmp_path_factory.mktemp("drawn") / "scenes", images=6, seed=2)


@pytest.fixture
def ssd_spec(drawn, tmp_path):
    path = tmp_path / "spec.txt"
    text = SPEC.replace("IMAGES", str(drawn.images)).replace("LABELS", str(drawn.labels))
    path.write_text(text)
    return path


def objects_of(drawn):
    return len(json.loads(drawn.annotations.read_text())["annotations"])


# --- stats --------------------------------------------------------------------------------


def test_folders_and_coco_file_of_one_data_set_have_the_same_numbers(detforge, drawn):
    shown = [
        json.loads(detforge("data", "stats", *words, "--json").out)["parts"]["all"]
        for words in (
            [drawn.images.parent],
            ["--images", drawn.images, "--labels", drawn.labels],
            [drawn.annotations],
            [drawn.annotations, "--image-dir", drawn.images],
        )
    ]
    for part in shown:
        assert (part["images"], part["objects"]) == (6, objects_of(drawn))
        assert part["classes"].keys() == {"circle", "square", "triangle"}
        assert part["boxes"]["width"] == pytest.approx(shown[0]["boxes"]["width"], rel=1e-4)
    assert [part["masked"] > 0 for part in shown] == [False, False, True, True]


@pytest.mark.parametrize(
    "pattern", ["", "*", "-fold-001*", "-fold-001-of-002-shard-00000-of-00002"]
)
def test_records_are_read_by_prefix_pattern_file_and_folder(
    detforge, drawn, tmp_path, monkeypatch, pattern
):
    monkeypatch.chdir(drawn.images.parent)
    spec = tmp_path / "convert.txt"
    spec.write_text(CONVERSION)
    records = tmp_path / "records" / "scenes"
    assert detforge("ssd", "dataset_convert", "-d", spec, "-o", records).code == 0
    part = json.loads(detforge("data", "stats", f"{records}{pattern}", "--json").out)["parts"]
    assert part["all"]["images"] == (3 if pattern.endswith("00002") else 6)
    assert json.loads(detforge("data", "stats", records.parent, "--json").out)["parts"] != {}


def test_table_has_the_classes_sizes_and_what_is_suspicious(detforge, data_root):
    shown = detforge("data", "stats", data_root / "bccd" / "train").out
    lines = [line.split() for line in shown.splitlines()]
    assert ["all", "205", "0", "2,804", "1", "to", "28,", "13.7", "0", "0", "0"] in lines
    assert ["rbc", "2,381", "197", "105", "x", "101"] in lines
    assert "4  the same object twice" in shown
    assert "BloodImage_00020.jpg rbc [142, 364, 249, 471] like [144, 366, 251, 473]" in shown


def test_spec_shows_its_sources_its_parts_and_sizes_in_the_network(detforge, ssd_spec, drawn):
    shown = json.loads(detforge("data", "stats", ssd_spec, "--json").out)
    training, validation = shown["parts"]["training"], shown["parts"]["validation"]
    assert [source["images"] for source in training["sources"]] == [6, 6]
    assert (training["images"], validation["images"]) == (12, 6)
    assert shown["data"] == f"{ssd_spec} (ssd)"
    # 320 pixels become 128.
    width = training["boxes"]["width"]["median"]
    assert training["boxes"]["network_width"]["median"] == pytest.approx(width * 0.4, rel=1e-4)
    table = detforge("data", "stats", ssd_spec).out
    assert "The network sees 128x128 pixels; images are stretched to that." in table
    assert "Boxes of validation, pixels" in table


def test_field_of_the_spec_can_be_changed(detforge, ssd_spec):
    change = "augmentation_config.output_width=256"
    shown = json.loads(detforge("data", "stats", ssd_spec, "--set", change, "--json").out)
    assert shown["network_input"]["width"] == 256


def test_results_are_numbers_places_and_a_picture(detforge, drawn, tmp_path):
    # The same images as training and as validation: each is there twice.
    folder = tmp_path / "new" / "stats"
    result = detforge("data", "stats", drawn.images.parent, "-o", folder)
    assert (result.code, {path.name for path in folder.iterdir()}) == (
        0,
        {"stats.json", "stats.png", "suspicious.jsonl"},
    )
    numbers = json.loads((folder / "stats.json").read_text())
    assert numbers == json.loads(detforge("data", "stats", drawn.images.parent, "--json").out)
    height, width = cv2.imread(str(folder / "stats.png")).shape[:2]
    assert min(height, width) > 1000


def test_image_in_both_parts_is_found_by_its_bytes(detforge, ssd_spec, tmp_path):
    assert "the same image" not in detforge("data", "stats", ssd_spec).out
    assert detforge("data", "stats", ssd_spec, "--hash", "-r", tmp_path / "out").code == 0
    lines = (tmp_path / "out" / "suspicious.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds.count("same_image_in_two_parts") == kinds.count("same_image") == 6


def test_without_matplotlib_the_numbers_are_written_all_the_same(
    detforge, drawn, tmp_path, monkeypatch
):
    for module in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, module, None)
    result = detforge("data", "stats", drawn.annotations, "-r", tmp_path / "out")
    assert result.code == 0
    assert "no stats.png: matplotlib is not installed; pip install 'detforge[train]'" in result.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"stats.json", "suspicious.jsonl"}


def test_picture_needs_no_screen(detforge, drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert detforge("data", "stats", drawn.annotations, "-r", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "stats.png").exists()


def test_image_that_cannot_be_read_is_told_and_the_rest_counted(detforge, tmp_path):
    scenes = draw_scenes(tmp_path / "scenes", images=3, seed=1)
    broken = scenes.images / "000001.jpg"
    broken.write_bytes(broken.read_bytes()[:400])
    shown = json.loads(detforge("data", "stats", tmp_path / "scenes", "--json").out)
    assert shown["parts"]["all"]["images"] == 2
    (finding,) = (found for found in shown["suspicious"] if found["kind"] == "left_out")
    assert (finding["count"], finding["title"]) == (1, "left out: cannot be read")
    assert str(broken) in finding["first"][0]["place"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "missing PATH_OR_SPEC, or --images and --labels"),
        (["nothing"], "no records match nothing"),
        (["nothing*"], "no records match nothing*"),
        (["."], ". is no data set, but holds some; name one: scenes"),
        (["scenes/images"], "holds images, and no labels were found; name the folder"),
        (["scenes/labels"], "holds text files; if they are KITTI labels, name it with --labels"),
        (["scenes/images/000000.jpg"], "is an image; name a folder with images and labels"),
        (["scenes/labels/000000.txt"], "is text, and a spec of no installed detector"),
        (["json"], "holds JSON files; name one: json/a.json"),
        (["json/a.json"], "it has no list 'images' at its top level"),
        (["convert.txt"], "is a conversion spec; name the data that it names"),
        (["empty"], "no records match empty"),
        (["noise"], "noise is not a TFRecord file"),
        (["scenes", "json"], "put a pattern in quotes"),
        (["scenes", "--set", "a=1"], "--set is for a spec, and scenes is none"),
        (["scenes", "--detector", "ssd"], "--detector is for a spec, and scenes is none"),
        (["spec.txt", "--images", "scenes"], "is a spec, which names its images and labels itself"),
        (["spec.txt", "--detector", "yolo"], "there is no detector 'yolo'"),
        (["typo.txt"], "typo.txt:3:1: ssd_confg: unknown field; did you mean"),
        (["spec.txt", "--detector", "mask_rcnn"], "looks like a spec of ssd"),
        (["scenes/instances.json", "--hash", "-i", "json"], "does not exist"),
        (["scenes", "-r", "convert.txt/out"], "--results_dir convert.txt/out cannot be a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_no_data_set_is_one_message_with_advice(
    detforge, drawn, ssd_spec, tmp_path, monkeypatch, words, message
):
    (tmp_path / "scenes").symlink_to(drawn.images.parent)
    (tmp_path / "convert.txt").write_text(CONVERSION)
    (tmp_path / "typo.txt").write_text(SPEC.replace("ssd_config", "ssd_confg"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "a.json").write_text('{"annotations": []}')
    (tmp_path / "noise").write_bytes(bytes(range(200)))
    monkeypatch.chdir(tmp_path)
    result = detforge("data", "stats", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Error: ")
    assert message in result.err


# --- whose spec it is ---------------------------------------------------------------------


def test_spec_that_two_detectors_read_asks_for_one(detforge, finder, tmp_path, ssd_spec):
    points = {"detforge.detectors": {"twin": "twin_plugin"}}
    modules = {"twin_plugin": "from detforge_ssd.plugin import build_model, recipe, spec_schema"}
    add_distribution(tmp_path / "site", "detforge-twin", entry_points=points, modules=modules)
    result = detforge("data", "stats", ssd_spec)
    assert result.code == 2
    assert "fits ssd and twin; choose one: --detector ssd" in result.err
    assert detforge("data", "stats", ssd_spec, "--detector", "twin").code == 0


def test_broken_detector_does_not_keep_others_from_reading_their_spec(
    detforge, finder, tmp_path, ssd_spec
):
    points = {"detforge.detectors": {"lame": "lame_plugin"}}
    modules = {"lame_plugin": "import absent_module"}
    add_distribution(tmp_path / "site", "lame", entry_points=points, modules=modules)
    assert detforge("data", "stats", ssd_spec).code == 0


def test_data_of_a_format_of_its_own_are_opened_by_the_reader_of_a_detector(
    detforge, finder, tmp_path, monkeypatch
):
    from tests.core.data.data_builders import ListSource, make_sample

    from detforge import hookimpl

    class Blots(ListSource):
        def __init__(self, path):
            names = path.read_text().split()
            super().__init__([make_sample([[1, 1, 9, 9]], [name]) for name in names], str(path))

    # Plugins are read when a detector is loaded.
    readers = hookimpl(lambda: {".blots": Blots})
    monkeypatch.setattr(finder, "dataset_readers", readers, raising=False)
    (tmp_path / "a.blots").write_text("cat dog dog")
    shown = detforge("data", "stats", tmp_path / "a.blots", "--detector", "kitten_finder", "--json")
    classes = json.loads(shown.out)["parts"]["all"]["classes"]
    assert {name: found["objects"] for name, found in classes.items()} == {"cat": 1, "dog": 2}


# --- preview ------------------------------------------------------------------------------


def test_preview_is_written_with_as_many_images_as_asked_for(detforge, ssd_spec, tmp_path):
    sizes = []
    for count, said in ((1, "1 image"), (6, "6 images")):
        path = tmp_path / f"new/{count}.png"
        result = detforge("data", "preview", "-e", ssd_spec, "-n", count, "-o", path)
        assert (result.code, result.out) == (0, f"{said} in {path}\n")
        sizes.append(cv2.imread(str(path)).size)
    assert sizes[1] > 2 * sizes[0]


def test_preview_says_which_images_it_shows_when_asked(detforge, ssd_spec, tmp_path):
    words = ["-e", ssd_spec, "-n", "3", "-o", tmp_path / "p.png", "--epoch", "2", "-v"]
    lines = detforge("data", "preview", *words).err.splitlines()
    shown = [line for line in lines if line.startswith("row ")]
    assert len(shown) == 3
    assert all(", epoch 2: 00000" in line for line in shown)


@pytest.mark.parametrize("options", [["--plain"], ["--validation"], ["--seed", "7"]], ids=" ".join)
def test_preview_follows_its_options(detforge, ssd_spec, tmp_path, options):
    pictures = []
    for more in ([], options):
        words = ["-e", ssd_spec, "-n", "2", "-o", tmp_path / "p.png", *more]
        assert detforge("data", "preview", *words).code == 0
        pictures.append((tmp_path / "p.png").read_bytes())
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "missing --experiment_spec_file (-e)"),
        (["-e", "spec.txt", "-o", "p.pdf"], "p.pdf is no picture; end it in .png, .jpg, .jpeg"),
        (["-e", "spec.txt", "-o", "."], "--output . is a folder; name a file"),
        (["-e", "no_validation.txt", "--validation"], "(ssd) names no validation data"),
        (["-e", "moved.txt"], "image folder away/images does not exist"),
        (["-e", "other.txt"], "classes that target_class_mapping does not name: 'triangle'"),
        (["-e", "spec.txt", "-n", "0"], "--images"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_preview_that_cannot_be_is_one_message(
    detforge, ssd_spec, tmp_path, monkeypatch, words, message
):
    text = ssd_spec.read_text()
    lines = [line for line in text.splitlines() if "validation_data" not in line]
    (tmp_path / "no_validation.txt").write_text("\n".join(lines))
    (tmp_path / "moved.txt").write_text(SPEC.replace("IMAGES", "away/images"))
    (tmp_path / "other.txt").write_text(text.replace('"triangle"', '"pyramid"'))
    monkeypatch.chdir(tmp_path)
    result = detforge("data", "preview", *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not (tmp_path / "preview.png").exists()
