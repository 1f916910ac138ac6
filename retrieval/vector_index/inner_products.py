"""Inner products of chosen rows, and the best of them. Knows no index.

Every score that leaves a vector index comes from this one kernel, whatever proposed the row: equal vectors get equal
scores wherever they are kept, so ties are ties. A blocked matrix product does not promise that: its sums depend on
where in the block a row stands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.faiss_binding import faiss, single_threaded

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]

WORTH_WAKING = 64_000_000
"""Numbers to go through from which on one query is dealt out to several threads; see `single_threaded`."""
_SORTED = 512
_UNIT = 2.0**-24
"""The rounding unit of float32."""


def exact_scores(vectors: Matrix, queries: Matrix, rows: Rows) -> Matrix:
    """The inner product of query i with row `rows[i, j]`, float32 `(q, m)`; -inf where the row is -1.

    `vectors` float32 `(n, d)`, contiguous, in memory or mapped; `queries` float32 `(q, d)`; `rows` `(q, m)`. FAISS runs
    one thread a query, so the rows of a single query are dealt out as if they belonged to several.
    """
    count, row_count = rows.shape
    if not row_count:
        return np.empty((count, 0), dtype=np.float32)
    threads = faiss.omp_get_max_threads()
    if count == 1 and row_count * vectors.shape[1] >= WORTH_WAKING and threads > 1:
        share = -(-row_count // threads)
        row_ids = np.full((threads, share), -1, dtype=np.int64)
        row_ids.ravel()[:row_count] = rows[0]
        return _products(vectors, np.repeat(queries, threads, axis=0), row_ids).reshape(1, -1)[:, :row_count]
    row_ids = np.ascontiguousarray(rows, dtype=np.int64)
    with single_threaded(count == 1):
        return _products(vectors, queries, row_ids)


def _products(vectors: Matrix, queries: Matrix, rows: Rows) -> Matrix:
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    products = np.empty(rows.shape, dtype=np.float32)
    faiss.fvec_inner_products_by_idx(*map(faiss.swig_ptr, (products, queries, vectors, rows)), vectors.shape[1], *rows.shape)
    return products


def best(scores: Matrix, keys: Rows, k: int) -> Rows:
    """Positions of the `k` best of one query's `scores` `(m,)`: descending, ties by key.

    Fewer than `k` when fewer are above -inf.
    """
    if len(scores) <= _SORTED:
        order = np.lexsort((keys, -scores))[: max(k, 0)]
        return np.asarray(order[scores[order] > -np.inf], dtype=np.int64)
    floor = np.float32(-np.inf)
    if 0 < 4 * k < len(scores):
        floor = np.partition(scores, len(scores) - k)[len(scores) - k]
    chosen = np.flatnonzero(scores >= floor if np.isfinite(floor) else scores > floor)
    return np.asarray(chosen[np.lexsort((keys[chosen], -scores[chosen]))][:k], dtype=np.int64)


def rounding_error(dimension: int, norms: float) -> float:
    """The most by which two float32 inner products of the same two vectors can differ; `norms` is the product of their
    lengths.

    Twice the bound of Higham, Accuracy and Stability of Numerical Algorithms (2002), eq. 3.5; it holds in whatever
    order is summed.
    """
    return 2.0 * norms * dimension * _UNIT / (1.0 - dimension * _UNIT)


def bits_of(rows: Rows, total: int) -> Bits:
    """One bit for each of `total` rows, least significant first, as FAISS's `IDSelectorBitmap` reads them; set for
    `rows`.
    """
    mask = np.zeros(total, dtype=np.bool_)
    mask[rows] = True
    return np.packbits(mask, bitorder="little")


def rows_of(bits: Bits | None, total: int) -> Rows:
    """The rows whose bits are set, ascending; all of them when `bits` is None."""
    return np.arange(total) if bits is None else np.flatnonzero(np.unpackbits(bits, count=total, bitorder="little"))


def set_in(bits: Bits, rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether the bit of each of `rows` is set."""
    return np.asarray((bits[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1, dtype=np.bool_)
