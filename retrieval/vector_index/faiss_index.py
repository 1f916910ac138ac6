"""The FAISS index behind a plan: built, extended, asked for candidates. Knows rows, not keys, and returns no scores.

Its candidates are scored exactly by the caller (`exact_scores`), so the codes it keeps only have to be good enough to
find, not to rank.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import numpy as np

from retrieval.vector_index.faiss_binding import FaissIndex, faiss
from retrieval.vector_index.index_plan import IndexPlan, subquantizers
from retrieval.vector_index.inner_products import Bits, Matrix, Rows

_BLOCK = 65_536
_SEED = 1234
_TRAINING_ROWS_A_LIST = 48
"""FAISS asks for 39 at least."""

_building = threading.Lock()
"""FAISS is safe to search from many threads, not to build: one index is made at a time."""


def build(plan: IndexPlan, vectors: Matrix) -> FaissIndex:
    """The FAISS index of a plan whose kind is not "exact", over `vectors` float32 `(n, d)`, read in blocks.

    The same rows give the same index.
    """
    with _building:
        index = _empty(plan, vectors)
        _add(index, vectors)
        return prepared(index)


def extend(index: FaissIndex, vectors: Matrix) -> FaissIndex:
    """A copy of `index` with the rows of `vectors` added; `index` itself is unchanged, and can be searched meanwhile."""
    with _building:
        copy = faiss.clone_index(index)
        _add(copy, vectors)
        return prepared(copy)


def prepared(index: FaissIndex) -> FaissIndex:
    """Set what FAISS does not store: the lists of one query are searched by all threads."""
    index.parallel_mode = 1
    return index


def candidates(index: FaissIndex, queries: Matrix, count: int, probes: int, within: Bits | None = None) -> Rows:
    """Rows that are likely the best for each query, `(q, count)`, -1 where fewer were found in the `probes` nearest
    lists.

    `within` holds one bit a row, least significant first: only rows whose bit is set are proposed.
    """
    probes = min(probes, index.nlist)
    if within is None:
        parameters = _parameters(probes)
    else:
        selector = faiss.IDSelectorBitmap(len(within), faiss.swig_ptr(within))
        parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
    _, rows = index.search(queries, count, params=parameters)
    return np.asarray(rows, dtype=np.int64)


@lru_cache(maxsize=64)
def _parameters(probes: int) -> Any:
    """Made once: FAISS only reads them, and making them takes as long as scoring twenty rows."""
    return faiss.SearchParametersIVF(nprobe=probes)


def _empty(plan: IndexPlan, vectors: Matrix) -> FaissIndex:
    dimension, metric = plan.dimension, faiss.METRIC_INNER_PRODUCT
    coarse = faiss.IndexFlatIP(dimension)
    if plan.kind == "ivf-sq8":
        index = faiss.IndexIVFScalarQuantizer(coarse, dimension, plan.lists, faiss.ScalarQuantizer.QT_8bit, metric)
    elif plan.kind == "ivf-pq":
        index = faiss.IndexIVFPQFastScan(coarse, dimension, plan.lists, subquantizers(dimension), 4, metric)
    else:
        raise ValueError(f"a plan of kind {plan.kind!r} has no FAISS index; accepted: ivf-sq8, ivf-pq")
    coarse.this.disown()
    index.own_fields = True
    index.cp.seed = _SEED
    for clustering in (index.cp, index.pq.cp) if plan.kind == "ivf-pq" else (index.cp,):
        clustering.min_points_per_centroid = 1  # no warnings on stderr; the sample is chosen below
    index.train(_sample(vectors, _TRAINING_ROWS_A_LIST * plan.lists))
    return index


def _add(index: FaissIndex, vectors: Matrix) -> None:
    for start in range(0, len(vectors), _BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))


def _sample(vectors: Matrix, count: int) -> Matrix:
    if count >= len(vectors):
        return np.ascontiguousarray(vectors)
    rows = np.sort(np.random.default_rng(_SEED).choice(len(vectors), count, replace=False))
    return np.ascontiguousarray(vectors[rows])
