from __future__ import annotations

import subprocess
import sys

# In a process of its own: what this one has freed before decides too.
CODE = """
import resource, sys
import cv2, numpy as np
from detforge.data.images import read_image
from detforge.data.memory import keep_freed_memory
data = cv2.imencode(".jpg", np.full((480, 640, 3), 90, np.uint8))[1].tobytes()
if "keep" in sys.argv:
    keep_freed_memory()
for _ in range(3):
    read_image(data)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    read_image(data)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before))
"""


def test_memory_that_is_kept_needs_no_new_pages():
    words = [sys.executable, "-c", CODE, "keep"]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 50 * 10
