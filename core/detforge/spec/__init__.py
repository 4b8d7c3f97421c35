"""Specs: text-format protobuf in, a checked message out, every error with its place.

Imports nothing heavy: reading a spec needs neither Keras nor NumPy.
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
