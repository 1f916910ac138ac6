"""Rankings of many queries by vectors in memory: a collection as one encoder sees it, before the index is that
encoder's.

Exact, and of chunks: what is compared are encoders, not indexes. Knows no judgements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from corpora.errors import EvaluationError
from corpora.progress import Count, uncounted
from corpora.records import Chunk
from corpora.store.corpus_store import CorpusStore
from retrieval.chunk_vectors.segments import read_segment
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.passage_text import embedding_text
from retrieval.search.fusion import Ranking
from retrieval.search.query_terms import query_terms
from retrieval.vector_index.faiss_binding import faiss

DEPTH = 200
_BLOCK = 512


@dataclass(frozen=True)
class VectorTable:
    """The unit vectors of chunks, float32 `(n, dimension)`: `vectors[i]` is that of chunk `ids[i]`."""

    ids: tuple[str, ...]
    vectors: Vectors

    def select(self, ids: Sequence[str]) -> Vectors:
        """The vectors of these chunks, float32 `(len(ids), dimension)`. Raises KeyError for one that is not there."""
        return self.vectors[[self._rows[chunk_id] for chunk_id in ids]]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {chunk_id: row for row, chunk_id in enumerate(self.ids)}

    def rank(self, queries: Vectors, depth: int = DEPTH) -> list[Ranking]:
        """The nearest chunks of each query by cosine: `(chunk id, cosine)`, descending, ties by id."""
        k = min(depth, len(self.ids))
        scores, rows = faiss.knn(np.ascontiguousarray(queries), self.vectors, k, faiss.METRIC_INNER_PRODUCT)
        rankings = [
            [(self.ids[row], float(score)) for score, row in zip(*pair, strict=True)] for pair in zip(scores, rows, strict=True)
        ]
        return [sorted(ranking, key=lambda pair: (-pair[1], pair[0])) for ranking in rankings]


def stored_table(store: CorpusStore, root: Path, encoder: str) -> VectorTable:
    """The stored vectors of every chunk by `encoder`. Raises EvaluationError when some have none yet."""
    locations = store.vectors.places(encoder)
    count = store.counts()["chunks"]
    if len(locations) < count:
        raise EvaluationError(
            f"{count - len(locations)} of {count} chunks have no vector by {encoder}; run `raftsmith index --fill` first"
        )
    segments = {name: read_segment(root / "segments", name) for name in sorted({name for _, name, _ in locations})}
    vectors = np.stack([segments[name][row] for _, name, row in locations])
    return VectorTable(tuple(chunk_id for chunk_id, _, _ in locations), vectors)


def encoded_table(chunks: Sequence[Chunk], encoder: Encoder, progress: Count = uncounted) -> VectorTable:
    """The vectors of the chunks, encoded now by `encoder`; `progress` counts chunks."""
    texts = [embedding_text(chunk) for chunk in chunks]
    vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
    for first in range(0, len(texts), _BLOCK):
        part = texts[first : first + _BLOCK]
        vectors[first : first + len(part)] = encoder.encode(part)
        progress(first + len(part), len(texts))
    return VectorTable(tuple(chunk.id for chunk in chunks), vectors)


def lexical_rankings(store: CorpusStore, queries: Sequence[str], depth: int = DEPTH) -> list[Ranking]:
    """The best chunks of each query by BM25: `(chunk id, score)`, descending, ties by id."""
    return [store.lexical_search(query_terms(query), depth) for query in queries]
