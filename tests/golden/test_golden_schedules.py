"""Learning rates against the reference's schedulers."""

from __future__ import annotations

import pytest

from detforge.recipe import SoftStartAnnealing
from detforge.training.schedules import learning_rate_at

SETTINGS = ("min_learning_rate", "max_learning_rate", "soft_start", "annealing")


@pytest.mark.golden("lr_schedules", config=SETTINGS)
def test_soft_start_annealing_equals_the_reference(case):
    schedule = SoftStartAnnealing(**{name: case.config[name] for name in SETTINGS})
    progress = case.inputs["step"] / case.config["total_steps"]
    case.check([float(learning_rate_at(schedule, p)) for p in progress], "lr")
