"""A schema with every kind of field and every rule, and a spec that is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from detforge.errors import SpecError
from detforge.protos import experiment_pb2  # noqa: F401  registers what toy.proto imports
from detforge.spec import parse_spec

HERE = Path(__file__).parent
INCLUDES = [HERE, HERE.parents[2] / "protos"]

SPEC = """\
random_seed: 42
toy_config { share: 0.5 needed: 4 }
training_config {
  batch_size_per_gpu: 16
  num_epochs: 80
  learning_rate {
    soft_start_annealing_schedule {
      min_learning_rate: 5e-5
      max_learning_rate: 2e-2
      soft_start: 0.15
      annealing: 0.8
    }
  }
  regularizer { type: L1 weight: 3e-5 }
}
augmentation_config {
  output_width: 300
  output_height: 200
}
dataset_config {
  data_sources: {
    tfrecords_path: "data/train*"
  }
  target_class_mapping { key: "car" value: "car" }
  target_class_mapping { key: "Van" value: "car" }
  target_class_mapping { key: "person" value: "Person" }
  validation_data_sources: {
    label_directory_path: "data/labels"
    image_directory_path: "data/images"
  }
}
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """A function: the name of a .proto file beside this one to its message classes, by name."""

    def compile_messages(name):
        result = tmp_path_factory.mktemp("protos") / "compiled.bin"
        includes = [f"-I{folder}" for folder in INCLUDES]
        # In a process of its own: beside TensorFlow, protoc crashes (tried).
        command = [sys.executable, "-m", "grpc_tools.protoc", *includes]
        subprocess.run([*command, f"--descriptor_set_out={result}", name], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(result.read_bytes())
        descriptor_pool.Default().Add(files.file[0])
        descriptor = descriptor_pool.Default().FindFileByName(name)
        messages = descriptor.message_types_by_name.items()
        return SimpleNamespace(
            **{name: message_factory.GetMessageClass(message) for name, message in messages}
        )

    return compile_messages


@pytest.fixture(scope="session")
def toy(compiled):
    """The message classes of toy.proto, by name."""
    return compiled("toy.proto")


@pytest.fixture(scope="session")
def problems_of():
    """A function: spec text and schema to the lines of the error, [] when there is none."""

    def problems(text, schema, file=""):
        try:
            parse_spec(text, schema, file)
        except SpecError as err:
            return [str(problem) for problem in err.problems]
        return []

    return problems


@pytest.fixture(scope="session")
def spec_text():
    """A spec of ``toy.Toy`` without a fault."""
    return SPEC
