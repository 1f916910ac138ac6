"""Swapping the run of a running server: written into raftsmith.toml, told to the server, and waited for.

For the command `swap`.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from corpora.errors import ServerError
from corpora.progress import Say, quiet
from corpora.workspace.run_folder import run_config
from corpora.workspace.toml_edit import write_values
from corpora.workspace.workspace import CONFIG, Workspace
from serving.lifecycle.server_lock import ServerState, running_server, tell_to_reload

_POLL_S = 0.05


def swap_run(workspace: Workspace, run: str | None, say: Say = quiet) -> ServerState:
    """Have the server of the workspace answer with `run` (None: the base model), and give its state once it does.

    Takes as long as loading takes. Raises ModelError for a run that is not there, and ServerError when no server runs
    or when it cannot load the run; then it answers as before and raftsmith.toml names the run that it did.
    """
    before = running_server(workspace.root)
    if run is not None:
        run_config(workspace, run)
    path = workspace.root / CONFIG
    written = _write_run(path, run)
    say(f"the server at {before.url} loads {called(run)}, and answers with {called(before.run)} until it has")
    try:
        tell_to_reload(before)
        now = _reloaded(path, before, written)
    except ServerError:
        _write_run(path, before.run)
        raise
    if now.error is not None:
        _write_run(path, now.run)
        raise ServerError(f"{called(run)} cannot be loaded, and the server goes on with {called(now.run)}: {now.error}")
    if now.run != run:
        raise ServerError(
            f"the server answers with {called(now.run)}, as raftsmith.toml was changed meanwhile; look at it and do it again"
        )
    return now


def called(run: str | None) -> str:
    """The name of a run in messages."""
    return run or "the base model"


def config_digest(path: Path) -> str:
    """The SHA-256 of a raftsmith.toml, which tells one from another. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_run(path: Path, run: str | None) -> str:
    return hashlib.sha256(write_values(path, "serve", {"run": run or ""})).hexdigest()


def _reloaded(path: Path, before: ServerState, written: str) -> ServerState:
    """The server after a load that had read `path` as it was `written`, or as it is by now."""
    while True:
        now = running_server(path.parent)
        if now.pid != before.pid:
            raise ServerError(f"the server at {before.url} has ended meanwhile, and another one runs at {now.url}; do it again")
        if now.loads > before.loads and now.config in (written, config_digest(path)):
            return now
        time.sleep(_POLL_S)
