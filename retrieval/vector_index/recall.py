"""Recall against exact search, and the least effort that reaches a target.

Knows no index, only a function that searches.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrieval.vector_index.faiss_binding import faiss
from retrieval.vector_index.inner_products import Matrix, Rows, best, exact_scores

NEAREST = 10
"""How many of the best rows recall looks at."""
_SPARE = 16


def true_nearest(vectors: Matrix, queries: Matrix, own_rows: Rows | None = None) -> Rows:
    """Rows of the ten best of `vectors` for each query by exact scores, `(q, min(10, n))`, ties by row.

    `own_rows[i]` is the row that query i is a copy of, and is left out: a stored vector finds itself too easily.
    """
    depth = min(NEAREST + _SPARE, len(vectors))
    _, rows = faiss.knn(queries, vectors, depth, faiss.METRIC_INNER_PRODUCT)
    scores = exact_scores(vectors, queries, rows)
    if own_rows is not None:
        scores[rows == own_rows[:, np.newaxis]] = -np.inf
    count = min(NEAREST, len(vectors) - (own_rows is not None))
    nearest = np.full((len(queries), max(count, 0)), -1, dtype=np.int64)
    for number in range(len(queries)):
        order = best(scores[number], rows[number], count)
        nearest[number, : len(order)] = rows[number][order]
    return nearest


def recall(retrieved: Rows, truth: Rows) -> float:
    """The share of `truth` `(q, 10)` that is in `retrieved` `(q, m)`, query by query; 1.0 when there is nothing to
    find. -1 is no row.
    """
    valid = truth >= 0
    hits = (truth[:, :, np.newaxis] == retrieved[:, np.newaxis, :]).any(axis=2) & valid
    return float(hits.sum() / valid.sum()) if valid.any() else 1.0


def least_effort(reached: Callable[[int], float], target: float, low: int, high: int) -> int:
    """The smallest effort in `low`..`high` for which `reached(effort)` is at least `target`, by bisection; `high` when
    none is.

    `reached` is taken to grow with the effort. Where noise breaks that, the answer still reaches the target, but may
    not be the smallest.
    """
    if reached(low) >= target:
        return low
    step = low
    while step < high and reached(min(2 * step, high)) < target:
        step = min(2 * step, high)
    if step >= high:
        return high
    below, above = step, min(2 * step, high)
    while above - below > max(1, below // 16):
        middle = (below + above) // 2
        below, above = (below, middle) if reached(middle) >= target else (middle, above)
    return above
