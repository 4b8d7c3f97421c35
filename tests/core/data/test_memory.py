from __future__ import annotations

import subprocess
import sys

# In a process of its own: what this one has freed before decides too.
CODE = """
import resource, sys
import cv2, numpy as np
from detforge.data.images import read_image
from detforge.data.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

data = cv2.imencode(".jpg", np.full((480, 640, 3), 90, np.uint8))[1].tobytes()
keep_freed_memory()
read_image(data)
before = faults()
for _ in range(50):
    keep_freed_memory()
    read_image(data)
sys.stdout.write(str(faults() - before))
"""


def test_memory_that_is_kept_needs_no_new_pages():
    words = [sys.executable, "-c", CODE]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    # An image has 225 pages, and is decoded 50 times.
    assert int(run.stdout) < 500
