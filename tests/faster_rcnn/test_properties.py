"""Valid specs of all kinds give a recipe, and their values arrive there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.recipe import SoftStartSteps, Steps
from detforge_faster_rcnn.architectures import FAMILIES, family_of
from tests.faster_rcnn.specs import (
    COLOR,
    preprocessing,
    problems,
    read,
    recipe,
    spec_text,
    value_at,
)

SHARE = st.integers(1, 99).map(lambda n: n / 100)
RATE = st.integers(1, 10**6).map(lambda n: n / 10**6)
WHOLE = st.integers(1, 10**6)
SIDE = st.integers(128, 4096)
ARCHES = (
    "resnet:10",
    "resnet:34",
    "resnet:101",
    "vgg:16",
    "vgg:19",
    "googlenet",
    "mobilenet_v1",
    "mobilenet_v2",
    "darknet:19",
    "darknet:53",
    "efficientnet:b0",
    "efficientnet:b1",
)
ANY_SETTINGS = settings(max_examples=60)


def written(fields):
    return " ".join(f"{name}: {value}" for name, value in fields.items())


@ANY_SETTINGS
@given(
    arch=st.sampled_from(ARCHES),
    blocks=st.sets(st.integers(0, 14)),
    form=st.sampled_from(["freeze_blocks: {}", "freeze_blocks: {}.0"]),
)
def test_any_set_of_blocks_freezes_or_is_named_block_by_block(arch, blocks, form):
    text = spec_text(arch=arch, model=" ".join(form.format(block) for block in blocks))
    known = FAMILIES[family_of(arch)].blocks
    if strange := [index for index, block in enumerate(blocks) if block not in known]:
        found = [problem.split(": ")[0] for problem in problems(text)]
        assert found == [f"model_config.freeze_blocks[{index}]" for index in strange]
    else:
        assert set(recipe(text).freeze.blocks) == blocks


@ANY_SETTINGS
@given(
    height=SIDE,
    width=SIDE,
    order=st.permutations("rgb").filter(lambda order: order[1] == "g"),
    means=st.fixed_dictionaries({key: st.integers(0, 254) for key in "rgb"}),
    factor=st.sampled_from([1, 2, 128, 255, 0.5]),
    once_more=st.booleans(),
)
def test_any_input_arrives(height, width, order, means, factor, once_more):
    order = "".join(order)
    color = f'image_channel_order: "{order}" ' + " ".join(
        f'image_channel_mean {{ key: "{key}" value: {mean} }}' for key, mean in means.items()
    )
    sizes = {"output_image_height": height, "output_image_width": width}
    found = recipe(
        spec_text(
            size=f"size_height_width {{ height: {height} width: {width} }}",
            color=color,
            image=f"image_scaling_factor: {factor}",
            rest=preprocessing(written(sizes)) if once_more else "",
        )
    ).input
    assert (found.height, found.width, found.color_order) == (height, width, order)
    assert dict(zip(order, found.mean, strict=True)) == means
    assert found.scale == (1 / factor,) * 3


@st.composite
def schedules(draw):
    """Draw a schedule as a spec has it, and what it means."""
    if draw(st.booleans()):
        percent = draw(st.integers(1, 100))
        meant = Steps(learning_rate=draw(RATE), gamma=draw(SHARE), interval=percent / 100)
        fields = {"base_lr": meant.learning_rate, "gamma": meant.gamma, "step_size": percent}
        return f"step {{ {written(fields)} }}", meant
    rates = sorted(draw(st.tuples(RATE, RATE)))
    soft_start, *points = sorted(draw(st.sets(st.integers(0, 99), min_size=1, max_size=5)))
    meant = SoftStartSteps(
        start_learning_rate=rates[0],
        learning_rate=rates[1],
        soft_start=soft_start / 100,
        points=tuple(point / 100 for point in points),
        divider=draw(st.integers(1, 100)),
    )
    fields = {
        "base_lr": meant.learning_rate,
        "start_lr": meant.start_learning_rate,
        "soft_start": meant.soft_start,
        "annealing_points": list(meant.points),
        "annealing_divider": meant.divider,
    }
    return f"soft_start {{ {written(fields)} }}", meant


@ANY_SETTINGS
@given(schedules())
def test_any_schedule_arrives(drawn):
    text, meant = drawn
    assert recipe(spec_text(rate=f"learning_rate {{ {text} }}")).schedule == meant


@ANY_SETTINGS
@given(
    training=st.fixed_dictionaries(
        {"batch_size_per_gpu": WHOLE},
        optional={
            "num_epochs": WHOLE,
            "checkpoint_interval": WHOLE,
            "enable_augmentation": st.booleans(),
        },
    ),
    evaluation=st.fixed_dictionaries(
        {},
        optional={
            "batch_size": WHOLE,
            "validation_period_during_training": WHOLE,
            "gt_matching_iou_threshold": SHARE,
            "object_confidence_thres": SHARE,
            "visualize_pr_curve": st.booleans(),
        },
    ),
    inference=st.fixed_dictionaries(
        {}, optional={"bbox_visualize_threshold": SHARE, "bbox_caption_on": st.booleans()}
    ),
    flip=SHARE,
)
def test_any_set_of_fields_arrives(training, evaluation, inference, flip):
    found = recipe(
        spec_text(
            batch=written(training),
            rest=f"evaluation_config {{ {written(evaluation)} }} "
            f"inference_config {{ {written(inference)} }} "
            f"augmentation_config {{ spatial_augmentation {{ hflip_probability: {flip} }} }}",
        )
    )
    arrived = {
        "batch_size_per_gpu": found.data.batch_size,
        "num_epochs": found.epochs,
        "checkpoint_interval": found.checkpoints.interval,
        "enable_augmentation": bool(found.augmentation),
        "batch_size": found.evaluation.batch_size,
        "validation_period_during_training": found.evaluation.period,
        "gt_matching_iou_threshold": found.evaluation.matching_iou,
        "object_confidence_thres": found.evaluation.score_threshold,
        "visualize_pr_curve": found.evaluation.precision_recall_plot,
        "bbox_visualize_threshold": found.inference.score_threshold,
        "bbox_caption_on": found.inference.captions,
    }
    fields = training | evaluation | inference
    assert {name: arrived[name] for name in fields} == fields


@ANY_SETTINGS
@given(
    block=st.sampled_from(["training_config", "inference_config", "evaluation_config"]),
    before=WHOLE,
    after=WHOLE,
)
def test_any_numbers_of_proposals_are_right_or_named(block, before, after):
    fields = f"rpn_pre_nms_top_N: {before} rpn_nms_max_boxes: {after}"
    text = spec_text(rest=f"{block} {{ {fields} }}")
    found = [problem.split(": ")[0] for problem in problems(text)]
    assert found == ([] if after < before else [f"{block}.rpn_nms_max_boxes"])
    if not found:
        assert value_at(read(text).message, f"{block}.rpn_nms_max_boxes") == after


@ANY_SETTINGS
@given(keys=st.sets(st.sampled_from(["r", "g", "b", "l", "R", "x"]), min_size=1))
def test_any_keys_of_the_mean_are_those_of_the_channels_or_named(keys):
    means = " ".join(f'image_channel_mean {{ key: "{key}" value: 1 }}' for key in sorted(keys))
    color = f"{COLOR.split('image_channel_mean')[0]} {means}"
    found = problems(spec_text(color=color))
    assert bool(found) == (keys != {"r", "g", "b"})
