"""Validation of an index that FAISS read from a file: that a search cannot leave its memory.

Knows the layouts of the kinds that we build. FAISS checks sizes while it reads, not that the rows named in its lists
exist. A search follows them unchecked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.faiss_binding import FaissIndex, faiss
from retrieval.vector_index.index_plan import IndexPlan, subquantizers


def check_index(index: FaissIndex, plan: IndexPlan, count: int) -> None:
    """Check that `index` is what `plan` says, over `count` rows, and consistent. Raises ValueError."""
    expected = {"ivf-sq8": faiss.IndexIVFScalarQuantizer, "ivf-pq": faiss.IndexIVFPQFastScan}[plan.kind]
    _hold(type(index) is expected, f"{type(index).__name__} instead of {expected.__name__}")
    _hold(
        (index.d, index.ntotal, index.metric_type, index.is_trained)
        == (plan.dimension, count, faiss.METRIC_INNER_PRODUCT, True),
        f"{index.ntotal} vectors of {index.d} dimensions, metric {index.metric_type}, trained {index.is_trained}",
    )
    _check_lists(index, plan, count)


def _check_lists(index: FaissIndex, plan: IndexPlan, count: int) -> None:
    coarse = faiss.downcast_index(index.quantizer)
    _hold(type(coarse) in (faiss.IndexFlat, faiss.IndexFlatIP), f"{type(coarse).__name__} as coarse quantizer")
    _hold(coarse.metric_type == faiss.METRIC_INNER_PRODUCT, "a coarse quantizer of another metric")
    _hold(index.nlist == coarse.ntotal == plan.lists and coarse.d == index.d, f"{index.nlist} lists, {coarse.ntotal} centroids")
    _hold(coarse.codes.size() == coarse.ntotal * coarse.d * 4, "centroids of another size")
    lists = faiss.downcast_InvertedLists(index.invlists)
    if plan.kind == "ivf-sq8":
        _check_codes(index.sq, index.d)
        _hold(
            type(lists) is faiss.ArrayInvertedLists and index.code_size == lists.code_size == index.d, "codes of another size"
        )
        _hold(not index.by_residual or coarse.d == index.d, "residuals of another size")
    else:
        pq = index.pq
        _hold(type(lists) is faiss.BlockInvertedLists, f"{type(lists).__name__}")
        _hold(
            (pq.d, pq.M, pq.nbits, pq.ksub) == (index.d, subquantizers(index.d), 4, 16),
            f"a product quantizer {pq.M}x{pq.nbits}",
        )
        _hold(index.M == pq.M and index.M2 == pq.M + pq.M % 2 and index.ksub == 16 and index.bbs == 32, "another packing")
        _hold(pq.centroids.size() == pq.d * pq.ksub and pq.dsub * pq.M == pq.d, "a codebook of another size")
        _hold(bool(np.isfinite(_view(pq.centroids)).all()), "a codebook that is not finite")
        _hold(lists.block_size == 32 * index.M2 // 2 and lists.n_per_block == 32, "blocks of another size")
    _hold(lists.nlist == index.nlist, f"{lists.nlist} inverted lists")
    listed = np.zeros(count, dtype=np.bool_)
    for number in range(lists.nlist):
        size = lists.list_size(number)
        ids = faiss.rev_swig_ptr(lists.get_ids(number), size) if size else np.empty(0, dtype=np.int64)
        _hold(not size or (ids.min() >= 0 and ids.max() < count), f"rows in list {number} that do not exist")
        if plan.kind == "ivf-sq8":  # FAISS checks the packed ones itself, and shows only these
            _hold(lists.codes.at(number).size() == size * index.d, f"codes of another size in list {number}")
        listed[ids] = True
    _hold(bool(listed.all()) and lists.compute_ntotal() == count, "rows that are in no list, or in two")


def _check_codes(quantizer: Any, dimension: int) -> None:
    _hold(
        quantizer.qtype == faiss.ScalarQuantizer.QT_8bit and quantizer.d == dimension,
        f"a scalar quantizer of type {quantizer.qtype}",
    )
    trained = _view(quantizer.trained)
    _hold(len(trained) == 2 * dimension and bool(np.isfinite(trained).all()), "a scalar quantizer that is not trained")


def _view(vector: Any) -> npt.NDArray[Any]:
    """A C++ vector as an array that shares its memory: valid while the index is."""
    size = vector.size()
    return faiss.rev_swig_ptr(vector.data(), size) if size else np.empty(0, dtype=np.int64)


def _hold(condition: bool | np.bool_, otherwise: str) -> None:
    if not condition:
        raise ValueError(f"the FAISS file holds {otherwise}")
