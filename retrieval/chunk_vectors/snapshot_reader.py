"""The dense index of one encoder as a process keeps it: at the snapshot that is being read, filters worked out once,
compacted aside.
"""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from threading import Thread

import numpy as np

from corpora.progress import Say, quiet
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import Filter
from retrieval.chunk_vectors.dense_index import DenseIndex, IndexOptions, open_dense_index
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.vector_index.built_index import BuiltIndex
from retrieval.vector_index.vector_index import Permission

_FILTERS_KEPT = 32


class SnapshotReader:
    """The dense index of one encoder, kept at the snapshot that is being read. For one thread at a time.

    Filters are worked out once a snapshot. Compaction runs in a thread of its own.
    """

    def __init__(
        self,
        store: CorpusStore,
        workspace: Path,
        encoder: Encoder,
        options: IndexOptions | None = None,
        say: Say = quiet,
        background: bool = False,
    ) -> None:
        """`background`: compact in a thread when the index needs it, as pays in a process that goes on; else that is
        left to `add`.
        """
        self._store, self._workspace, self._encoder = store, workspace, encoder
        self._options, self._say, self._background = options, say, background
        self._index: DenseIndex | None = None
        self._chunks = 0
        self._permissions: dict[Filter, Permission] = {}
        self._compacting: Future[BuiltIndex] | None = None

    def is_at(self, snapshot: int) -> bool:
        """Whether the index is that of `snapshot`; if not, `follow` before searching."""
        return self._index is not None and self._index.snapshot == snapshot

    @property
    def index(self) -> DenseIndex:
        """The index of the snapshot that was followed last."""
        if self._index is None:
            raise RuntimeError("follow() comes first")
        return self._index

    @property
    def filled(self) -> float:
        """The share of the chunks that have a vector, 0–1, at the snapshot that was followed last; 1.0 where there is
        no chunk.
        """
        return len(self.index) / self._chunks if self._chunks else 1.0

    def follow(self) -> None:
        """Move the index to the store's present snapshot, which the caller has open with the segment files.

        Raises RaftsmithError.
        """
        if self._index is None:
            name, dimension = self._encoder.name, self._encoder.dimension
            self._index = open_dense_index(self._store, self._workspace, name, dimension, self._options, self._say)
        else:
            self._index = self._index.advance(self._store, self._workspace / "segments")
        self._chunks = self._store.counts()["chunks"]
        self._permissions.clear()
        self._take_compacted()
        if self._background and self._compacting is None and self._index.vectors.needs_compaction():
            self._compacting = _in_thread(self._index, self._say)

    def search(self, queries: Vectors, k: int, document_filter: Filter) -> list[list[tuple[str, float]]]:
        """The `k` nearest chunks of each query among those that `document_filter` lets through; see
        `DenseIndex.search`.
        """
        return self.index.search(queries, k, self._store.chunk_ids, self._permission(document_filter))

    def wait(self) -> None:
        """Wait until a running compaction is over and its index in use."""
        if self._compacting is not None:
            self._compacting.exception()
            self._take_compacted()

    def _take_compacted(self) -> None:
        if self._compacting is None or not self._compacting.done():
            return
        finished, self._compacting = self._compacting, None
        if finished.exception() is None:
            try:
                self._index = self.index.rebase(finished.result())
            except ValueError:
                return  # the index was begun anew meanwhile
            self._permissions.clear()
        else:
            self._background = False  # not tried over and over; searches go on with what there is
            self._say(f"the search index was not renewed ({finished.exception()}); `raftsmith index` does it")

    def _permission(self, document_filter: Filter) -> Permission | None:
        """What `document_filter` lets through at this snapshot: asked of the store once."""
        if document_filter.everything:
            return None
        permission = self._permissions.get(document_filter)
        if permission is None:
            while len(self._permissions) >= _FILTERS_KEPT:
                del self._permissions[next(iter(self._permissions))]
            numbers = np.array(self._store.permitted(document_filter), dtype=np.int64)
            permission = self._permissions[document_filter] = self.index.vectors.permitting(numbers)
        return permission


def _in_thread(index: DenseIndex, say: Say) -> Future[BuiltIndex]:
    future: Future[BuiltIndex] = Future()

    def compact() -> None:
        try:
            future.set_result(index.compacted_main(say))
        except Exception as error:
            future.set_exception(error)

    Thread(target=compact, name="raftsmith-compact", daemon=True).start()
    return future
