"""FAISS as an untyped value: the stubs that it ships (1.15) leave out or contradict much of what the index uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss as _stubbed

faiss: Any = _stubbed
FaissIndex = Any
"""Any FAISS index; an alias that says what is meant."""


@contextmanager
def single_threaded(active: bool = True) -> Iterator[None]:
    """Run FAISS in the calling thread only, if `active`.

    What takes a millisecond must not wait for another thread to wake up. Two idle cores search 10,000 vectors in 0.3 ms
    instead of 0.5; when another process wants one of them, in 10 to 40 ms.
    """
    threads = faiss.omp_get_max_threads()
    if not active or threads == 1:
        yield
        return
    faiss.omp_set_num_threads(1)  # of this thread only
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
