"""Calibration of an index: the search effort for a target recall, and the recall and times measured.

Knows no index kind. The queries that steer are not those that measure. Without real queries, stored vectors stand in:
each without itself, and moved towards another one, because a question lies between the passages that it asks about.
Stored vectors as they are make too easy a sample.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from retrieval.vector_index.faiss_binding import faiss
from retrieval.vector_index.index_plan import IndexPlan
from retrieval.vector_index.inner_products import Matrix, Rows, best, exact_scores
from retrieval.vector_index.recall import NEAREST, least_effort, recall, true_nearest
from retrieval.vector_index.search_effort import SearchEffort

_QUERIES = 256
"""So many stored vectors steer, and as many others measure."""
_TOWARDS = 0.7
"""How much of another stored vector is added; then lists find about as much as for real questions (DECISIONS.md)."""
_RESCORED = {"ivf-sq8": 40, "ivf-pq": 100}
"""Proposals scored exactly for ten results; 4-bit codes rank worse than 8-bit ones."""
_MOST_RESCORED = 1_600
_FEWEST_PROBES = 8
_TIMED = 32
_ERRORS = 2.0
_ROWS = 8_192
_SEED = 20_261_125


@dataclass(frozen=True)
class Measured:
    """The recall and times of an index, measured when it was built, on the machine that built it.

    `recall`: of the ten best against exact search, over `queries` queries that did not steer the effort; they were
    `given`, or are `stored` vectors, moved. `search_ms`: the median of one query. `row_ns`: scoring one chosen row
    exactly. `seconds`: building and measuring.
    """

    effort: SearchEffort
    recall: float
    target: float
    queries: int
    asked: Literal["given", "stored"]
    search_ms: float
    row_ns: float
    seconds: float
    faiss: str


class Searchable(Protocol):
    """An index over the rows of `vectors`, built to `plan`."""

    @property
    def plan(self) -> IndexPlan:
        """The plan that it was built to."""
        ...

    @property
    def vectors(self) -> Matrix:
        """The vectors, float32 `(n, d)`."""
        ...

    def search(self, queries: Matrix, k: int, effort: SearchEffort) -> list[tuple[Rows, Matrix]]:
        """Rows and exact scores for each query, unordered, the `k` best among them."""
        ...


def calibrate(index: Searchable, queries: Matrix | None, started: float) -> Measured:
    """The least search effort that reaches the plan's target recall, with its measured recall and times.

    `started` is when building began. The target has to be exceeded by two standard errors on the steering half, so that
    chance does not make the effort too small.
    """
    count, target = len(index.vectors), index.plan.target_recall
    if not count:
        return Measured(
            SearchEffort(0, 0), 1.0, target, 0, "stored", 0.0, 0.0, time.perf_counter() - started, faiss.__version__
        )
    query_kind: Literal["given", "stored"] = "given"
    own_rows = None
    if queries is None or len(queries) < 2:
        draw = np.random.default_rng(_SEED)
        own_rows, other_rows = (draw.choice(count, min(2 * _QUERIES, count), replace=False).astype(np.int64) for _ in range(2))
        queries, query_kind = (
            np.ascontiguousarray(index.vectors[own_rows] + np.float32(_TOWARDS) * index.vectors[other_rows]),
            "stored",
        )
    truth = true_nearest(index.vectors, queries, own_rows)
    steering, judging = slice(0, None, 2), slice(min(1, len(queries) - 1), None, 2)

    def recalls(effort: SearchEffort, part: slice) -> list[float]:
        nearest = _nearest(index, queries[part], effort, own_rows[part] if own_rows is not None else None)
        return [recall(rows[np.newaxis], true[np.newaxis]) for rows, true in zip(nearest, truth[part], strict=True)]

    def surely(effort: SearchEffort) -> float:
        values = recalls(effort, steering)
        return statistics.fmean(values) - (_ERRORS * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0)

    effort = _steered(index.plan, count, surely)
    reached = recalls(effort, judging)
    times = (_search_ms(index, queries, effort), _row_ns(index.vectors, queries))
    return Measured(
        effort,
        statistics.fmean(reached),
        target,
        len(reached),
        query_kind,
        *times,
        time.perf_counter() - started,
        faiss.__version__,
    )


def _nearest(index: Searchable, queries: Matrix, effort: SearchEffort, own_rows: Rows | None) -> Rows:
    """The rows of the ten best `(q, 10)`, -1 where there are fewer; without the query's own."""
    depth = NEAREST + (own_rows is not None)
    rows = np.full((len(queries), depth), -1, dtype=np.int64)
    for number, (proposed, scores) in enumerate(index.search(queries, depth, effort)):
        order = best(scores, proposed, depth)
        rows[number, : len(order)] = proposed[order]
    if own_rows is not None:
        rows[rows == own_rows[:, np.newaxis]] = -1
    return rows


def _steered(plan: IndexPlan, count: int, reached: Callable[[SearchEffort], float]) -> SearchEffort:
    if plan.kind == "exact":
        return SearchEffort(0, 0)
    rescored = _RESCORED[plan.kind]
    while True:

        def recall_at(probes: int, rescored: int = rescored) -> float:
            return reached(SearchEffort(probes, rescored))

        probes = least_effort(recall_at, plan.target_recall, min(_FEWEST_PROBES, plan.lists), plan.lists)
        if probes < plan.lists or rescored >= min(_MOST_RESCORED, count):
            return SearchEffort(probes, rescored)
        rescored *= 2


def _search_ms(index: Searchable, queries: Matrix, effort: SearchEffort) -> float:
    seconds = []
    for number in range(min(_TIMED, len(queries))):
        started = time.perf_counter()
        index.search(queries[number : number + 1], NEAREST, effort)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e3


def _row_ns(vectors: Matrix, queries: Matrix) -> float:
    rows = np.random.default_rng(_SEED).choice(len(vectors), min(len(vectors), _ROWS), replace=False)
    chosen = np.sort(rows).astype(np.int64)[np.newaxis]
    seconds = []
    for number in range(8):
        started = time.perf_counter()
        exact_scores(vectors, queries[number % len(queries)][np.newaxis], chosen)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e9 / chosen.size
