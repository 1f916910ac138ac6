"""Search by meaning while a collection's full vectors are still being made: two rankings by two encoders become one. Pure.

Every passage has a static vector, and those that the model has read a full one too. Cosines of two encoders must not be compared: how
high they are for texts that have nothing to do with each other differs. What is compared here is how far a cosine stands out among
all that the query has in that encoder, in standard deviations. Knows no encoder, no index and no store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from retrieval.encoders.encoder import Vectors
from retrieval.search.fusion import Fusion, Ranking

STATIC_WEIGHT = 0.25
"""Of the static ranking in convex fusion with the lexical one, while nothing is filled (tests/benchmarks/results/filling.json)."""


@dataclass(frozen=True)
class Background:
    """The sums from which mean and deviation of a query's cosines with all vectors of an index follow, without computing them.

    `total`: `(dimension,)`, `products`: `(dimension, dimension)`, float64. Sums of two indexes are the sums of both together.
    """

    count: int
    total: npt.NDArray[np.float64]
    products: npt.NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Vectors) -> Background:
        """Of float32 `(n, dimension)`."""
        exact = vectors.astype(np.float64)
        return cls(len(exact), exact.sum(axis=0), exact.T @ exact)

    def __add__(self, other: Background) -> Background:
        return Background(self.count + other.count, self.total + other.total, self.products + other.products)

    def __sub__(self, other: Background) -> Background:
        return Background(self.count - other.count, self.total - other.total, self.products - other.products)

    def cosines(self, query: Vectors) -> tuple[float, float]:
        """Mean and standard deviation of the cosines of `query`, `(dimension,)`, with every vector; `(0, 0)` of none."""
        if not self.count:
            return 0.0, 0.0
        exact = query.astype(np.float64)
        mean = float(exact @ self.total) / self.count
        square = float(exact @ self.products @ exact) / self.count
        return mean, max(0.0, square - mean * mean) ** 0.5


def standardised(ranking: Ranking, background: Background, query: Vectors) -> list[tuple[str, float]]:
    """`ranking` with each cosine as its distance from the mean of all, in standard deviations; 0 where all are alike."""
    mean, deviation = background.cosines(query)
    return [(item, (cosine - mean) / deviation if deviation > 1e-6 else 0.0) for item, cosine in ranking]


def merge_filling(full: Ranking, static: Ranking) -> list[tuple[str, float]]:
    """One ranking out of two `standardised` ones, best first, ties by id.

    `full` ranks what is filled, `static` what is not.
    """
    return sorted([*full, *static], key=lambda pair: (-pair[1], pair[0]))


def filling_fusion(fusion: Fusion, filled: float) -> Fusion:
    """`fusion` as it is while only the share `filled` has full vectors; itself when all have."""
    return fusion if filled >= 1 else replace(fusion, dense_weight=semantic_weight(filled, fusion.dense_weight))


def semantic_weight(filled_share: float, full_weight: float, static_weight: float = STATIC_WEIGHT) -> float:
    """The weight of the merged ranking against the lexical one, from `static_weight` to `full_weight` as `filled_share` goes to 1."""
    return static_weight + (full_weight - static_weight) * min(1.0, max(0.0, filled_share))
