"""Damaged specs: nothing but SpecError, however they are damaged."""

import random

from detforge.errors import SpecError
from detforge.protos import convert_pb2
from detforge.spec import parse_spec, standard_recipe

CONVERSION = """\
coco_config {
  root_directory_path: "data/coco"
  image_dir_names: ["val", "train"]
  annotation_files: ["val.json", "train.json"]
  num_shards: [32, 256]
}
target_class_mapping [{ key: "van" value: "car" }, < key: 'person' value: "person" >]
"""
SCRAPS = [
    *"{}<>[]():,;\"'“”‘’#=\\/-+.019eft \n\r\t\u200bé\ufeff",
    "{ ", "}\n", "inf", "nan", "true", "[1, 2]", '""', "\\x", "name", "key", "value", "1e999",
    "-0x", "0777", "training_config", "toy_config {", "eval_config", "\ud800", "\x00",
]  # fmt: skip


def mutate(text, rng):
    for _ in range(rng.choice([1, 1, 2, 3, 8, 30])):
        place, action = rng.randrange(len(text) + 1), rng.random()
        if action < 0.4:
            text = text[:place] + rng.choice(SCRAPS) + text[place:]
        elif action < 0.7:
            text = text[:place] + text[place + rng.choice([1, 1, 2, 5, 20, 100]) :]
        elif action < 0.85:
            other = rng.randrange(len(text) + 1)
            text = text[:place] + text[other : other + rng.randrange(60)] + text[place:]
        else:
            words = text.split(" ")
            one, two = rng.randrange(len(words)), rng.randrange(len(words))
            words[one], words[two] = words[two], words[one]
            text = " ".join(words)
    return text


def problems_of(text, schema):
    try:
        spec = parse_spec(text, schema, "s.txt")
        if schema is not convert_pb2.Convert:
            standard_recipe(spec.message, name="toy")
    except SpecError as err:
        return err.problems
    return ()


def test_damaged_specs_give_a_message_or_a_spec_error(toy, spec_text):
    rng = random.Random(20)
    outcomes = []
    for _ in range(2_000):
        outcomes.append(problems_of(mutate(spec_text, rng), toy.Toy))
        outcomes.append(problems_of(mutate(CONVERSION, rng), convert_pb2.Convert))
    refusals = [problems for problems in outcomes if problems]
    assert all(problem.message for problems in refusals for problem in problems)
    assert 200 < len(refusals) < len(outcomes) - 200
