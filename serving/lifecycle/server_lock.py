"""That a server runs in a workspace, what it answers with, and how it is told to change that. Knows no HTTP and no models.

The server holds a lock for as long as it lives, however it ends, so nothing that an earlier one left behind is taken for it. What
it serves stands beside the lock in `serve.json`.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from corpora.durable_files import write_json
from corpora.errors import ServerError

LOCK, STATE = "serve.lock", "serve.json"


@dataclass(frozen=True)
class ServerState:
    """A running server. `loads` counts how often it was told to load anew and did, or failed to with `error`.

    `run` is what answers (None: the base model), `config` the SHA-256 of the raftsmith.toml that it read last.
    """

    pid: int
    url: str
    run: str | None
    config: str = ""
    loads: int = 0
    error: str | None = None


@contextmanager
def presence_lock(workspace: Path, wait_s: float = 1.0) -> Iterator[bool]:
    """Hold the workspace as its server; False when another one still does so after `wait_s`: it is that one that is told."""
    with _opened(workspace) as descriptor:
        deadline = time.monotonic() + wait_s
        while not (held := _locked(descriptor, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            yield held
        finally:
            if held:
                (workspace / STATE).unlink(missing_ok=True)


def announce(workspace: Path, presence: ServerState) -> None:
    """Say what is served; only for who holds the lock. Raises OSError."""
    write_json(workspace / STATE, asdict(presence))


def running_server(workspace: Path) -> ServerState:
    """The server of this workspace. Raises ServerError when none runs, or none that is ready."""
    with _opened(workspace) as descriptor:
        if _locked(descriptor, fcntl.LOCK_SH):
            raise ServerError(f"no server runs in {workspace}; start one with `raftsmith serve`")
    try:
        return ServerState(**json.loads((workspace / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ServerError(f"the server in {workspace} is starting or stopping ({error}); try again in a moment") from error


def tell_to_reload(presence: ServerState) -> None:
    """Make the server read raftsmith.toml and load what `serve.run` names. Raises ServerError when it is gone or not yours."""
    try:
        os.kill(presence.pid, signal.SIGHUP)
    except OSError as error:
        raise ServerError(f"process {presence.pid}, the server at {presence.url}, cannot be told: {error}") from error


@contextmanager
def _opened(workspace: Path) -> Iterator[int]:
    descriptor = os.open(workspace / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
