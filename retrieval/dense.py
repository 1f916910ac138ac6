"""The dense index: FAISS over the vectors of one snapshot. A cache of the segments: verified on opening, rebuilt when in doubt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from corpora.errors import CorruptStore
from corpora.files import sha256_file, write_atomic, write_json
from corpora.store import CorpusStore
from retrieval.encoders import Vectors
from retrieval.segments import read_segment


@dataclass(frozen=True)
class DenseIndex:
    """Exact inner-product search; row i of `index` is the chunk `ids[i]`, ids ascending."""

    ids: tuple[str, ...]
    index: faiss.Index

    def search(self, queries: Vectors, k: int, permitted: frozenset[str] | None = None) -> list[list[tuple[str, float]]]:
        """`(chunk_id, cosine)` per query, descending, ties by chunk id; fewer than `k` when fewer are there, or permitted."""
        selected = (
            None if permitted is None else np.fromiter((i in permitted for i in self.ids), dtype=bool, count=len(self.ids))
        )
        there = len(self.ids) if selected is None else int(selected.sum())
        k = min(k, there)
        if not k:
            return [[] for _ in queries]
        parameters, depth = _selecting(selected), min(k + 1, there)
        while True:
            scores, rows = self.index.search(np.ascontiguousarray(queries, dtype=np.float32), depth, params=parameters)
            # FAISS keeps any of the chunks that tie for the last place: look deeper until the tie has an end.
            if depth == there or (scores[:, -1] < scores[:, k - 1]).all():
                break
            depth = min(2 * depth, there)
        found = [
            [(self.ids[row], float(score)) for row, score in zip(*pair, strict=True)] for pair in zip(rows, scores, strict=True)
        ]
        return [sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k] for hits in found]


def _selecting(selected: np.ndarray | None) -> faiss.SearchParameters | None:
    """Search parameters under which FAISS scores the selected rows only."""
    if selected is None:
        return None
    bitmap = faiss.IDSelectorBitmap(np.packbits(selected, bitorder="little"))  # type: ignore[call-arg, arg-type]
    return faiss.SearchParameters(sel=bitmap)  # type: ignore[call-arg]


def open_dense_index(store: CorpusStore, workspace: Path, encoder: str, dimension: int) -> DenseIndex:
    """The index of the store's current snapshot, from the cache where that is sound. Raises CorruptStore.

    The cache is keyed by what it holds, not by when: chunk ids, their places, and the encoder.
    """
    places = store.vector_places(encoder)
    key = hashlib.sha256(json.dumps([encoder, dimension, places]).encode()).hexdigest()[:24]
    path = workspace / "cache" / f"dense-{key}.faiss"
    ids = tuple(chunk_id for chunk_id, _, _ in places)
    index = _cached(path, len(ids), dimension)
    if index is None:
        index = faiss.IndexFlatIP(dimension)
        if places:
            index.add(_gather(workspace / "segments", places, dimension))
        _write_cache(path, index)
    return DenseIndex(ids, index)


def _gather(folder: Path, places: Sequence[tuple[str, str, int]], dimension: int) -> Vectors:
    segments = {name: read_segment(folder, name) for name in sorted({name for _, name, _ in places})}
    vectors = np.empty((len(places), dimension), dtype=np.float32)
    for position, (_, name, row) in enumerate(places):
        if row >= len(segments[name]) or segments[name].shape[1] != dimension:
            raise CorruptStore(
                f"{folder / name} does not hold row {row} of dimension {dimension}; run `raftsmith doctor --repair`"
            )
        vectors[position] = segments[name][row]
    return vectors


def _cached(path: Path, count: int, dimension: int) -> faiss.Index | None:
    manifest = path.with_suffix(".json")
    try:
        expected = json.loads(manifest.read_text())["sha256"]
        if sha256_file(path) != expected:
            return None
        index = faiss.read_index(str(path))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None  # derived data: whatever is wrong with it, it is made again
    return index if index.ntotal == count and index.d == dimension else None


def _write_cache(path: Path, index: faiss.Index) -> None:
    for old in path.parent.glob("dense-*"):
        old.unlink(missing_ok=True)
    write_atomic(path, faiss.serialize_index(index).tobytes())
    write_json(path.with_suffix(".json"), {"sha256": sha256_file(path)})
