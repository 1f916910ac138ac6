"""Two encoders on the same judged queries: the collection ranked by the vectors of each, alone and fused with the
lexical ranking.

The index gives the vectors of its own encoder and is never written; another encoder's are made in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from corpora.progress import Progress, no_progress
from corpora.records import Chunk
from retrieval.encoders.encoder import Encoder
from retrieval.evaluation.bootstrap import Interval, bootstrap_mean
from retrieval.evaluation.judged_queries import JudgedQuery
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.evaluation.significance import Comparison, compare, shown_p
from retrieval.search.fusion import Fusion, Ranking
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import fusion_of
from retrieval.tuning.fusion_tuning import RankedQuery, ndcg_values
from retrieval.tuning.in_memory_rankings import VectorTable, encoded_table, lexical_rankings, stored_table

DENSE = Fusion("convex", 1.0)


@dataclass(frozen=True)
class Gain:
    """nDCG@10 of one way of searching on the held-out queries, with the base encoder and with the tuned one."""

    mode: str
    base: Interval
    tuned: Interval
    comparison: Comparison

    @property
    def relative(self) -> float:
        """The gain as a share of what the base encoder reaches; 0 where that is nothing."""
        return self.comparison.difference.value / self.base.value if self.base.value else 0.0

    def __str__(self) -> str:
        """The gain in one line: both values, difference with interval, share, p-value and n."""
        change = self.comparison.difference
        return (
            f"{self.mode} nDCG@10 {self.base.value:.3f} → {self.tuned.value:.3f}: {change.value:+.3f} "
            f"[{change.low:+.3f}, {change.high:+.3f}], {self.relative:+.1%}, p {shown_p(self.comparison.p)}, n = {change.n}"
        )


@dataclass(frozen=True)
class JudgedCollection:
    """The judged queries by split, the passages with their vectors by the base encoder, and the lexical ranking of
    every query.
    """

    judged_index: JudgedIndex
    queries: Mapping[str, Sequence[JudgedQuery]]
    chunks: Sequence[Chunk]
    item_of: Mapping[str, str]
    base: VectorTable
    lexical: Mapping[str, Ranking]

    def ranked(self, queries: Sequence[JudgedQuery], encoder: Encoder, table: VectorTable) -> list[RankedQuery]:
        """The dense and lexical rankings of each query, the dense one by the vectors of `table`."""
        dense = table.rank(encoder.encode([query.text for query in queries], "query"))
        return [
            RankedQuery(query.id, ranking, self.lexical[query.id], query.relevant)
            for query, ranking in zip(queries, dense, strict=True)
        ]


def judged_collection(judged_index: JudgedIndex, queries: Mapping[str, Sequence[JudgedQuery]]) -> JudgedCollection:
    """The collection that encoders are compared on, read from the index.

    Raises EvaluationError when chunks have no vector by its encoder.
    """
    store = judged_index.index.store
    all_queries = [query for split_queries in queries.values() for query in split_queries]
    with store.reading():
        chunks = store.chunks()
        base = stored_table(store, judged_index.index.root, judged_index.index.encoder.name)
        lexical = lexical_rankings(store, [query.text for query in all_queries])
    by_document = judged_index.judged.level == "document"
    item_of = {chunk.id: chunk.document_id if by_document else chunk.id for chunk in chunks}
    words = {query.id: ranking for query, ranking in zip(all_queries, lexical, strict=True)}
    return JudgedCollection(judged_index, queries, chunks, item_of, base, words)


def compare_encoders(
    collection: JudgedCollection,
    queries: Sequence[JudgedQuery],
    encoder: Encoder,
    progress: Progress = no_progress,
) -> list[Gain]:
    """The gains of `encoder` over the index's own, in dense and in the configured search of the whole collection."""
    before = collection.ranked(queries, collection.judged_index.index.encoder, collection.base)
    after = collection.ranked(queries, encoder, encoded_table(collection.chunks, encoder, progress("chunks")))
    gains = []
    for mode, fusion in (("dense", DENSE), ("hybrid", fusion_of(collection.judged_index.config.options(SearchOptions)))):
        values = {}
        for name, ranked in (("tuned", after), ("base", before)):
            rankings = [replace(query, lexical=()) for query in ranked] if mode == "dense" else ranked
            values[name] = ndcg_values(rankings, collection.item_of, fusion)
        base, tuned = bootstrap_mean(values["base"]), bootstrap_mean(values["tuned"])
        if base and tuned:
            gains.append(Gain(mode, base, tuned, compare(values)[0]))
    return gains
