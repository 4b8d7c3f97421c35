"""Files of ours on disk: checkpoints and exported models, plain or locked with a key.

Nothing here can run code that a file brings, and nothing here loads Keras or TensorFlow.
"""

from __future__ import annotations

from detforge.files.atomic import remove_leftovers, write_atomically
from detforge.files.checkpoints import (
    FORMAT_VERSION,
    Checkpoint,
    is_checkpoint,
    load_checkpoint,
    pack_checkpoint,
    save_checkpoint,
    unpack_checkpoint,
)
from detforge.files.encryption import decrypt, encrypt, is_encrypted
from detforge.files.reading import read_unlocked

__all__ = [
    "FORMAT_VERSION",
    "Checkpoint",
    "decrypt",
    "encrypt",
    "is_checkpoint",
    "is_encrypted",
    "load_checkpoint",
    "pack_checkpoint",
    "read_unlocked",
    "remove_leftovers",
    "save_checkpoint",
    "unpack_checkpoint",
    "write_atomically",
]
