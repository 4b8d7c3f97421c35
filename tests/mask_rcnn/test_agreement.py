"""Fields of Mask R-CNN that disagree: each pair is named, and all at once."""

from __future__ import annotations

import pytest

from tests.mask_rcnn.specs import problems, spec_text

STEPS = "total_steps: 1000"


def with_model(text):
    return spec_text(model=text)


def with_data(text):
    return spec_text(data=f"num_classes: 4 {text}")


@pytest.mark.parametrize(
    ("top", "problem"),
    [
        ("", "total_steps: the length of the run is missing; give total_steps, or num_epochs"),
        (
            "total_steps: 0 num_epochs: 0",
            "total_steps: the length of the run is missing; give total_steps, or num_epochs",
        ),
        (
            f'{STEPS} learning_rate_steps: "[60, 80]" learning_rate_decay_levels: "[0.1]"',
            "learning_rate_decay_levels: holds 1 instead of 2, one for each of learning_rate_steps",
        ),
        (
            f'{STEPS} learning_rate_decay_levels: "[0.1]"',
            "learning_rate_decay_levels: holds 1 instead of 0, one for each of learning_rate_steps",
        ),
        (
            f'{STEPS} learning_rate_steps: "[80, 60]" learning_rate_decay_levels: "[0.1, 0.01]"',
            "learning_rate_steps[1]: 60 is not above 80, the number before it",
        ),
        (
            f'{STEPS} learning_rate_steps: "[60.5]" learning_rate_decay_levels: "[0.1]"',
            "learning_rate_steps[0]: 60.5 is not a whole number",
        ),
        (
            f'{STEPS} learning_rate_steps: "[[60]]" learning_rate_decay_levels: "[0.1]"',
            "learning_rate_steps[0]: is a list; a number should stand here",
        ),
        (
            f"{STEPS} warmup_steps: 10000",
            "warmup_steps: 10000 steps of warm-up do not fit into a run of 1000; use fewer",
        ),
        (
            "num_epochs: 2 num_examples_per_epoch: 10 train_batch_size: 4 warmup_steps: 6",
            "warmup_steps: 6 steps of warm-up do not fit into a run of 5; use fewer",
        ),
        (
            f"{STEPS} warmup_steps: 100 learning_rate_steps: '[60]' "
            "learning_rate_decay_levels: '[0.1]'",
            "warmup_steps: 100 lies behind the first of learning_rate_steps, 60; use less",
        ),
    ],
    ids=[
        "no length",
        "length zero",
        "fewer levels",
        "levels without steps",
        "descending",
        "fraction",
        "nested",
        "warm-up and steps",
        "warm-up and epochs",
        "warm-up and boundary",
    ],
)
def test_run_that_does_not_add_up_is_refused(top, problem):
    assert problems(spec_text(top)) == [problem]


