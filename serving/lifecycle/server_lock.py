"""The lock and state of a running server: that it runs, what it answers with, and how it is told to change that.

The server holds a lock for as long as it lives, however it ends, so nothing that an earlier one left behind is taken
for it. What it serves stands beside the lock in `serve.json`. Knows no HTTP and no models.
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
    """The state of a running server.

    `run` is what answers (None: the base model), `config` the SHA-256 of the raftsmith.toml that it read last. `loads`
    counts how often it was told to load anew and did, or failed to with `error`.
    """

    pid: int
    url: str
    run: str | None
    config: str = ""
    loads: int = 0
    error: str | None = None


@contextmanager
def hold_server_lock(workspace: Path, wait_s: float = 1.0) -> Iterator[bool]:
    """Hold the lock of the workspace as its server; False when another server still holds it after `wait_s` seconds.

    Then it is that other one that `swap` tells.
    """
    with _opened(workspace) as descriptor:
        deadline = time.monotonic() + wait_s
        while not (locked := _locked(descriptor, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            yield locked
        finally:
            if locked:
                (workspace / STATE).unlink(missing_ok=True)


def announce(workspace: Path, state: ServerState) -> None:
    """Write what is served into the workspace; only for whoever holds the lock. Raises OSError."""
    write_json(workspace / STATE, asdict(state))


def running_server(workspace: Path) -> ServerState:
    """The server of this workspace. Raises ServerError when none runs, or none that is ready."""
    with _opened(workspace) as descriptor:
        if _locked(descriptor, fcntl.LOCK_SH):
            raise ServerError(f"no server runs in {workspace}; start one with `raftsmith serve`")
    try:
        return ServerState(**json.loads((workspace / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ServerError(f"the server in {workspace} is starting or stopping ({error}); try again in a moment") from error


def tell_to_reload(state: ServerState) -> None:
    """Make the server read raftsmith.toml again and load what `serve.run` names.

    Raises ServerError when it is gone or not yours.
    """
    try:
        os.kill(state.pid, signal.SIGHUP)
    except OSError as error:
        raise ServerError(f"process {state.pid}, the server at {state.url}, cannot be told: {error}") from error


@contextmanager
def _opened(workspace: Path) -> Iterator[int]:
    descriptor = os.open(workspace / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
