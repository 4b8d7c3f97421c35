"""Learning rates at the steps that the users' documents work out, and what holds at every step."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from keras import ops

from detforge.recipe import (
    SoftStartAnnealing,
    SoftStartCosine,
    SoftStartSteps,
    Steps,
    WarmupCosine,
    WarmupSteps,
)
from detforge.training.schedules import RunLength, ScheduledLearningRate, learning_rate_at

SOFT = {"min_learning_rate": 5e-5, "max_learning_rate": 2e-2, "soft_start": 0.15}
RATES = {"start_learning_rate": 0.002, "learning_rate": 0.02}

# Schedule, length, step -> rate.
DOCUMENTED = {
    "soft start and annealing": (
        SoftStartAnnealing(**SOFT, annealing=0.8),
        RunLength(1000, 10),
        {0: 5e-5, 75: 1e-3, 150: 2e-2, 800: 2e-2, 900: 1e-3, 1000: 5e-5},
    ),
    "soft start and cosine": (
        SoftStartCosine(**SOFT),
        RunLength(1000, 10),
        {75: 0.010025, 500: 0.0145536, 1000: 0.00113721},
    ),
    "soft start in steps": (
        SoftStartSteps(**RATES, soft_start=0.1, points=(0.8, 0.9), divider=10),
        RunLength(100, 10),
        {0: 0.002, 5: 0.011, 50: 0.02, 80: 0.02, 85: 0.002, 90: 0.002, 95: 0.0002},
    ),
    "warm-up and cosine": (
        WarmupCosine(start_learning_rate=5e-5, learning_rate=0.1, warmup_epochs=5),
        # 14700 images in batches of 16, 300 epochs.
        RunLength(275625, 918.75),
        {0: 5e-5, 1000: 0.02181138, 4593: 0.1, 100000: 0.07241723},
    ),
    "warm-up and levels": (
        WarmupSteps(
            start_learning_rate=1e-4,
            learning_rate=0.02,
            warmup_steps=10000,
            boundaries=(60000, 80000, 100000),
            levels=(0.1, 0.02, 0.002),
        ),
        RunLength(120000, 1000),
        {0: 1e-4, 5000: 0.01005, 9999: 0.01999801, 10000: 0.02, 60000: 0.02, 60001: 0.002}
        | {80001: 0.0004, 100001: 0.00004},
    ),
    "steps": (
        Steps(learning_rate=0.01, gamma=0.1, interval=0.29),
        RunLength(100, 10),
        {0: 0.01, 28: 0.01, 29: 0.001, 57: 0.001, 58: 0.0001},
    ),
}


@pytest.mark.parametrize(("schedule", "length", "rates"), DOCUMENTED.values(), ids=DOCUMENTED)
def test_rates_are_those_of_the_documents(schedule, length, rates):
    found = [float(learning_rate_at(schedule, step, length)) for step in rates]
    np.testing.assert_allclose(found, list(rates.values()), rtol=2e-5)


@pytest.mark.parametrize(("schedule", "length", "rates"), DOCUMENTED.values(), ids=DOCUMENTED)
def test_many_steps_at_once_are_the_steps_one_by_one(schedule, length, rates):
    at_once = ops.convert_to_numpy(learning_rate_at(schedule, np.array([*rates]), length))
    assert at_once.dtype == "float32"
    assert at_once.tolist() == [float(learning_rate_at(schedule, s, length)) for s in rates]


SHARE = st.floats(0, 1)


@example(1, 1.0, 1e-88, 0.0, 0)
@example(7, 1e-40, 1e-40, 0.0, 0)
@given(st.integers(1, 500), SHARE, SHARE, SHARE, st.integers(0, 500))
def test_rates_stay_between_the_two_of_the_spec(total, a, b, interval, step):
    start, end = sorted((a, b))
    step = min(step, total)
    length = RunLength(total, max(1, total // 7))
    soft = {"min_learning_rate": 1e-4, "max_learning_rate": 1e-2, "soft_start": start}
    for schedule, least in (
        (SoftStartAnnealing(**soft, annealing=end), 1e-4),
        (SoftStartCosine(**soft), 1e-4),
        (Steps(learning_rate=1e-2, gamma=0.5, interval=interval), 0),
        (WarmupCosine(start_learning_rate=1e-4, learning_rate=1e-2, warmup_epochs=7 * b), 0),
    ):
        rate = float(learning_rate_at(schedule, step, length))
        assert least * (1 - 1e-5) <= rate <= 1e-2 * (1 + 1e-5)


def test_decay_divides_the_rate_by_one_and_a_share_of_the_step():
    schedule = Steps(learning_rate=0.12, gamma=1.0, interval=1.0)
    rate = ScheduledLearningRate(schedule, RunLength(10, 1), decay=0.5)
    assert [float(rate(step)) for step in (0, 1, 4)] == pytest.approx([0.12, 0.08, 0.04])
