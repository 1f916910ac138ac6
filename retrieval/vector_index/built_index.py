"""The built part of a vector index: vectors, keys, FAISS index, measurements. Immutable; knows no later changes.

All scores are exact inner products of the float32 vectors. Only which rows are looked at is approximate, and only for
approximate kinds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from retrieval.vector_index import faiss_index
from retrieval.vector_index.calibration import Measured, calibrate
from retrieval.vector_index.exact_scan import ExactScan, coded
from retrieval.vector_index.faiss_binding import FaissIndex, faiss, single_threaded
from retrieval.vector_index.id_map import IdMap
from retrieval.vector_index.index_plan import IndexPlan
from retrieval.vector_index.inner_products import WORTH_WAKING, Bits, Matrix, Rows, bits_of, exact_scores, rows_of
from retrieval.vector_index.search_effort import SearchEffort

SCAN_FROM = 4_096
"""Of an exact index: fewer rows are all scored; codes would not pay."""
_BLOCK = 65_536


@dataclass(frozen=True)
class Within:
    """The `count` of `total` rows that a search may return, as ascending row numbers or as bits, converted when needed."""

    total: int
    count: int
    given_rows: Rows | None = None
    given_bits: Bits | None = None

    @cached_property
    def rows(self) -> Rows:
        """The row numbers, ascending."""
        return rows_of(self.given_bits, self.total) if self.given_rows is None else self.given_rows

    @cached_property
    def bits(self) -> Bits:
        """A bit for each row, least significant first."""
        return bits_of(self.rows, self.total) if self.given_bits is None else self.given_bits


@dataclass(frozen=True)
class BuiltIndex:
    """Vectors with their keys and the structures that search them.

    Row i of `vectors` float32 `(n, d)`, in memory or mapped, has the key `keys.keys[i]`. An approximate kind has
    `index`, an exact one `scan` or, when small, neither.
    """

    plan: IndexPlan
    keys: IdMap
    vectors: Matrix
    measured: Measured
    index: FaissIndex | None = None
    scan: ExactScan | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def exact(self) -> bool:
        """Whether every search is exact."""
        return self.index is None

    def search(self, queries: Matrix, k: int, effort: SearchEffort, within: Within | None = None) -> list[tuple[Rows, Matrix]]:
        """The rows `(m,)` of each query and their exact scores `(m,)`, unordered; the `k` best, or most of them, are
        among them.
        """
        small = not self.exact or self.vectors.size < WORTH_WAKING
        with single_threaded(small and len(queries) == 1):
            return self._nearest(queries, k, effort, within)

    def _nearest(self, queries: Matrix, k: int, effort: SearchEffort, within: Within | None) -> list[tuple[Rows, Matrix]]:
        count = len(self) if within is None else within.count
        if not count or (self.exact and self.scan is None) or (within is not None and self._worth_scoring(count, k, effort)):
            return self._scored(queries, np.arange(len(self)) if within is None else within.rows)
        if self.scan is not None:
            return self.scan.search(self.vectors, queries, k, within.bits if within is not None else None, count)
        return self._approximate(queries, k, effort, within)

    def _scored(self, queries: Matrix, rows: Rows) -> list[tuple[Rows, Matrix]]:
        return [(rows, exact_scores(self.vectors, query[np.newaxis], rows[np.newaxis])[0]) for query in queries]

    def _approximate(self, queries: Matrix, k: int, effort: SearchEffort, within: Within | None) -> list[tuple[Rows, Matrix]]:
        share = within.count / len(self) if within is not None else 1.0
        scaled = effort.scaled(k, share)
        rescored = min(scaled.rescored, len(self))
        rows = faiss_index.candidates(self.index, queries, rescored, scaled.probes, within.bits if within else None)
        results = list(zip(rows, exact_scores(self.vectors, queries, rows), strict=True))
        if within is not None:
            # Fewer than there should be: what is allowed lies where the search did not go.
            for number in np.flatnonzero((rows >= 0).sum(axis=1) < min(rescored, within.count)):
                results[number] = self._everywhere(queries[number : number + 1], rescored, within)
        return results

    def _everywhere(self, query: Matrix, rescored: int, within: Within) -> tuple[Rows, Matrix]:
        rows = faiss_index.candidates(self.index, query, rescored, self.plan.lists, within.bits)
        return rows[0], exact_scores(self.vectors, query, rows)[0]

    def _worth_scoring(self, count: int, k: int, effort: SearchEffort) -> bool:
        """Whether scoring `count` allowed rows one by one takes no longer than searching among all."""
        slower = 1.0 if self.exact else effort.scaled(k, count / len(self)).slower(self.measured.effort)
        return count * self.measured.row_ns <= self.measured.search_ms * slower * 1e6


def build_main(plan: IndexPlan, vectors: Matrix, keys: Rows, queries: Matrix | None = None) -> BuiltIndex:
    """Build and measure an index to `plan`.

    `vectors` float32 `(n, d)`, finite, not copied and never to be changed; `keys` int64 `(n,)`, ascending and distinct.
    `queries` float32 `(q, d)`, if given, are real ones: half of them steer the effort, half measure the recall. Raises
    ValueError.
    """
    started = time.perf_counter()
    _check(plan, vectors, keys)
    scan = index = None
    if plan.kind != "exact":
        index = faiss_index.build(plan, vectors)
    elif len(vectors) >= SCAN_FROM:
        scan = coded(vectors)
    return _calibrated(BuiltIndex(plan, IdMap(keys), vectors, _UNMEASURED, index, scan), queries, started)


def extend_main(main: BuiltIndex, plan: IndexPlan, vectors: Matrix, keys: Rows, queries: Matrix | None = None) -> BuiltIndex:
    """The built index `main` extended by the rows of `vectors` and `keys` after its own: only those cost building.

    Raises ValueError.
    """
    started = time.perf_counter()
    if main.index is None or main.plan.kind != plan.kind or not np.array_equal(keys[: len(main)], main.keys.keys):
        return build_main(plan, vectors, keys, queries)
    _check(plan, vectors, keys)
    index = faiss_index.extend(main.index, vectors[len(main) :])
    return _calibrated(BuiltIndex(plan, IdMap(keys), vectors, _UNMEASURED, index), queries, started)


_UNMEASURED = Measured(SearchEffort(0, 0), 1.0, 1.0, 0, "stored", 0.0, 0.0, 0.0, faiss.__version__)


def _calibrated(main: BuiltIndex, queries: Matrix | None, started: float) -> BuiltIndex:
    return replace(main, measured=calibrate(main, queries, started))


def _check(plan: IndexPlan, vectors: Matrix, keys: Rows) -> None:
    if vectors.shape != (len(keys), plan.dimension) or vectors.dtype != np.float32 or not vectors.flags.c_contiguous:
        raise ValueError(
            f"{vectors.dtype} vectors of shape {vectors.shape} for {len(keys)} keys; "
            f"give contiguous float32 of shape ({len(keys)}, {plan.dimension})"
        )
    for start in range(0, len(vectors), _BLOCK):
        if not np.isfinite(vectors[start : start + _BLOCK]).all():
            raise ValueError(f"a vector in rows {start} to {start + _BLOCK - 1} is not finite; encode these texts again")
