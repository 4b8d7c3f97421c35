"""Operations on files that fail: the k-th of a call, for any k.

Writing with the failing operation itself stops half-way, as it does when a disk is full.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

OPERATIONS = ("mkdir", "open", "write", "fsync", "close", "replace")


class Faults:
    """Replaces the operations of `os`; the k-th call of any of them fails.

    Attributes:
        calls: operations so far.
    """

    def __init__(self, failing: int, fail: Callable[[], None], replace: Callable = setattr):
        """Replace the operations.

        Args:
            failing: k, from 1.
            fail: raises, or ends the process.
            replace: called with `os`, a name and the new operation.
        """
        self.calls, self._failing, self._fail = 0, failing, fail
        for name in OPERATIONS:
            replace(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, operation: Callable) -> Callable:
        def call(*arguments, **options):
            self.calls += 1
            if self.calls == self._failing:
                if name == "write":
                    descriptor, data = arguments
                    operation(descriptor, data[: len(data) // 2])
                self._fail()
            return operation(*arguments, **options)

        return call


def killed_at_each_operation(work: Callable[[int], None], prepare: Callable[[int], None]) -> int:
    """Let processes do some work; the k-th process dies at its k-th operation on files.

    Args:
        work: called with k in a process of its own.
        prepare: called with k before it.

    Returns:
        The first k that no process died at.
    """
    failing = 0
    while True:
        failing += 1
        prepare(failing)
        child = os.fork()
        if not child:
            code = 1
            try:
                Faults(failing, lambda: os._exit(9))
                work(failing)
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code not in (0, 9):
            sys.exit(f"the process {failing} failed with {code}")
        if code == 0:
            return failing
