"""Specs: text-format protobuf in, a checked message out, every error with its place.

Imports nothing heavy: reading a spec needs neither Keras nor NumPy. What is where:

    load             all of the below in order; the checked `Spec`
    text -> message  text_file, lexer, cursor, scalars, values, reader, parser; blocks and given
                     keep account, findings collects, changes reads what ``--set`` says
    the schema       fields (rules, names, words), choices, interval, moved, outline, facts
    the rules        rules, value_rules, defaults, disagreements; lists, sizes and floats
    what to say      unknown (a name), foreign (a whole file)
    to a recipe      standard, standard_checks, conversion; checks has what detectors share
    out again        printing, template, example_values, explain, as_json; secrets, differences
    for authors      schema_check
"""

from __future__ import annotations

from detforge.spec.lists import parse_list, parse_numbers
from detforge.spec.load import Spec, load_spec, parse_spec
from detforge.spec.schema_check import check_schema
from detforge.spec.sizes import parse_size
from detforge.spec.standard import standard_recipe

__all__ = [
    "Spec",
    "check_schema",
    "load_spec",
    "parse_list",
    "parse_numbers",
    "parse_size",
    "parse_spec",
    "standard_recipe",
]
