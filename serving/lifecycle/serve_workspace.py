"""Serving a workspace's run over its collection until the process is told to end. For the command `serve`.

What is served may be changed while it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from corpora.progress import Say
from corpora.store.filters import make_filter
from corpora.workspace.workspace import CONFIG, Workspace, open_workspace
from raft.answering.assistant import Assistant
from raft.answering.open_assistant import open_assistant
from retrieval.records import SearchResult
from retrieval.search.collection import open_collection
from retrieval.search.retriever import RestrictedSearcher, Searcher
from serving.api.app import create_app
from serving.api.model_catalog import BASE_MODEL_ID
from serving.http.server import at_hang_up, bind, serve_on, url_of
from serving.lifecycle.model_reload import Reloader
from serving.lifecycle.model_swap import called, config_digest
from serving.lifecycle.options import ServeOptions
from serving.lifecycle.server_lock import ServerState, announce, hold_server_lock, running_server


def serve_workspace(workspace: Workspace, run: str | None, host: str, port: int, readers: tuple[str, ...], say: Say) -> None:
    """Serve `run` (None: the base model) to `readers` over HTTP, until the process is told to end.

    From SIGHUP on it serves what `serve.run` of raftsmith.toml names then. Raises RaftsmithError when it cannot listen
    there or open the workspace or the run; later such a run leaves the one that answers.
    """
    listener = bind(host, port)  # refused before half a minute goes into loading a model
    collected = open_collection(workspace, say, background=True)
    closed = sum(bool(entry["readers"]) for entry in collected.store.overview())
    if closed and not readers:
        say(f"{closed} documents are for named readers and not served; --reader NAME serves what that reader may read")
    searcher = RestrictedSearcher(collected.retriever, make_filter(readers))
    assistant = open_assistant(workspace, searcher, run, say)
    app = create_app({run or BASE_MODEL_ID: assistant})
    del assistant  # else its memory would not be free when another one has taken its place
    with hold_server_lock(workspace.root) as locked:
        if not locked:
            say(
                f"{running_server(workspace.root).url} is served from here too; `raftsmith swap` changes that one, SIGHUP this one"
            )
        changing = _Changing(workspace, searcher, ServerState(os.getpid(), url_of(listener), run), locked, say)
        with Reloader(app.state.catalog, changing.load, changing.report_load) as reloader, at_hang_up(reloader.ask):
            changing.announce()
            serve_on(listener, app)


class _Changing:
    """What the server of a workspace answers with: loaded anew on request, and announced in the workspace."""

    def __init__(self, workspace: Workspace, searcher: Searcher, state: ServerState, announced: bool, say: Say) -> None:
        self._root, self._searcher, self._state = workspace.root, searcher, state
        self._announced, self._say = announced, say
        self._config, self._run, self._config_read = "", state.run, False

    def load(self) -> Mapping[str, Assistant]:
        """The assistant that raftsmith.toml names now, after it has answered once.

        Nobody is to be the first who sees it fail.
        """
        self._config_read = False
        self._config = config_digest(self._root / CONFIG)
        workspace = open_workspace(self._root)
        self._run, self._config_read = workspace.options(ServeOptions).run or None, True
        assistant = open_assistant(workspace, self._searcher, self._run, self._say)
        assistant.engine.complete([assistant.prompt("?", SearchResult((), 0))], 1)
        return {self._run or BASE_MODEL_ID: assistant}

    def report_load(self, error: str | None) -> None:
        """Say what came of a load: `error` is why it failed, or None."""
        before = self._state.run
        run = self._run if error is None else before
        self._state = replace(self._state, run=run, config=self._config, loads=self._state.loads + 1, error=error)
        if error is None:
            self._say(f"raftsmith answers with {called(run)} now; requests that were inside end with {called(before)}")
        else:
            problem = f"{called(self._run)} cannot be loaded" if self._config_read else "what to load is not known"
            self._say(f"raftsmith goes on with {called(before)}; {problem}: {error}")
        try:
            self.announce()
        except OSError as failure:
            self._say(f"`raftsmith swap` cannot be told so: {failure}")

    def announce(self) -> None:
        """Write the state of the server into the workspace. Raises OSError."""
        if self._announced:
            announce(self._root, self._state)
