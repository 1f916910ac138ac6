"""The retriever: one query in, hits from one snapshot out. Knows no prompts and no models but the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from corpora.errors import RaftsmithError
from corpora.progress import Say, quiet
from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import EVERYTHING, Filter
from corpora.store.segment_lock import segments_kept
from retrieval.chunk_vectors.dense_index import IndexOptions
from retrieval.chunk_vectors.segments import STATIC_PREFIX
from retrieval.chunk_vectors.snapshot_reader import SnapshotReader
from retrieval.encoders.encoder import Encoder
from retrieval.records import Hit, SearchResult
from retrieval.search.fusion import Fusion
from retrieval.search.query_terms import query_terms

Mode = Literal["hybrid", "dense", "lexical"]
CANDIDATES = 50
SHOWN_RANKS = 10
"""How much of each ranking a result carries."""


class Searcher(Protocol):
    """Anything that answers queries with ranked passages: what generation, training and serving need of retrieval."""

    def search(
        self, queries: Sequence[str], k: int, mode: Mode = "hybrid", document_filter: Filter = EVERYTHING
    ) -> list[SearchResult]:
        """One result a query, in order, from the documents that `document_filter` lets through."""
        ...


class Retriever:
    """Hybrid, dense and lexical search over a workspace, by one thread at a time.

    The dense index follows the store's snapshots.
    """

    def __init__(
        self,
        store: CorpusStore,
        workspace: Path,
        encoder: Encoder,
        fusion: Fusion | None = None,
        shown_ranks: int = SHOWN_RANKS,
        index_options: IndexOptions | None = None,
        say: Say = quiet,
        background: bool = False,
    ) -> None:
        """`fusion` puts the two rankings together; None is the default one.

        A result carries `shown_ranks` of each ranking. `background`: see `SnapshotReader`. `say` gets a line when
        building an index takes long.
        """
        self._shown_ranks = shown_ranks
        self._fusion = fusion or Fusion()
        self._store, self._workspace, self._encoder = store, workspace, encoder
        self.dense = SnapshotReader(store, workspace, encoder, index_options, say, background)

    def search(
        self, queries: Sequence[str], k: int, mode: Mode = "hybrid", document_filter: Filter = EVERYTHING
    ) -> list[SearchResult]:
        """The `k` best chunks for each query, by fusion of dense and lexical search, or by one of them.

        What `document_filter` does not let through is not scored, so it is in no ranking, count or cache either
        (promise S1). All reads are of one snapshot. Ties are broken by chunk id, so equal stores give equal answers.
        Raises RaftsmithError when the stored vectors were made by another encoder.
        """
        if k < 1:
            raise RaftsmithError(f"k is {k}; it must be at least 1")
        vectors = self._encoder.encode(queries, "query") if mode != "lexical" else None
        with self._snapshot(mode != "lexical") as snapshot:
            depth = max(CANDIDATES, k)
            dense = [[] for _ in queries] if vectors is None else self.dense.search(vectors, depth, document_filter)
            filled = self.dense.filled if vectors is not None else 1.0
            results = []
            for query, ranking in zip(queries, dense, strict=True):
                lexical = self._store.lexical_search(query_terms(query), depth, document_filter) if mode != "dense" else []
                scored = {"hybrid": self._fusion(ranking, lexical, filled), "dense": ranking, "lexical": lexical}[mode]
                best = scored[:k]
                chunks = self._store.chunks_by_id([chunk_id for chunk_id, _ in best])
                hits = (Hit(rank, score, chunks[chunk_id]) for rank, (chunk_id, score) in enumerate(best, start=1))
                rankings = {"dense": tuple(ranking[: self._shown_ranks]), "lexical": tuple(lexical[: self._shown_ranks])}
                results.append(SearchResult(tuple(hits), snapshot, rankings, filled=filled))
            return results

    @contextmanager
    def _snapshot(self, dense: bool) -> Iterator[int]:
        """Open one snapshot of the store and yield its number; with `dense`, the dense index is that of the same
        snapshot.
        """
        with self._store.reading() as snapshot:
            if not dense or self.dense.is_at(snapshot):
                yield snapshot
                return
        # The store has moved on: hold the segment files before looking at it again, so that none of them goes
        # meanwhile.
        with segments_kept(self._workspace), self._store.reading() as snapshot:
            self._check_encoder()
            self.dense.follow()
            yield snapshot

    def _check_encoder(self) -> None:
        other_names = other_encoders(self._store, self._encoder)
        # Vectors of two encoders may stand side by side, so that one can be judged before it takes over.
        if other_names and self._store.vectors.count_missing(self._encoder.name):
            raise RaftsmithError(
                f"the index was made with {', '.join(other_names)}, but the encoder is {self._encoder.name}; "
                "set that encoder in raftsmith.toml, or run `raftsmith index --fill` to encode the collection with this one"
            )


def other_encoders(store: CorpusStore, encoder: Encoder) -> list[str]:
    """Names of the encoders other than `encoder` whose vectors are in the store, sorted."""
    stored_names = {segment.encoder for segment in store.segments()} - {encoder.name}
    return sorted(name for name in stored_names if not name.startswith(STATIC_PREFIX))


@dataclass(frozen=True)
class RestrictedSearcher:
    """A searcher restricted to the documents that one reader may see, for stages that know nothing of rights."""

    searcher: Searcher
    document_filter: Filter

    def search(
        self, queries: Sequence[str], k: int, mode: Mode = "hybrid", document_filter: Filter = EVERYTHING
    ) -> list[SearchResult]:
        """One result a query, in order, among the permitted documents; the argument `document_filter` is ignored."""
        return self.searcher.search(queries, k, mode, self.document_filter)
