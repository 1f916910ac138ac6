"""Immutable vector files named by the hash of their content, so that a name that matches is a file that is whole."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from corpora.durable_files import write_atomic
from corpora.errors import CorruptStore
from retrieval.encoders.encoder import Vectors

STATIC_PREFIX = "static-"
"""What the names of the encoders of quick vectors begin with, which earlier versions kept until the model had read
everything.

A store that still holds some is not searched by them, and `backfill` drops them.
"""


def write_segment(folder: Path, vectors: Vectors) -> str:
    """Write float32 `(n, dimension)` durably and give the file's name. Must be on disk before a commit names it.

    Equal vectors written twice are two segments: what a later commit adds is then always in a segment that no earlier
    one named.
    """
    data = save({"vectors": np.ascontiguousarray(vectors, dtype=np.float32)}, {"written": secrets.token_hex(8)})
    name = f"{hashlib.sha256(data).hexdigest()}.safetensors"
    write_atomic(folder / name, data)
    return name


def read_segment(folder: Path, name: str) -> Vectors:
    """The vectors of a segment, verified against its name. Raises CorruptStore, naming the file."""
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptStore(f"{path} cannot be read ({error.strerror}); run `raftsmith doctor --repair`") from error
    if f"{hashlib.sha256(data).hexdigest()}.safetensors" != name:
        raise CorruptStore(f"{path} is damaged: its content does not match its name; run `raftsmith doctor --repair`")
    return np.asarray(load(data)["vectors"], dtype=np.float32)


BATCH_CHUNKS = 256
