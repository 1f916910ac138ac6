"""Search by meaning, also while a collection's full vectors are still being made: quick vectors then rank what has no full one yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import Filter
from retrieval.chunk_vectors.dense_index import IndexOptions, Say
from retrieval.chunk_vectors.snapshot_reader import SnapshotReader
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.static_encoder import STATIC
from retrieval.search.partial_vectors import Background, merge_filling, standardised
from retrieval.vector_index.inner_products import Rows

Ranking = list[tuple[str, float]]
_SAMPLE = 4_096
"""Vectors from which mean and deviation of cosines are taken."""


class DenseSearch:
    """The full index of a store and, beside it while that is needed, the quick one. Used by one thread at a time."""

    def __init__(
        self,
        store: CorpusStore,
        workspace: Path,
        encoder: Encoder,
        quick: Callable[[], Encoder] | None = None,
        options: IndexOptions | None = None,
        say: Say = lambda line: None,
        background: bool = False,
    ) -> None:
        """`quick` loads the static encoder of the same model; it is called only when the store holds static vectors."""
        self._store, self._workspace, self._encoder, self._load = store, workspace, encoder, quick
        self.full = SnapshotReader(store, workspace, encoder, options, say, background)
        self._quick_encoder: Encoder | None = None
        self._quick: SnapshotReader | None = None
        self._waiting: Rows = np.empty(0, dtype=np.int64)
        self._unranked = 0
        self._backgrounds = (Background.of(np.empty((0, 1), dtype=np.float32)),) * 2

    def at(self, snapshot: int) -> bool:
        """As `SnapshotReader.at`."""
        return self.full.at(snapshot)

    @property
    def filled(self) -> float:
        """The share of chunks that have their full vector, 0–1; 1.0 where there is nothing to wait for."""
        count, waiting = len(self.full.index), len(self._waiting) + self._unranked
        return count / (count + waiting) if waiting else 1.0

    def follow(self) -> None:
        """As `SnapshotReader.follow`, of both."""
        self.full.follow()
        self._waiting, self._unranked = self._waiting[:0], 0
        encoders = {segment.encoder for segment in self._store.segments()}
        if self._load is None or not any(name.startswith(STATIC) for name in encoders):
            self._quick = None
            return
        if self._quick_encoder is None:
            self._quick_encoder = self._load()
        if self._quick_encoder.name not in encoders:
            # Distilled anew since: those chunks are found by their words only, until their full vectors are there.
            self._quick, self._unranked = None, self._store.vectors.count_missing(self._encoder.name)
            return
        if self._quick is None:
            # Exact: it lives for minutes, and training lists would take part of them.
            self._quick = SnapshotReader(self._store, self._workspace, self._quick_encoder, IndexOptions(1.0))
        self._quick.follow()
        full, quick = self.full.index.vectors, self._quick.index.vectors
        self._waiting = np.setdiff1d(quick.keys(), full.keys(), assume_unique=True)
        self._backgrounds = Background.of(full.sample(_SAMPLE)), Background.of(quick.sample(_SAMPLE))

    def search(self, queries: Sequence[str], vectors: Vectors, k: int, wanted: Filter) -> list[Ranking]:
        """`(chunk_id, score)` a query, best first: cosines with `vectors`, the queries' full ones.

        While chunks wait, scores are deviations of each encoder's cosines from their mean, see `retrieval.search.partial_vectors`.
        """
        full = self.full.search(vectors, k, wanted)
        if self._quick is None or self._quick_encoder is None or not len(self._waiting):
            return full
        quick_vectors = self._quick_encoder.encode(queries, "query")
        waiting = self._quick.search_among(quick_vectors, k, self._waiting, wanted)
        of_full, of_quick = self._backgrounds
        return [
            merge_filling(standardised(ranked, of_full, vector), standardised(quick, of_quick, quick_vector))
            for ranked, vector, quick, quick_vector in zip(full, vectors, waiting, quick_vectors, strict=True)
        ]
