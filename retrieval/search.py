"""The retriever: one query in, hits from one snapshot out. Knows no prompts and no models but the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from corpora.errors import RaftsmithError
from corpora.filters import EVERYTHING, Filter
from corpora.store import CorpusStore
from retrieval.dense import DenseIndex, open_dense_index
from retrieval.encoders import Encoder
from retrieval.fusion import Fusion
from retrieval.lexical import match_expression
from retrieval.records import Hit, SearchResult

Mode = Literal["hybrid", "dense", "lexical"]
CANDIDATES = 50
SHOWN_RANKS = 10
"""How much of each ranking a result carries."""


class Searcher(Protocol):
    """What the stages to the right need of retrieval."""

    def search(self, queries: Sequence[str], k: int, mode: Mode = "hybrid", wanted: Filter = EVERYTHING) -> list[SearchResult]:
        """One result a query, in order, from the documents that `wanted` lets through."""
        ...


class Retriever:
    """Search over a workspace. Opens the dense index once and again whenever the store has moved on."""

    def __init__(
        self,
        store: CorpusStore,
        workspace: Path,
        encoder: Encoder,
        fusion: Fusion | None = None,
        shown_ranks: int = SHOWN_RANKS,
    ) -> None:
        """`fusion` puts the two rankings together; None is the default one. A result carries `shown_ranks` of each ranking."""
        self._shown_ranks = shown_ranks
        self._fusion = fusion or Fusion()
        self._store, self._workspace, self._encoder = store, workspace, encoder
        self._snapshot = -1
        self._dense: DenseIndex | None = None

    def search(self, queries: Sequence[str], k: int, mode: Mode = "hybrid", wanted: Filter = EVERYTHING) -> list[SearchResult]:
        """The `k` best chunks for each query, by fusion of dense and lexical search, or by one of them.

        What `wanted` does not let through is not scored, so it is in no ranking, count or cache either (promise S1).
        All reads are of one snapshot. Ties are broken by chunk id, so equal stores give equal answers. Raises RaftsmithError when
        the stored vectors were made by another encoder.
        """
        if k < 1:
            raise RaftsmithError(f"k is {k}; it must be at least 1")
        with self._store.reading() as snapshot:
            depth = max(CANDIDATES, k)
            dense = self._dense_rankings(queries, depth, snapshot, wanted) if mode != "lexical" else [[] for _ in queries]
            results = []
            for query, ranking in zip(queries, dense, strict=True):
                match = match_expression(query) if mode != "dense" else None
                lexical = self._store.lexical_search(match, depth, wanted) if match else []
                scored = {"hybrid": self._fusion(ranking, lexical), "dense": ranking, "lexical": lexical}[mode]
                best = scored[:k]
                chunks = self._store.chunks_by_id([chunk_id for chunk_id, _ in best])
                hits = (Hit(rank, score, chunks[chunk_id]) for rank, (chunk_id, score) in enumerate(best, start=1))
                shown = {"dense": tuple(ranking[: self._shown_ranks]), "lexical": tuple(lexical[: self._shown_ranks])}
                results.append(SearchResult(tuple(hits), snapshot, shown))
            return results

    def _dense_rankings(
        self, queries: Sequence[str], depth: int, snapshot: int, wanted: Filter
    ) -> list[list[tuple[str, float]]]:
        if self._dense is None or self._snapshot != snapshot:
            others = {segment.encoder for segment in self._store.segments()} - {self._encoder.name}
            if others and len(self._store.vector_places(self._encoder.name)) < self._store.counts()["chunks"]:
                raise RaftsmithError(
                    f"the index was made with {', '.join(sorted(others))}, but the encoder is {self._encoder.name}; "
                    "set that encoder in raftsmith.toml, or run `raftsmith add` on the documents again to re-index them"
                )
            self._dense = open_dense_index(self._store, self._workspace, self._encoder.name, self._encoder.dimension)
            self._snapshot = snapshot
        permitted = None if wanted.everything else self._store.permitted(wanted)
        return self._dense.search(self._encoder.encode(queries, "query"), depth, permitted)


@dataclass(frozen=True)
class RestrictedSearcher:
    """The searches of one who may see what `wanted` lets through, for stages that know nothing of rights."""

    searcher: Searcher
    wanted: Filter

    def search(self, queries: Sequence[str], k: int, mode: Mode = "hybrid", wanted: Filter = EVERYTHING) -> list[SearchResult]:
        """As the searcher behind, among the permitted documents; what `wanted` says here is not heard."""
        return self.searcher.search(queries, k, mode, self.wanted)
