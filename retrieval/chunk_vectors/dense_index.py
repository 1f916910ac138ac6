"""The dense index of a store: the vectors of one encoder, moved along from snapshot to snapshot.

A cache of the segments. It is opened from the workspace's cache where that is sound, and built anew where it is not.
What changed since is taken from the store: a commit costs what it changed, however large the index is. Keys are chunk
numbers, which are never used twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from corpora.errors import CorruptStore
from corpora.progress import Say, quiet
from corpora.store.corpus_store import CorpusStore
from corpora.store.segment_lock import segments_kept
from corpora.store.vector_rows import VectorPlace
from retrieval.chunk_vectors.index_cache import DenseCache
from retrieval.chunk_vectors.segments import read_segment
from retrieval.encoders.encoder import Vectors
from retrieval.vector_index.built_index import BuiltIndex, build_main
from retrieval.vector_index.index_plan import choose
from retrieval.vector_index.inner_products import Matrix, Rows
from retrieval.vector_index.vector_index import Keep, Permission, VectorIndex, in_memory

TARGET_RECALL = 0.98
_WORTH_SAYING = 20_000


@dataclass(frozen=True)
class IndexOptions:
    """How an index is built: the recall to reach, of the ten best and in 0–1, and the bytes it may hold in memory.

    `memory_bytes` None is half of the machine's memory.
    """

    target_recall: float = TARGET_RECALL
    memory_bytes: int | None = None

    @property
    def memory(self) -> int:
        """Bytes that the index may hold in memory."""
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return machine // 2 if self.memory_bytes is None else self.memory_bytes


@dataclass(frozen=True)
class DenseIndex:
    """The index of one encoder's vectors at one snapshot of the store: immutable, so whoever has one keeps its answers.

    `segments`: number → name of the vector files that it was made from.
    """

    cache: DenseCache
    options: IndexOptions
    vectors: VectorIndex
    snapshot: int
    segments: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self,
        queries: Vectors,
        k: int,
        ids_of: Callable[[Sequence[int]], Mapping[int, str]],
        permission: Permission | None = None,
    ) -> list[list[tuple[str, float]]]:
        """Cosine scores of the `k` nearest chunks of each query, best first.

        `(chunk_id, cosine)`, ties by chunk id; fewer than `k` where fewer are in the index, or permitted.
        `ids_of` gives the ids of chunk numbers, at this index's snapshot.
        """
        available = len(self) if permission is None else min(len(self), permission.count)
        k = min(k, available)
        if not k:
            return [[] for _ in queries]
        depth = min(k + 1, available)
        while True:
            keys, scores = self.vectors.search(queries, depth, permission)
            # Chunks that tie for the last place are told apart by their ids: look deeper until the tie has an end.
            if depth == available or ((scores[:, -1] < scores[:, k - 1]) | (scores[:, -1] == -np.inf)).all():
                break
            depth = min(2 * depth, available)
        ids = ids_of(sorted({int(key) for key in keys.ravel() if key >= 0}))
        rankings = [
            [(ids[int(key)], float(score)) for key, score in zip(*pair, strict=True) if key >= 0]
            for pair in zip(keys, scores, strict=True)
        ]
        return [sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k] for hits in rankings]

    def advance(self, store: CorpusStore, folder: Path, same_history: bool = True) -> DenseIndex:
        """The index at the store's present snapshot, which the caller has open with the segment files in
        `folder`.

        In the `same_history` a chunk that is indexed keeps its vector, wherever that lies now. Raises CorruptStore for
        a segment file that is damaged or gone.
        """
        last = max(self.segments, default=0)
        if last and not store.vectors.has_segments(self.cache.encoder, upto=last):
            # All of them were given up, vectors of chunks that are there perhaps too: begun anew.
            return replace(self, vectors=_empty(self.cache.dimension), segments={}, snapshot=0).advance(store, folder)
        index = self.vectors.removed(np.array(store.vectors.removed_after(self.snapshot), dtype=np.int64))
        locations = store.vectors.after(self.cache.encoder, last)
        indexed = index.holds(np.array([location.chunk for location in locations], dtype=np.int64))
        needed = [
            location for location, is_indexed in zip(locations, indexed, strict=True) if not (is_indexed and same_history)
        ]
        index = index.updated(*_gathered(needed, folder, self.cache.dimension))
        segments = (
            {**self.segments, **{location.segment: location.name for location in locations}} if locations else self.segments
        )
        return replace(self, vectors=index, snapshot=store.snapshot, segments=segments)

    def compacted_main(self, say: Say = quiet) -> BuiltIndex:
        """A new built index of these vectors, planned, built, measured and published. Takes long for a large one."""
        return published(self.cache, lambda keep: self.vectors.compacted_main(self.options.memory, keep), self.segments, say)

    def rebase(self, main: BuiltIndex) -> DenseIndex:
        """The same vectors over `main`, a built index that was compacted from this index or an earlier value of it."""
        return replace(self, vectors=self.vectors.rebase(main))


def refreshed_index(
    store: CorpusStore, workspace: Path, encoder: str, dimension: int, options: IndexOptions, say: Say = quiet
) -> DenseIndex:
    """The index of the store's present snapshot, compacted where it needs that: a writer's last step, so that readers
    need not.
    """
    with segments_kept(workspace), store.reading():
        index = open_dense_index(store, workspace, encoder, dimension, options, say)
    if index.vectors.needs_compaction():
        if len(index) >= _WORTH_SAYING:
            say(f"renewing the search index over {len(index):,} vectors")
        index = index.rebase(index.compacted_main(say))
    return index


def published(cache: DenseCache, build: Callable[[Keep], BuiltIndex], segments: Mapping[int, str], say: Say) -> BuiltIndex:
    """The built index, stored in the cache; in memory where the cache cannot be written, which `say` is told."""
    try:
        return cache.publish(build, segments)
    except OSError as error:
        say(
            f"the search index cannot be kept in {cache.cache} ({error}) and is built again each time; free space or mend that folder"
        )
        return build(in_memory)


def open_dense_index(
    store: CorpusStore,
    workspace: Path,
    encoder: str,
    dimension: int,
    options: IndexOptions | None = None,
    say: Say = quiet,
) -> DenseIndex:
    """The index of the store's present snapshot, which the caller holds open with the segment files.

    Raises CorruptStore. Built and published where the cache has none that fits, or that the options would have; `say`
    gets a line when that takes long.
    """
    chosen = options or IndexOptions()
    cache, folder = DenseCache(workspace / "cache", encoder, dimension), workspace / "segments"
    names = store.vectors.segment_names(encoder)
    cached = cache.load()
    # A segment that is not the one that went into the cache tells of another history: a backup was put in the store's
    # place.
    if (
        cached is not None
        and cached.main.plan.target_recall == chosen.target_recall
        and all(cached.segments.get(n) == name for n, name in names.items() if n <= max(cached.segments, default=0))
    ):
        index = VectorIndex.of(cached.main)
        live = np.array(store.vectors.chunk_numbers(encoder), dtype=np.int64)
        index = index.removed(index.difference(live)[1])
        # From the snapshot on that is open now: what was removed before has just gone.
        opened = DenseIndex(cache, chosen, index, store.snapshot, cached.segments).advance(store, folder, same_history=False)
        if not any(len(differing) for differing in opened.vectors.difference(live)):
            return opened
    return _built(store, folder, cache, chosen, say)


def _built(store: CorpusStore, folder: Path, cache: DenseCache, options: IndexOptions, say: Say) -> DenseIndex:
    locations = sorted(store.vectors.after(cache.encoder, 0), key=lambda location: location.chunk)
    segments = {location.segment: location.name for location in locations}
    nothing = DenseIndex(cache, options, _empty(cache.dimension), store.snapshot, segments)
    if not locations:
        return nothing
    plan = choose(len(locations), cache.dimension, options.memory, options.target_recall)
    if len(locations) >= _WORTH_SAYING:
        say(f"building the search index: {plan.why}")
    keys = np.array([location.chunk for location in locations], dtype=np.int64)

    def build(keep: Keep) -> BuiltIndex:
        return build_main(plan, keep((len(keys), cache.dimension), _blocks(locations, folder, cache.dimension)), keys)

    return replace(nothing, vectors=VectorIndex.of(published(cache, build, segments, say)))


def _empty(dimension: int) -> VectorIndex:
    nothing = np.empty((0, dimension), dtype=np.float32)
    return VectorIndex.build(nothing, np.empty(0, dtype=np.int64), 0)


def _gathered(locations: Sequence[VectorPlace], folder: Path, dimension: int) -> tuple[Rows, Matrix]:
    keys = np.array([location.chunk for location in locations], dtype=np.int64)
    blocks = list(_blocks(locations, folder, dimension))
    return keys, np.concatenate([np.empty((0, dimension), dtype=np.float32), *blocks])


def _blocks(locations: Sequence[VectorPlace], folder: Path, dimension: int) -> Iterator[Matrix]:
    """The vectors at `locations`, in their order; a segment is read once for a run of locations in it."""
    for name, run in groupby(locations, key=lambda location: location.name):
        vectors = read_segment(folder, name)
        rows = [location.row for location in run]
        if vectors.shape[1] != dimension or max(rows) >= len(vectors):
            raise CorruptStore(
                f"{folder / name} holds {len(vectors)} vectors of {vectors.shape[1]} dimensions, not row {max(rows)} of "
                f"{dimension}; run `raftsmith doctor --repair`"
            )
        yield vectors[rows]
