"""Exact search by 8-bit codes, a quarter of the bytes: codes propose rows, vectors score them, a bound proves it
complete.

A code is off by at most `error`, so a row that was not proposed scores at most the worst proposal's approximate score
plus `error`. When the k-th best exact score is above that, the k best are among the proposals; until it is, more are
asked for. Knows rows, not keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from retrieval.vector_index.faiss_binding import FaissIndex, faiss
from retrieval.vector_index.faiss_index import prepared
from retrieval.vector_index.inner_products import Bits, Matrix, Rows, exact_scores, rounding_error, rows_of

_SHARDS = 32
"""Inverted lists of consecutive rows, all of them searched, so that FAISS gives one query to all threads."""
_BLOCK = 65_536
_EXTRA = 32
_DEEPEST = 8
"""When more than one row in so many would be proposed, all rows are scored."""
_UNIT = 2.0**-24
MANY_QUERIES = 16
"""From so many on, a matrix product over the vectors themselves is faster than the codes."""


@dataclass(frozen=True)
class ExactScan:
    """The 8-bit codes of vectors, with the bounds that make their search exact.

    `error` is the largest distance of a vector from its code, `norm` the length of the longest vector.
    """

    index: FaissIndex
    error: float
    norm: float

    def search(self, vectors: Matrix, queries: Matrix, k: int, within: Bits | None, count: int) -> list[tuple[Rows, Matrix]]:
        """The rows `(m,)` of each query and their exact scores `(m,)`, unordered, with the `k` best and all ties with
        the last.

        `within`: one bit a row, least significant first, of which `count` are set; None when all `count` rows count.
        """
        lengths = np.linalg.norm(queries, axis=1)
        rounding = rounding_error(vectors.shape[1], self.norm) * lengths
        results: dict[int, tuple[Rows, Matrix]] = {}
        if within is None and len(queries) >= MANY_QUERIES:
            depth = min(k + _EXTRA, count)
            approximate, rows = faiss.knn(queries, vectors, depth, faiss.METRIC_INNER_PRODUCT)
            scores = exact_scores(vectors, queries, rows)
            for number, ceiling in enumerate(approximate[:, -1] + rounding):
                if depth == count or _proven(scores[number], ceiling, k):
                    results[number] = (rows[number], scores[number])
        selector = faiss.IDSelectorBitmap(len(within), faiss.swig_ptr(within)) if within is not None else None
        for number in range(len(queries)):
            if number not in results:
                slack = float(self.error * lengths[number] + rounding[number])
                results[number] = self._search_one(vectors, queries[number : number + 1], k, selector, within, count, slack)
        return [results[number] for number in range(len(queries))]

    def _search_one(
        self,
        vectors: Matrix,
        query: Matrix,
        k: int,
        selector: Any | None,
        within: Bits | None,
        count: int,
        slack: float,
    ) -> tuple[Rows, Matrix]:
        depth = 2 * k + _EXTRA
        while depth * _DEEPEST < count:
            parameters = faiss.SearchParametersIVF(nprobe=_SHARDS, **({} if selector is None else {"sel": selector}))
            approximate, rows = self.index.search(query, depth, params=parameters)
            scores = exact_scores(vectors, query, rows)[0]
            if _proven(scores, approximate[0, -1] + slack, k):
                return rows[0], scores
            depth *= 4
        all_rows = rows_of(within, len(vectors))
        return all_rows, exact_scores(vectors, query, all_rows[np.newaxis])[0]


def coded(vectors: Matrix) -> ExactScan:
    """The 8-bit codes of `vectors` float32 `(n, d)`, read in blocks."""
    count, dimension = vectors.shape
    blocks = [vectors[start : start + _BLOCK] for start in range(0, count, _BLOCK)]
    bounds = np.stack([np.min([b.min(axis=0) for b in blocks], axis=0), np.max([b.max(axis=0) for b in blocks], axis=0)])
    shards = faiss.IndexFlatIP(dimension)
    shards.add(np.zeros((_SHARDS, dimension), dtype=np.float32))
    index = faiss.IndexIVFScalarQuantizer(
        shards, dimension, _SHARDS, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    shards.this.disown()
    index.own_fields = True
    index.sq.train(bounds)
    index.is_trained = True
    error = norm = 0.0
    for start, block in zip(range(0, count, _BLOCK), blocks, strict=True):
        block = np.ascontiguousarray(block)
        shard_of = (np.arange(start, start + len(block)) * _SHARDS // count).astype(np.int64)
        index.add_core(len(block), faiss.swig_ptr(block), None, faiss.swig_ptr(shard_of))
        decoded = index.sq.decode(index.sq.compute_codes(block))
        error = max(error, float(np.linalg.norm((block - decoded).astype(np.float64), axis=1).max()))
        norm = max(norm, float(np.linalg.norm(block.astype(np.float64), axis=1).max()))
    # A code is decoded with three roundings a component, each relative to the component's range.
    error += 4 * _UNIT * float(np.linalg.norm(np.abs(bounds[0]) + (bounds[1] - bounds[0])))
    return ExactScan(prepared(index), error, norm)


def _proven(scores: Matrix, ceiling: float, k: int) -> bool:
    """Whether `k` of `scores` are above what any row that was not proposed can reach."""
    return bool((scores > ceiling).sum() >= k)
