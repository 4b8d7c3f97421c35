"""Learning rates against the reference's schedulers."""

from __future__ import annotations

import pytest

from detforge.recipe import SoftStartAnnealing
from detforge.training.schedules import learning_rate_at
from golden_cases import golden_cases

_SOFT_START_ANNEALING = {"min_learning_rate", "max_learning_rate", "soft_start", "annealing"}


def _is_soft_start_annealing(parameter):
    case = parameter.values[0]
    return case is None or set(case.config) >= _SOFT_START_ANNEALING


@pytest.mark.parametrize("case", filter(_is_soft_start_annealing, golden_cases("lr_schedules")))
def test_soft_start_annealing_equals_the_reference(case):
    schedule = SoftStartAnnealing(**{name: case.config[name] for name in _SOFT_START_ANNEALING})
    progress = case.inputs["step"] / case.config["total_steps"]
    case.check([float(learning_rate_at(schedule, p)) for p in progress], "lr")
