"""An extension of detforge: writes ``trace.json`` beside the checkpoints of a training run."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from detforge import hookimpl

if TYPE_CHECKING:
    from collections.abc import Generator

    from detforge.requests import TrainReport, TrainRequest


@hookimpl(wrapper=True)
def train(request: TrainRequest) -> Generator[None, TrainReport, TrainReport]:
    """Measure the wrapped training, whoever does it; a failed one leaves no trace."""
    started = time.perf_counter()
    report = yield
    trace = {
        "detector": request.detector.name,
        "epochs": report.epochs,
        "seconds": time.perf_counter() - started,
    }
    request.results_dir.mkdir(parents=True, exist_ok=True)
    (request.results_dir / "trace.json").write_text(json.dumps(trace), encoding="utf-8")
    return report
