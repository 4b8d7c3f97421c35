"""Valid specs of all kinds give a recipe, and their values arrive there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.recipe import WarmupSteps
from detforge.spec.lists import parse_list
from tests.mask_rcnn.specs import problems, read, recipe, spec_text

FRACTION = st.integers(1, 100).map(lambda n: n / 100)
WHOLE = st.integers(1, 10**6)


def written(fields):
    return " ".join(f"{name}: {value}" for name, value in fields.items())


def brackets(numbers):
    """Draw one of the ways to write a list of numbers in a spec."""
    body = ", ".join(map(str, numbers))
    return st.sampled_from([f'"[{body}]"', f'"({body},)"', f"[{body}]", f"'{body}'"])


@st.composite
def schedules(draw):
    """Draw the fields of a schedule and what they mean."""
    steps = sorted(draw(st.sets(st.integers(100, 5000), min_size=1, max_size=5)))
    levels = draw(st.lists(FRACTION, min_size=len(steps), max_size=len(steps)))
    meant = WarmupSteps(
        start_learning_rate=draw(FRACTION),
        learning_rate=draw(FRACTION),
        warmup_steps=draw(st.integers(0, 100)),
        boundaries=tuple(steps),
        levels=tuple(levels),
    )
    fields = {
        "warmup_learning_rate": meant.start_learning_rate,
        "init_learning_rate": meant.learning_rate,
        "warmup_steps": meant.warmup_steps,
        "learning_rate_steps": draw(brackets(steps)),
        "learning_rate_decay_levels": draw(brackets(levels)),
        "total_steps": draw(st.integers(5001, 10**6)),
    }
    return fields, meant


@settings(max_examples=60)
@given(schedules())
def test_any_schedule_arrives(drawn):
    fields, meant = drawn
    found = recipe(spec_text(written(fields)))
    assert found.schedule == meant
    assert found.steps == fields["total_steps"]


@settings(max_examples=60)
@given(
    level=st.integers(2, 6),
    cells=st.tuples(st.integers(32, 100), st.integers(32, 100)),
    form=st.sampled_from(['"({h}, {w})"', '"[{h},{w}]"', '"{h}, {w}"', '"{w}x{h}"', "({h}, {w})"]),
)
def test_any_size_of_whole_cells_arrives(level, cells, form):
    height, width = (n * 2**level for n in cells)
    size = form.format(h=height, w=width)
    text = spec_text(model=f"max_level: {level}", data=f"num_classes: 2 image_size: {size}")
    found = recipe(text).input
    assert (found.height, found.width) == (height, width)


@settings(max_examples=60)
@given(
    data=st.fixed_dictionaries(
        {"num_classes": st.integers(2, 400)},
        optional={
            "n_workers": WHOLE,
            "prefetch_buffer_size": WHOLE,
            "max_num_instances": WHOLE,
            "eval_samples": WHOLE,
            "skip_crowd_during_training": st.booleans(),
            "augment_input_data": st.booleans(),
        },
    ),
    top=st.fixed_dictionaries(
        {"total_steps": WHOLE},
        optional={
            "seed": WHOLE,
            "train_batch_size": WHOLE,
            "eval_batch_size": WHOLE,
            "use_amp": st.booleans(),
            "global_gradient_clip_ratio": FRACTION,
        },
    ),
)
def test_any_set_of_fields_arrives(data, top):
    found = recipe(spec_text(written(top), data=written(data)))
    arrived = {
        "num_classes": found.classes.channels,
        "n_workers": found.data.workers,
        "prefetch_buffer_size": found.data.max_queue_size,
        "max_num_instances": found.data.max_objects,
        "eval_samples": found.evaluation.images,
        "skip_crowd_during_training": found.data.skip_crowd,
        "augment_input_data": bool(found.augmentation),
        "total_steps": found.steps,
        "seed": found.seed,
        "train_batch_size": found.data.batch_size,
        "eval_batch_size": found.evaluation.batch_size,
        "use_amp": found.mixed_precision,
        "global_gradient_clip_ratio": found.gradient_clip_norm,
    }
    given_fields = data | top
    assert {name: arrived[name] for name in given_fields} == given_fields


@settings(max_examples=60)
@given(pairs=st.lists(st.tuples(FRACTION, FRACTION), min_size=1, max_size=6), outer=st.booleans())
def test_any_list_of_pairs_is_a_list_of_ratios(pairs, outer):
    body = ", ".join(map(str, pairs))
    text = spec_text(model=f'aspect_ratios: "{f"[{body}]" if outer else f"{body},"}"')
    assert problems(text) == []
    assert parse_list(read(text).message.maskrcnn_config.aspect_ratios) == tuple(pairs)


@settings(max_examples=60)
@given(
    numbers=st.lists(st.floats(-1e6, 1e6), max_size=6),
    field=st.sampled_from(["freeze_blocks", "bbox_reg_weights", "aspect_ratios"]),
)
def test_any_list_gives_a_recipe_or_problems_of_its_field(numbers, field):
    found = problems(spec_text(model=f'{field}: "{numbers}"'))
    assert all(problem.startswith(f"maskrcnn_config.{field}") for problem in found)
