"""Command lines as users' documents have them: each means what it meant there.

The first word of the documents is left out; the test tries the ways to begin a line.
"""

import shlex

import pytest
from tests.docs import base_specs

from detforge.errors import UsageError
from detforge.roadmap import arrival

SPECS = {
    "ssd.txt": base_specs.SSD,
    "rcnn.txt": base_specs.FASTER_RCNN,
    "effdet.txt": base_specs.EFFICIENTDET,
    "mrcnn.txt": base_specs.MASK_RCNN,
    "kitti.txt": 'kitti_config { image_dir_name: "images" label_dir_name: "labels" }\n',
}
PRUNE = {"output": "small.tlt", "equalization_criterion": "union", "threshold": 0.7}
INT8 = {"data_type": "int8", "cal_image_dir": "images", "batches": 10}

# A line -> what its options come to, and the features that it waits for.
LINES = {
    # SSD
    "ssd dataset-convert -d kitti.txt -o records/train -v": (
        {"spec": "kitti.txt", "output": "records/train", "verbose": True},
        [],
    ),
    "ssd dataset_convert --dataset-export-spec kitti.txt --output_filename records/train": (
        {"spec": "kitti.txt", "output": "records/train"},
        [],
    ),
    "ssd train --gpus 2 -e ssd.txt -r result -k $KEY": (
        {"gpus": 2, "spec": "ssd.txt", "results_dir": "result", "key": "secret"},
        ["multi_gpu"],
    ),
    "ssd train -e ssd.txt -r result -k $KEY --gpu_index 0 --log_file run.log -m model.tlt "
    "--initial_epoch 5": (
        {"gpu_index": (0,), "log_file": "run.log", "resume_model_weights": "model.tlt"}
        | {"initial_epoch": 5},
        [],
    ),
    "ssd train -e ssd.txt -r result -k $KEY --use_amp --use_multiprocessing": (
        {"use_amp": True, "use_multiprocessing": True},
        [],
    ),
    "ssd evaluate -m model.tlt -k $KEY -e ssd.txt": ({"model": "model.tlt", "key": "secret"}, []),
    "ssd inference -i images -o drawn -m model.tlt -k $KEY -e ssd.txt": (
        {"images": "images", "annotated_dir": "drawn", "labels_dir": None, "threshold": None},
        [],
    ),
    "ssd inference --in_image_dir images --out_image_dir drawn --model model.tlt --key $KEY "
    "--config_path ssd.txt --out_label_dir labels --threshold 0.4 --gpu_index 0": (
        {"images": "images", "annotated_dir": "drawn", "labels_dir": "labels", "threshold": 0.4},
        [],
    ),
    # A page that lost its line breaks keeps the backslashes.
    r"ssd prune -m model.tlt \ -o small.tlt \ -eq union \ -pth 0.7 -k $KEY": (PRUNE, []),
    "ssd prune --pretrained_model model.tlt --output_file small.tlt -k $KEY -n L2 -pg 4 -nf 8 "
    "-el conv1 conv2 --gpu_index 0": (
        {"model": "model.tlt", "output": "small.tlt", "normalizer": "L2", "granularity": 4}
        | {"min_filters": 8, "excluded_layers": ("conv1", "conv2")},
        [],
    ),
    r"ssd export -m model.tlt \ -o model.etlt \ -e ssd.txt \ --key $KEY": (
        {"model": "model.tlt", "output": "model.etlt", "spec": "ssd.txt", "key": "secret"},
        [],
    ),
    "ssd export -m model.tlt -k $KEY -e ssd.txt --cal_json_file ranges.json --gen_ds_config": (
        {"cal_json_file": "ranges.json", "gen_ds_config": True, "output": None},
        ["quantization", "tensorrt"],
    ),
    "ssd int8-tensorfile -e ssd.txt -m 10 -o calibration.tensor --use_validation_set": (
        {"max_batches": 10, "output": "calibration.tensor", "use_validation_set": True},
        ["quantization"],
    ),
    # Faster R-CNN
    "faster_rcnn dataset_convert -d kitti.txt -o records/train --gpu_index 0": (
        {"spec": "kitti.txt", "output": "records/train"},
        [],
    ),
    "faster_rcnn train --gpu_index 0 -e rcnn.txt -r result": (
        {"gpu_index": (0,), "results_dir": "result", "key": None, "num_processes": -1},
        ["faster_rcnn"],
    ),
    "faster_rcnn train -e rcnn.txt -r result --enc_key $KEY --gpus=4 --num_processes=2 "
    "--gpu_index 0,1,2,3 --use_amp": (
        {"key": "secret", "gpus": 4, "num_processes": 2, "gpu_index": (0, 1, 2, 3)},
        ["faster_rcnn", "multi_gpu"],
    ),
    "faster_rcnn train -e rcnn.txt -r result --gpus 2 -np -1 --gpu_index 0 1": (
        {"num_processes": -1, "gpu_index": (0, 1)},
        ["faster_rcnn", "multi_gpu"],
    ),
    "faster_rcnn evaluate -e rcnn.txt": ({"model": None, "spec": "rcnn.txt"}, ["faster_rcnn"]),
    "faster_rcnn inference -e rcnn.txt -k $KEY -m model.tlt": (
        {"model": "model.tlt", "images": None, "annotated_dir": None},
        ["faster_rcnn"],
    ),
    "faster_rcnn prune -m model.tlt -o small.tlt -eq union -pth 0.7 --ke $KEY": (
        {**PRUNE, "key": "secret"},
        ["faster_rcnn"],
    ),
    "faster_rcnn prune -m model.tlt -o small.tlt \u2013normalizer max -pruning_granularity 16": (
        {"normalizer": "max", "granularity": 16},
        ["faster_rcnn"],
    ),
    "faster_rcnn export --gpu_index 0 -m model.tlt -o model.etlt --experiment_spec rcnn.txt "
    "-k $KEY": ({"spec": "rcnn.txt", "output": "model.etlt"}, ["faster_rcnn"]),
    "faster_rcnn export -m model.tlt -o model.etlt -e rcnn.txt --key $KEY --cal_image_dir images "
    "--data_type int8 --batch_size 8 --batches 10 --cal_data_file cal.tensorfile "
    "--cal_cache_file cal.bin --engine_file detection.trt": (
        {**INT8, "batch_size": 8, "cal_data_file": "cal.tensorfile", "cal_cache_file": "cal.bin"}
        | {"engine_file": "detection.trt"},
        ["faster_rcnn", "quantization", "tensorrt"],
    ),
    # EfficientDet
    "efficientdet_tf1 dataset_convert -i images -a train.json -o records": (
        {"image_dir": "images", "annotations_file": "train.json", "output": "records/"}
        | {"num_shards": 256, "tag": None, "include_mask": False},
        [],
    ),
    "efficientdet_tf1 dataset-convert -i images -a train.json -o records -t train -s 8 "
    "--include_mask": (
        {"output": "records/", "tag": "train", "num_shards": 8, "include_mask": True},
        [],
    ),
    "efficientdet_tf1 train --gpus 2 -e effdet.txt -d result -k $KEY": (
        {"gpus": 2, "results_dir": "result"},
        ["efficientdet", "multi_gpu"],
    ),
    "efficientdet_tf1 evaluate -e effdet.txt -m model.tlt -k $KEY": (
        {"model": "model.tlt"},
        ["efficientdet"],
    ),
    "efficientdet_tf1 inference -e effdet.txt -m model.tlt -k $KEY -o drawn -i images "
    "-l labels --label_map names.txt": (
        {"annotated_dir": "drawn", "labels_dir": "labels", "label_map": "names.txt"},
        ["efficientdet"],
    ),
    "efficientdet_tf1 prune -m model.tlt -o pruned/ -eq union -pth 0.7 -k $KEY": (
        {"output": "pruned/"},
        ["efficientdet"],
    ),
    "efficientdet_tf1 export -m model.tlt -o out/model.etlt -e effdet.txt -k $KEY --verbose": (
        {"output": "out/model.etlt", "verbose": True},
        ["efficientdet"],
    ),
    # Mask R-CNN
    "mask_rcnn train --gpus 2 -e mrcnn.txt -d result -k $KEY": (
        {"gpus": 2, "results_dir": "result"},
        ["mask_rcnn", "multi_gpu"],
    ),
    "mask_rcnn evaluate -e mrcnn.txt -m model.tlt": ({"key": None}, ["mask_rcnn"]),
    "mask_rcnn prune -m model.tlt -o pruned -eq union -pth 0.7 -k $KEY": (
        {"output": "pruned/"},
        ["mask_rcnn"],
    ),
    "mask_rcnn inference -i images -o drawn -e mrcnn.txt -m model.tlt -k $KEY -l found -t 0.5 "
    "--include_mask": (
        {"labels_dir": "found", "threshold": 0.5, "include_mask": True},
        ["mask_rcnn"],
    ),
    "mask_rcnn export -m model.tlt -k $KEY -e mrcnn.txt --batch_size 1 --data_type int8 "
    "--cal_image_dir images --batches 10 --cal_cache_file mrcnn.cal --cal_data_file m.tensorfile": (
        {**INT8, "batch_size": 1, "cal_cache_file": "mrcnn.cal", "cal_data_file": "m.tensorfile"},
        ["mask_rcnn", "quantization"],
    ),
    "mask_rcnn engine -d 3,576,960 -k $KEY -o generate_detections,mask_fcn_logits/BiasAdd "
    "-t fp16 -w 1073741824 -m 1 -p images,1x3x9x9,8x3x9x9,16x3x9x9 model.etlt": (
        {"input_dims": (3, 576, 960), "output_nodes": "generate_detections,mask_fcn_logits/BiasAdd"}
        | {"data_type": "fp16", "max_workspace_size": 2**30, "max_batch_size": 1},
        ["tensorrt"],
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with the files that the lines name."""
    for name, text in SPECS.items():
        (tmp_path / name).write_text(text)
    for name in ("model.tlt", "model.etlt", "train.json", "names.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    return tmp_path


def words(line):
    return shlex.split(line.replace("$KEY", "secret"))


@pytest.mark.parametrize("start", ["", "model ", "tao model ", "tao "], ids=repr)
@pytest.mark.parametrize("line", LINES)
def test_every_option_comes_to_what_the_line_says(detforge, folder, monkeypatch, line, start):
    seen = []
    monkeypatch.setattr("detforge.cli.run.run_task", lambda *arguments: seen.append(arguments))
    assert detforge(*words(start + line)).code == 0
    ((*_, values, _),) = seen
    expected, _ = LINES[line]
    plain = {
        name: value if type(value) in (int, float, bool, tuple, type(None)) else str(value)
        for name, value in values.items()
    }
    assert plain | expected == plain


@pytest.mark.parametrize("line", LINES)
def test_line_runs_or_says_what_it_waits_for(detforge, folder, monkeypatch, line):
    def stop(*arguments):
        raise UsageError("the task begins")

    monkeypatch.setattr("detforge.cli.run.build_request", stop)
    result = detforge(*words(line))
    assert result.code == 2
    _, features = LINES[line]
    error = result.err.partition("Error: ")[2]
    if features:
        found = error.replace(" come with ", " comes with ")
        assert [found.count(arrival(feature)) for feature in features] == [1] * len(features)
        assert found.count(" with release ") == len(features)
    else:
        assert error == "the task begins\n"
