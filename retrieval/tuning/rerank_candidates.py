"""The first hits of judged queries, and their nDCG@10 once a reranker has reordered them.

The same order as `RerankedSearcher` gives, so what is measured is what search does. Knows no training.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from corpora.progress import Count, uncounted
from retrieval.encoders.passage_text import embedding_text
from retrieval.evaluation.judged_queries import JudgedQuery
from retrieval.records import Hit
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import fusion_of
from retrieval.search.reranking import Reranker, reordered
from retrieval.tuning.encoder_comparison import JudgedCollection
from retrieval.tuning.fusion_tuning import ndcg_of_rankings


@dataclass(frozen=True)
class Scores:
    """A reranker's scores of the first hits, by query id, and the median milliseconds for a query."""

    by_query: Mapping[str, Sequence[float]]
    milliseconds: float


@dataclass(frozen=True)
class FirstHits:
    """The queries with the first `depth` hits of each, and its ranking of chunks behind them."""

    queries: Sequence[JudgedQuery]
    hits: Mapping[str, Sequence[Hit]]
    behind: Mapping[str, Sequence[str]]
    item_of: Mapping[str, str]

    def scores(self, reranker: Reranker, progress: Count = uncounted) -> Scores:
        """The scores that `reranker` gives the hits, timed; `progress` counts queries."""
        by_query, seconds = {}, []
        for done, query in enumerate(self.queries, start=1):
            passages = [embedding_text(hit.chunk) for hit in self.hits[query.id]]
            started = time.perf_counter()
            by_query[query.id] = reranker.scores(query.text, passages)
            seconds.append(time.perf_counter() - started)
            progress(done, len(self.queries))
        return Scores(by_query, 1000 * statistics.median(seconds))

    def ndcg(self, scores: Scores | None = None, weight: float = 1.0) -> list[float]:
        """nDCG@10 of each query as search ranks, or with `scores` at `weight` against it."""
        rankings = {}
        for query in self.queries:
            hits = self.hits[query.id]
            order = hits if scores is None else reordered(hits, scores.by_query[query.id], weight)
            rankings[query.id] = [*(hit.chunk.id for hit in order), *self.behind[query.id]]
        return ndcg_of_rankings(self._qrels, self.item_of, rankings)

    @cached_property
    def _qrels(self) -> dict[str, Mapping[str, int]]:
        return {query.id: query.relevant for query in self.queries}


def first_hits(collection: JudgedCollection, queries: Sequence[JudgedQuery], depth: int) -> FirstHits:
    """The first `depth` hits of each query by the configured search, with the vectors of the index's encoder."""
    fusion = fusion_of(collection.judged_index.config.options(SearchOptions))
    chunks = {chunk.id: chunk for chunk in collection.chunks}
    hits, behind = {}, {}
    for query in collection.ranked(queries, collection.judged_index.index.encoder, collection.base):
        fused = fusion(query.dense, query.lexical)
        first = enumerate(fused[:depth], start=1)
        hits[query.id] = [Hit(rank, score, chunks[chunk_id]) for rank, (chunk_id, score) in first]
        behind[query.id] = [chunk_id for chunk_id, _ in fused[depth:]]
    return FirstHits(queries, hits, behind, collection.item_of)
