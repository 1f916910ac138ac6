"""A lock that keeps segment files while somebody reads those of a snapshot.

A writer deletes what no commit names only when nobody does.

The kernel frees the lock when a process ends, however it ends. Knows nothing of what is in the files.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def segments_kept(workspace: Path) -> Iterator[None]:
    """Hold the segment files that are there; for many readers at once. Taken before the snapshot is looked at."""
    descriptor = _opened(workspace)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def segments_free(workspace: Path) -> Iterator[bool]:
    """True when nobody reads segment files, and nobody begins to meanwhile; False, at once, when somebody does."""
    descriptor = _opened(workspace)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _opened(workspace: Path) -> int:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(workspace / "segments.lock", os.O_RDWR | os.O_CREAT, 0o600)
