"""What a run keeps to go on as if it had never stopped."""

import numpy as np
from tests.core.training.small_model import RECIPE, batches, make_trainer

from detforge.files import Checkpoint, load_checkpoint, save_checkpoint
from detforge.training.resume import restore_run, run_state
from detforge.weights import collect_weights


def checkpoint_of(trainer) -> Checkpoint:
    return Checkpoint(
        detector="tiny",
        plugin_version="1.2.3",
        class_names=RECIPE.classes.names,
        spec_text="",
        epoch=1,
        step=2,
        weights=trainer.shown_weights(),
        optimizer=run_state(trainer),
    )


def test_layers_that_draw_at_random_go_on_drawing(tmp_path):
    path = tmp_path / "middle.detforge"
    model, straight = make_trainer(dropout=0.5)
    steps = batches(4)
    for batch in steps[:2]:
        straight.train_on_batch(batch)
    save_checkpoint(path, checkpoint_of(straight))
    for batch in steps[2:]:
        straight.train_on_batch(batch)

    other, resumed = make_trainer(dropout=0.5, seed=9)
    restore_run(resumed, load_checkpoint(path), path)
    for batch in steps[2:]:
        resumed.train_on_batch(batch)
    for name, value in collect_weights(model).items():
        np.testing.assert_allclose(collect_weights(other)[name], value, rtol=1e-5, err_msg=name)
