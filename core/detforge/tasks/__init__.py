"""The core's default of each task hook, one file a task.

These modules are registered with every detector, behind its own hooks. They are imported to
print help: everything heavy is imported inside the hooks.
"""

from __future__ import annotations

from detforge.tasks import convert, defaults, evaluate, export, infer, prune, train

DEFAULTS = (defaults, convert, train, evaluate, prune, infer, export)
