"""Learning rates against the reference's schedulers.

Cases are told apart by their settings. Of the readings that a case may hold, these count:
"lr_staircase_reading" of a rate that falls in steps (the reference's "lr" falls all the time, the
documents describe steps), and "lr_tao" where "lr_automl" or "lr_tpu" stand beside it.
"""

from __future__ import annotations

import pytest
from keras import ops

from detforge.recipe import (
    SoftStartAnnealing,
    SoftStartCosine,
    SoftStartSteps,
    Steps,
    WarmupCosine,
    WarmupSteps,
)
from detforge.training.schedules import RunLength, learning_rate_at

COSINE = ("min_learning_rate", "max_learning_rate", "soft_start")
SOFT_STEPS = ("start_lr", "base_lr", "soft_start", "annealing_points", "annealing_divider")
STEPS = ("base_lr", "gamma", "step_size_percent")
WARMUP = ("warmup_init_lr", "learning_rate", "warmup_steps")
DROPS = (*WARMUP, "first_drop", "second_drop")
LEVELS = (
    *("warmup_learning_rate", "init_learning_rate", "warmup_steps"),
    *("learning_rate_steps", "learning_rate_levels"),
)


def rates(schedule, case):
    # Epochs of one step: warm-up epochs are warm-up steps.
    length = RunLength(steps=case.config["total_steps"], steps_per_epoch=1)
    return ops.convert_to_numpy(learning_rate_at(schedule, case.inputs["step"], length))


@pytest.mark.golden("lr_schedules", config=COSINE)
def test_soft_start_equals_the_reference(case):
    kind, settings = SoftStartCosine, COSINE
    if "annealing" in case.config:
        kind, settings = SoftStartAnnealing, (*COSINE, "annealing")
    schedule = kind(**{name: case.config[name] for name in settings})
    case.check(rates(schedule, case), "lr")


@pytest.mark.golden("lr_schedules", config=SOFT_STEPS)
def test_soft_start_in_steps_equals_the_reference(case):
    config = case.config
    schedule = SoftStartSteps(
        start_learning_rate=config["start_lr"],
        learning_rate=config["base_lr"],
        soft_start=config["soft_start"],
        points=tuple(config["annealing_points"]),
        divider=config["annealing_divider"],
    )
    case.check(rates(schedule, case), "lr")


@pytest.mark.golden("lr_schedules", config=STEPS)
def test_steps_equal_the_staircase_of_the_reference(case):
    config = case.config
    schedule = Steps(
        learning_rate=config["base_lr"],
        gamma=config["gamma"],
        interval=config["step_size_percent"] / 100,
    )
    case.check(rates(schedule, case), "lr_staircase_reading")


@pytest.mark.golden("lr_schedules", expects="lr_automl", config=WARMUP)
def test_warmup_and_cosine_equal_the_reference(case):
    config = case.config
    schedule = WarmupCosine(
        start_learning_rate=config["warmup_init_lr"],
        learning_rate=config["learning_rate"],
        warmup_epochs=config["warmup_steps"],
    )
    case.check(rates(schedule, case), "lr_tao")


@pytest.mark.golden("lr_schedules", config=DROPS)
def test_warmup_and_two_drops_equal_the_reference(case):
    config = case.config
    schedule = WarmupSteps(
        start_learning_rate=config["warmup_init_lr"],
        learning_rate=config["learning_rate"],
        warmup_steps=config["warmup_steps"],
        # A level of ours begins behind its boundary, a drop of theirs at its step.
        boundaries=(config["first_drop"] - 1, config["second_drop"] - 1),
        levels=(0.1, 0.01),
    )
    case.check(rates(schedule, case), "lr")


@pytest.mark.golden("lr_schedules", config=LEVELS)
def test_warmup_and_levels_equal_the_reference(case):
    config = case.config
    schedule = WarmupSteps(
        start_learning_rate=config["warmup_learning_rate"],
        learning_rate=config["init_learning_rate"],
        warmup_steps=config["warmup_steps"],
        boundaries=tuple(config["learning_rate_steps"]),
        levels=tuple(x / config["init_learning_rate"] for x in config["learning_rate_levels"]),
    )
    case.check(rates(schedule, case), "lr_tao")


@pytest.mark.golden("lr_schedules")
def test_every_case_is_of_a_schedule_that_is_tested(case):
    known = (COSINE, SOFT_STEPS, STEPS, WARMUP, LEVELS)
    assert any(set(settings) <= set(case.config) for settings in known)
