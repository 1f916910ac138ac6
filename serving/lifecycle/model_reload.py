"""Reloading of what is served: a thread loads another assistant beside the one that answers, then replaces it.

Knows no signals and no files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue

from corpora.errors import RaftsmithError
from raft.answering.assistant import Assistant
from serving.api.model_catalog import ModelCatalog

Load = Callable[[], Mapping[str, Assistant]]


class Reloader:
    """Calls `load` when asked and serves what it gives; what cannot be loaded changes nothing. Use it in `with`."""

    def __init__(self, catalog: ModelCatalog, load: Load, on_loaded: Callable[[str | None], None]) -> None:
        """`on_loaded` is called, by the thread, after each load with why it failed, or None."""
        self._catalog, self._load, self._on_loaded = catalog, load, on_loaded
        self._requests = SimpleQueue[bool]()  # its `put` is safe in a signal handler, those of locks and events are not
        self._thread = threading.Thread(target=self._work, name="reloader")

    def __enter__(self) -> Reloader:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Wait for a load that has begun: ending the process inside of one may end it in the library's own code."""
        self._requests.put(False)
        self._thread.join()

    def ask(self) -> None:
        """Load anew, soon. Asked again before that begins, it is done once; while it is done, once more."""
        self._requests.put(True)

    def _work(self) -> None:
        while self._requests.get():
            while not self._requests.empty():
                if not self._requests.get():
                    return
            self._on_loaded(self._reloaded())

    def _reloaded(self) -> str | None:
        try:
            self._catalog.replace(self._load())
        except (RaftsmithError, OSError, ValueError) as error:
            return str(error)
        except Exception as error:  # of a library: whatever is wrong with the new one, the old one answers
            return f"{type(error).__name__}: {error}"
        return None
