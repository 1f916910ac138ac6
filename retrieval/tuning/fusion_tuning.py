"""Choosing the fusion for a collection: chosen on validation queries, believed only when it wins on queries that did
not choose it.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.evaluation.measures import ALL_MEASURES, retrieval_measures
from retrieval.evaluation.significance import Comparison, compare, shown_p
from retrieval.search.fusion import Fusion, Ranking

DECIDING = "nDCG@10"
WEIGHTS = tuple(round(0.05 * step, 2) for step in range(21))
CONSTANTS = (5, 10, 20, 40, 60, 100)
LEAST_QUERIES = 20
_DEPTH = 10


@dataclass(frozen=True)
class RankedQuery:
    """One judged query as search saw it: both rankings of chunks, and `relevant`, what is judged → grade."""

    id: str
    dense: Ranking
    lexical: Ranking
    relevant: Mapping[str, int]


@dataclass(frozen=True)
class LearntFusion:
    """The fusion chosen for a collection, and its test on held-out queries.

    `tried` are every fusion's mean nDCG@10 on validation, in 0–1, best first. `comparison` is of the chosen one against
    the usual one on the held-out queries; None when the usual one was the best.
    """

    usual: Fusion
    chosen: Fusion
    tried: tuple[tuple[Fusion, float], ...]
    validation: int
    held_out: int
    comparison: Comparison | None

    @property
    def adopted(self) -> bool:
        """True when the chosen one beats the usual one on held-out queries by more than noise."""
        return self.comparison is not None and self.comparison.better


def candidates(usual: Fusion) -> list[Fusion]:
    """Every fusion that is tried, the usual one first: dense weights from 0 to 1, and constants of reciprocal ranks."""
    convex = [Fusion("convex", weight, usual.rank_constant) for weight in WEIGHTS]
    reciprocal = [Fusion("reciprocal-rank", usual.dense_weight, constant) for constant in CONSTANTS]
    return list(dict.fromkeys([usual, *convex, *reciprocal]))


def learn_fusion(
    validation: Sequence[RankedQuery], held_out: Sequence[RankedQuery], item_of: Mapping[str, str], usual: Fusion
) -> LearntFusion:
    """The best of `candidates` on `validation`, tested on `held_out`. `item_of`: chunk id → what is judged.

    Of equals the one nearest to the usual one is taken. Raises ValueError for fewer than 20 queries on either side.
    """
    if min(len(validation), len(held_out)) < LEAST_QUERIES:
        raise ValueError(
            f"{len(validation)} validation and {len(held_out)} held-out queries; at least {LEAST_QUERIES} of each are needed"
        )
    means = [(fusion, _mean(ndcg_values(validation, item_of, fusion))) for fusion in candidates(usual)]
    tried = sorted(means, key=lambda pair: (-pair[1], *_distance(pair[0], usual)))
    chosen = tried[0][0]
    comparison = None
    if chosen != usual:
        values = {"learnt": ndcg_values(held_out, item_of, chosen), "usual": ndcg_values(held_out, item_of, usual)}
        comparison = compare(values)[0]
    return LearntFusion(usual, chosen, tuple(tried), len(validation), len(held_out), comparison)


def ndcg_values(queries: Sequence[RankedQuery], item_of: Mapping[str, str], fusion: Fusion) -> list[float]:
    """nDCG@10 of each query when its rankings are fused by `fusion`."""
    rankings = {query.id: [chunk_id for chunk_id, _ in fusion(query.dense, query.lexical)] for query in queries}
    return ndcg_of_rankings({query.id: query.relevant for query in queries}, item_of, rankings)


def ndcg_of_rankings(
    qrels: Mapping[str, Mapping[str, int]], item_of: Mapping[str, str], rankings: Mapping[str, Sequence[str]]
) -> list[float]:
    """nDCG@10 of each query of `qrels` by its ranking of chunks; a document has the rank of its best chunk."""
    run = {query: list(dict.fromkeys(item_of[chunk_id] for chunk_id in rankings[query]))[:_DEPTH] for query in qrels}
    return retrieval_measures(qrels, run, {DECIDING: ALL_MEASURES[DECIDING]})[DECIDING]


def toml_lines(fusion: Fusion) -> dict[str, str | float | int]:
    """The keys of `[search]` that ask for `fusion`."""
    if fusion.method == "convex":
        return {"fusion": "convex", "dense_weight": fusion.dense_weight}
    return {"fusion": "reciprocal-rank", "rank_constant": fusion.rank_constant}


def described(fusion: Fusion) -> str:
    """A fusion in words, "convex, dense weight 0.6"."""
    if fusion.method == "convex":
        return f"convex, dense weight {fusion.dense_weight:g}"
    return f"reciprocal rank, constant {fusion.rank_constant}"


def verdict(learnt: LearntFusion) -> str:
    """One or two plain sentences: what was learnt, and whether to use it."""
    usual = described(learnt.usual)
    if learnt.comparison is None:
        return f"Keep {usual}: of {len(learnt.tried)} fusions none is better on {learnt.validation} validation queries."
    change = learnt.comparison.difference
    figures = (
        f"{change.value:+.3f} nDCG@10 [{change.low:+.3f}, {change.high:+.3f}], p {shown_p(learnt.comparison.p)}, n = {change.n}"
    )
    chosen = described(learnt.chosen)
    if learnt.adopted:
        return (
            f"Use {chosen}: best on {learnt.validation} validation queries, and on held-out ones it beats {usual} by {figures}."
        )
    return f"Keep {usual}: {chosen} is best on {learnt.validation} validation queries, but on held-out ones that may be noise: {figures}."


def _distance(fusion: Fusion, usual: Fusion) -> tuple[bool, float, int]:
    return (
        fusion.method != usual.method,
        abs(fusion.dense_weight - usual.dense_weight),
        abs(fusion.rank_constant - usual.rank_constant),
    )


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 9)  # what differs by rounding alone is equal
