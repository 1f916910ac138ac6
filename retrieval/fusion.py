"""Combining the dense and the lexical ranking into one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Ranking = Sequence[tuple[str, float]]
"""`(id, score)`, best first; scores are comparable within one ranking only."""


@dataclass(frozen=True)
class Fusion:
    """How the two rankings become one; the weight, in 0–1, is of the dense one and matters in convex fusion only."""

    method: Literal["convex", "reciprocal-rank"] = "convex"
    dense_weight: float = 0.6

    def __call__(self, dense: Ranking, lexical: Ranking) -> list[tuple[str, float]]:
        """The fused ranking; ties are broken by id."""
        if self.method == "reciprocal-rank":
            return reciprocal_rank_fusion([[item for item, _ in ranking] for ranking in (dense, lexical)])
        return convex_fusion([dense, lexical], [self.dense_weight, 1 - self.dense_weight])


def convex_fusion(rankings: Sequence[Ranking], weights: Sequence[float], depth: int = 50) -> list[tuple[str, float]]:
    """`(id, score)` descending; score = Σ weight · (score − low) / (high − low), low being the ranking's score at `depth`.

    What is further down, or missing, gets 0 of that ranking, so that longer rankings do not change the order of the first.
    Ties go by the best place in a ranking, then by id. Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid
    retrieval", TOIS 2023.
    """
    scores: dict[str, float] = {}
    places: dict[str, int] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        if not ranking:
            continue
        high, low = ranking[0][1], ranking[min(depth, len(ranking)) - 1][1]
        for place, (item, score) in enumerate(ranking):
            share = max(0.0, (score - low) / (high - low)) if high > low else float(place < depth)
            scores[item] = scores.get(item, 0.0) + weight * share
            places[item] = min(place, places.get(item, place))
    return sorted(scores.items(), key=lambda pair: (-pair[1], places[pair[0]], pair[0]))


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]], constant: int = 60) -> list[tuple[str, float]]:
    """`(id, score)` descending, ties by id; score = Σ 1 / (constant + rank), ranks from 1.

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (constant + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