def test_pattern_that_is_none_is_refused():
    (problem,) = problems(spec_text(f'{STEPS} skip_checkpoint_variables: "*-predict"'))
    assert problem.startswith('skip_checkpoint_variables: "*-predict" is no regular expression: ')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            with_data('image_size: "(800, 1344)"'),
            "data_config.image_size: the height, 800, is no multiple of 64 (2^max_level); "
            "use 768 or 832",
        ),
        (
            with_data('image_size: "576, 1000"'),
            "data_config.image_size: the width, 1000, is no multiple of 64 (2^max_level); "
            "use 960 or 1024",
        ),
        (
            with_model("rpn_positive_overlap: 0.2"),
            "maskrcnn_config.rpn_negative_overlap: 0.3 is more than rpn_positive_overlap, "
            "which is 0.2; swap or change them",
        ),
        (
            with_model("bg_thresh_lo: 0.6"),
            "maskrcnn_config.bg_thresh_lo: 0.6 is more than bg_thresh_hi, which is 0.5; "
            "swap or change them",
        ),
        (
            with_model("bg_thresh_lo: 0.5"),
            "maskrcnn_config.bg_thresh_lo: 0.5 is as much as bg_thresh_hi; it has to be less",
        ),
        (
            with_model("fg_thresh: 0.4"),
            "maskrcnn_config.bg_thresh_hi: 0.5 is more than fg_thresh, which is 0.4; "
            "swap or change them",
        ),
        (
            with_model("train_rpn_post_nms_topn: 10001"),
            "maskrcnn_config.train_rpn_post_nms_topn: 10001 is more than train_rpn_pre_nms_topn "
            "of 5 levels, 10000; lower it, or raise train_rpn_pre_nms_topn",
        ),
        (
            with_model("test_rpn_pre_nms_topn: 100"),
            "maskrcnn_config.test_rpn_post_nms_topn: 1000 is more than test_rpn_pre_nms_topn "
            "of 5 levels, 500; lower it, or raise test_rpn_pre_nms_topn",
        ),
        (
            with_model("mrcnn_resolution: 30"),
            "maskrcnn_config.mrcnn_resolution: 30 is no multiple of 4; use 28 or 32",
        ),
        (
            with_model("min_level: 5 max_level: 4"),
            "maskrcnn_config.min_level: 5 is more than max_level, which is 4; swap or change them",
        ),
        (
            with_model('aspect_ratios: "[0.5, 1.0, 2.0]"'),
            "maskrcnn_config.aspect_ratios[0]: 0.5 is not a pair; write a list such as "
            "[(1.0, 1.0), (1.4, 0.7)]",
        ),
        (
            with_model('aspect_ratios: "[(1.0, 1.0), (1.4, 0.7, 1.0)]"'),
            "maskrcnn_config.aspect_ratios[1]: holds 3 instead of 2 numbers; write a list "
            "such as [(1.0, 1.0), (1.4, 0.7)]",
        ),
        (
            with_model('aspect_ratios: "[]"'),
            "maskrcnn_config.aspect_ratios: is empty; write a list of pairs such as "
            "[(1.0, 1.0), (1.4, 0.7)]",
        ),
        (
            with_model('bbox_reg_weights: "(10, 10, 5)"'),
            "maskrcnn_config.bbox_reg_weights: holds 3 instead of 4, for dy, dx, dh and dw",
        ),
        (
            with_model('freeze_blocks: "[0, 5]"'),
            "maskrcnn_config.freeze_blocks[1]: resnet has no block 5; its blocks are 0 to 4",
        ),
        (
            with_model("nlayers: 152"),
            "maskrcnn_config.nlayers: resnet has no depth 152; use 10, 18, 34, 50 or 101",
        ),
        (
            with_model("include_mask: false"),
            "maskrcnn_config.include_mask: false is not supported: this detector always predicts "
            "masks; remove it",
        ),
    ],
    ids=[
        "height",
        "width",
        "overlaps",
        "background",
        "no background",
        "foreground",
        "training proposals",
        "test proposals",
        "mask resolution",
        "levels",
        "ratios without pairs",
        "triple",
        "no ratios",
        "three weights",
        "block",
        "depth",
        "no masks",
    ],
)
def test_fields_that_do_not_fit_together_are_refused(text, problem):
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        with_data('image_size: "(800, 1056)"') + "maskrcnn_config { max_level: 5 }",
        with_model("rpn_positive_overlap: 0.5 rpn_negative_overlap: 0.5"),
        with_model("bg_thresh_lo: 0.1 bg_thresh_hi: 0.3 fg_thresh: 0.6"),
        with_model("test_rpn_pre_nms_topn: 300 test_rpn_post_nms_topn: 1000"),
        with_model("min_level: 3 max_level: 5"),
        spec_text(f"{STEPS} warmup_steps: 1000"),
        spec_text(
            f"{STEPS} warmup_steps: 60 learning_rate_steps: '[60]' "
            "learning_rate_decay_levels: '[0.1]'"
        ),
    ],
    ids=[
        "stride 32",
        "one overlap",
        "gap between background and foreground",
        "proposals of several levels",
        "three levels",
        "warm-up as long as the run",
        "warm-up up to the first step",
    ],
)
def test_fields_that_just_fit_together_are_welcome(text):
    assert problems(text) == []


def test_all_disagreements_of_a_spec_show_in_one_run():
    text = spec_text(
        f"{STEPS} warmup_steps: 2000 skip_checkpoint_variables: '('",
        model="nlayers: 20 freeze_blocks: '[7]' aspect_ratios: '[1]' mrcnn_resolution: 30 "
        "rpn_negative_overlap: 0.8 include_mask: false",
        data="num_classes: 4 image_size: '(833, 1344)'",
    )
    assert [problem.split(": ")[0] for problem in problems(text)] == [
        "data_config.image_size",
        "warmup_steps",
        "skip_checkpoint_variables",
        "maskrcnn_config.nlayers",
        "maskrcnn_config.freeze_blocks[0]",
        "maskrcnn_config.aspect_ratios[0]",
        "maskrcnn_config.rpn_negative_overlap",
        "maskrcnn_config.mrcnn_resolution",
        "maskrcnn_config.include_mask",
    ]
