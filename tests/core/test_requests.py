"""No task is told something that nobody reads: every field of a request takes effect."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

import detforge
from detforge import requests
from detforge.cli.inputs import REQUESTS
from detforge.cli.later import NOT_IN_CORE

PACKAGE = Path(detforge.__file__).parent
SHARED = {field.name for field in fields(requests.Request)}
READ_BY_PLUGINS = {"options"}


def reads():
    """Return class of a request -> the fields read from arguments of that type in the core."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for argument in node.args.args:
                    kind = argument.annotation and ast.unparse(argument.annotation)
                    found.setdefault(kind, set()).update(fields_read(node, argument.arg))
    return found


def fields_read(function, name):
    """Return the attributes of a name that a function reads."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == name
    }


READS = reads()


@pytest.mark.parametrize("task", sorted(set(REQUESTS) - set(NOT_IN_CORE)))
def test_task_reads_every_field_of_its_request(task):
    request = REQUESTS[task]
    own = {field.name for field in fields(request)} - SHARED
    assert own - READS[request.__name__] == set()


def test_what_all_requests_have_is_read():
    names = ["Request", *(request.__name__ for request in REQUESTS.values())]
    names = [name for name in names if name in READS]
    assert SHARED - READ_BY_PLUGINS - set().union(*(READS[name] for name in names)) == set()
