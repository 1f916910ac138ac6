"""One writer a workspace (promise R7). Knows nothing of what is written."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpora.errors import StoreBusy


@contextmanager
def single_writer(workspace: Path, wait_s: float = 0.2) -> Iterator[None]:
    """Hold the workspace's writer lock; the kernel frees it when the process ends, however it ends (promise R7).

    Raises StoreBusy, naming the holder's pid, when another process holds it after `wait_s` seconds: for a moment one
    also does that looks whether there is a writer, or that was forked just now.
    """
    path = workspace / "writer.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                    raise StoreBusy(
                        f"process {holder} is writing to {workspace}; wait for it, or stop it, and run this again"
                    ) from None
                time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def other_writer(workspace: Path) -> bool:
    """Whether another process writes to the workspace at this moment."""
    try:
        descriptor = os.open(workspace / "writer.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 20) != str(os.getpid()).encode()
    finally:
        os.close(descriptor)
    return False
