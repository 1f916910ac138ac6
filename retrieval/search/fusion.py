"""Fusion of the dense and the lexical ranking into one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Ranking = Sequence[tuple[str, float]]
"""`(id, score)`, best first; scores are comparable within one ranking only."""
DEPTH = 50
"""Ranks that count in fusion; what is further down, or missing, gets 0."""


@dataclass(frozen=True)
class Fusion:
    """How two rankings are fused: by scores, with the dense ranking's weight in 0–1, or by ranks alone."""

    method: Literal["convex", "reciprocal-rank"] = "convex"
    dense_weight: float = 0.6
    rank_constant: int = 60

    def __call__(self, dense: Ranking, lexical: Ranking, filled: float = 1.0) -> list[tuple[str, float]]:
        """The fused ranking; ties go by the best rank in either ranking, then by id. `filled`: see `shares`."""
        return _summed([dense, lexical], self.shares(dense, lexical, filled))

    def shares(self, dense: Ranking, lexical: Ranking, filled: float = 1.0) -> list[dict[str, float]]:
        """The share of each ranking in the score of every item that it holds; the fused score is their sum.

        While only the share `filled` of the chunks has vectors, in 0–1, the dense ranking counts for less, see
        `while_filling`.
        """
        if self.method == "reciprocal-rank":
            by_rank = [reciprocal_shares([item for item, _ in ranking], self.rank_constant) for ranking in (dense, lexical)]
            return [{item: while_filling(filled) * share for item, share in by_rank[0].items()}, by_rank[1]]
        weight = while_filling(filled) * self.dense_weight
        return [convex_shares(dense, weight), convex_shares(lexical, 1 - weight)]


def while_filling(filled: float) -> float:
    """The factor on the dense ranking's weight, in 0–1, while only the share `filled` of the chunks has vectors.

    At its full weight the best of a few chunks would stand before what the words find among all; with the square of the
    share hybrid search never fell below words alone by more than .001 (DECISIONS.md).
    """
    return filled**2


def convex_shares(ranking: Ranking, weight: float) -> dict[str, float]:
    """The shares of one ranking in convex fusion: weight · (score − low) / (high − low), low being the ranking's score
    at `DEPTH`.

    What is further down, or missing, gets 0, so that longer rankings do not change the order of the first. Bruch, Gai
    and Ingber, "An analysis of fusion functions for hybrid retrieval", TOIS 2023.
    """
    if not ranking:
        return {}
    high, low = ranking[0][1], ranking[min(DEPTH, len(ranking)) - 1][1]
    return {
        item: weight * (max(0.0, (score - low) / (high - low)) if high > low else float(position < DEPTH))
        for position, (item, score) in enumerate(ranking)
    }


def reciprocal_shares(ranking: Sequence[str], constant: int) -> dict[str, float]:
    """The shares of one ranking in reciprocal-rank fusion: 1 / (constant + rank), ranks from 1 to `DEPTH`, and 0
    further down.

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009. Without the limit, longer rankings would change the order of the first places.
    """
    return {item: 1.0 / (constant + rank) if rank <= DEPTH else 0.0 for rank, item in enumerate(ranking, start=1)}


def _summed(rankings: Sequence[Ranking], shares: Sequence[Mapping[str, float]]) -> list[tuple[str, float]]:
    scores: dict[str, float] = {}
    best_positions: dict[str, int] = {}
    for ranking, share in zip(rankings, shares, strict=True):
        for position, (item, _) in enumerate(ranking):
            scores[item] = scores.get(item, 0.0) + share[item]
            best_positions[item] = min(position, best_positions.get(item, position))
    return sorted(scores.items(), key=lambda pair: (-pair[1], best_positions[pair[0]], pair[0]))
