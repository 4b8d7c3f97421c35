"""Options that several tasks have."""

from __future__ import annotations

from detforge.cli.options import Option
from detforge.cli.value_types import FILE, PATH

SPEC = Option(
    name="spec",
    spellings=("-e", "--experiment_spec_file", "--experiment_spec", "--config_path"),
    help="Experiment spec",
    type=FILE,
    required=True,
    group="reads",
    example="spec.txt",
)

CHANGES = Option(
    name="changes",
    spellings=("--set",),
    help="Change a field of the spec for this run, training_config.num_epochs=3; once a field",
    repeated=True,
    metavar="FIELD=VALUE",
    group="reads",
    secret=True,  # a spec may hold a key
)

MODEL = Option(
    name="model",
    spellings=("-m", "--model", "--model_path", "--pretrained_model"),
    help="Checkpoint",
    type=FILE,
    required=True,
    group="reads",
    example="model.detforge",
)

KEY = Option(
    name="key",
    spellings=("-k", "--key", "--enc_key", "--ke"),
    help="Key of encrypted model files; without one files are plain. Looked for in --key_file, "
    "$DETFORGE_KEY and the spec too",
    metavar="KEY",
    group="common",
    secret=True,
)

KEY_FILE = Option(
    name="key_file",
    spellings=("--key_file",),
    help="File whose first line is the key",
    type=FILE,
    group="common",
)

JSON = Option(
    name="json",
    spellings=("--json",),
    help="Print JSON instead of tables",
    type=bool,
)

GPU_INDEX = Option(
    name="gpu_index",
    spellings=("--gpu_index",),
    help="GPU to use, counted among the visible ones",
    type=int,
    multiple=True,
    metavar="NUMBER",
    group="common",
)

RESULTS_DIR = Option(
    name="results_dir",
    spellings=("-r", "--results_dir"),
    help="Folder for the report as JSON",
    type=PATH,
    metavar="FOLDER",
    group="common",
)

FORCE = Option(
    name="force",
    spellings=("--force",),
    help="Replace what is already there",
    type=bool,
    group="writes",
)

MESSAGES = (
    Option(
        name="log_file",
        spellings=("--log_file",),
        help="File to which all output goes as well",
        type=PATH,
        metavar="FILE",
        group="common",
    ),
    Option(
        name="verbose",
        spellings=("-v", "--verbose"),
        help="Show debug messages",
        type=bool,
        group="common",
    ),
    Option(
        name="debug",
        spellings=("--debug",),
        help="Show the traceback of an error",
        type=bool,
        group="common",
    ),
)
"""What every command has."""

COMMON = (KEY, KEY_FILE, RESULTS_DIR, GPU_INDEX, *MESSAGES)
