"""A vector index that changes: a built index, an exact delta of what was added since, and a mark on what was removed.

Every `VectorIndex` is a value: `added`, `removed` and `rebase` give another one and leave this one as it is, so a
reader that holds one keeps its answers whatever happens. They share the built index and every block of the delta that
did not change; what a change costs grows with the change. Knows vectors and integer keys, no chunks and no store.

    index = VectorIndex.build(vectors, keys, memory_bytes=2 << 30)
    keys, scores = index.search(queries, k=10, allowed=keys_this_reader_may_see)
    index = index.removed(gone).added(new_keys, new_vectors)
    if index.needs_compaction():
        index = index.rebase(index.compacted_main(memory_bytes=2 << 30))

Searching is safe from any number of threads. A key means one vector for as long as it is in the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.built_index import BuiltIndex, Within, build_main, extend_main
from retrieval.vector_index.delta import DeltaIndex
from retrieval.vector_index.id_map import Allowed, Mask, found_in
from retrieval.vector_index.index_plan import choose
from retrieval.vector_index.inner_products import Bits, Matrix, Rows, best, bits_of, rows_of, set_in
from retrieval.vector_index.search_effort import SearchEffort

Keep = Callable[[tuple[int, int], Iterator[Matrix]], Matrix]
"""Stores blocks of vectors, together of a given shape, and gives them back as one array."""

_REMOVED_SHARE = 0.2
_SMALL_DELTA = 1_000
_DELTA_SHARE = 0.1
"""The largest delta of an exact index, as a share of it."""
_DELTA_TIME = 0.5
"""Of an approximate one: the delta may take half as long as a search of the built index."""
_GROWTH = 2.0
"""Lists trained for so many times fewer vectors are trained again."""
_BLOCK = 65_536


def in_memory(shape: tuple[int, int], blocks: Iterator[Matrix]) -> Matrix:
    """The blocks of vectors as one array in memory."""
    vectors = np.empty(shape, dtype=np.float32)
    filled = 0
    for block in blocks:
        vectors[filled : filled + len(block)] = block
        filled += len(block)
    return vectors


@dataclass(frozen=True)
class Permission:
    """The rows of an index that a filter lets through, worked out once for many searches."""

    allowed: Allowed
    index: VectorIndex
    within: Within

    @property
    def count(self) -> int:
        """How many keys are allowed, whether the index holds them or not."""
        return len(self.allowed)


@dataclass(frozen=True)
class VectorIndex:
    """Vectors under integer keys, searched by inner product: a built index, a delta, and which built rows were removed.

    `live` has a bit for each row of `main`, set unless it was removed; None when none was. `gone` is how many were.
    """

    main: BuiltIndex
    delta: DeltaIndex
    live: Bits | None = None
    gone: int = 0

    @staticmethod
    def of(main: BuiltIndex) -> VectorIndex:
        """An index with nothing added or removed yet."""
        return VectorIndex(main, DeltaIndex(main.plan.dimension))

    @staticmethod
    def build(
        vectors: Matrix, keys: Rows, memory_bytes: int, target_recall: float = 0.98, queries: Matrix | None = None
    ) -> VectorIndex:
        """Choose a plan, build the index and measure it. Raises ValueError.

        See `choose` and `build_main`, whose conditions on the arrays hold.
        """
        plan = choose(len(vectors), vectors.shape[1], memory_bytes, target_recall)
        return VectorIndex.of(build_main(plan, vectors, keys, queries))

    def __len__(self) -> int:
        return len(self.main) - self.gone + len(self.delta)

    def holds(self, keys: Rows) -> Mask:
        """Which of `keys` are in the index."""
        positions, present = found_in(self.main.keys.keys, keys)
        if self.live is not None:
            present[present] = set_in(self.live, positions[present])
        return present | self.delta.holds(keys)

    def permitting(self, allowed: npt.NDArray[np.generic] | Allowed) -> Permission:
        """The filter `allowed` (see `search`) worked out for this value of the index."""
        chosen = allowed if isinstance(allowed, Allowed) else Allowed.from_array(allowed)
        rows = self.main.keys.rows_allowed(chosen)
        if self.live is not None:
            rows = rows[set_in(self.live, rows)]
        return Permission(chosen, self, Within(len(self.main), len(rows), given_rows=rows))

    def search(
        self,
        queries: Matrix,
        k: int,
        allowed: npt.NDArray[np.generic] | Permission | None = None,
        effort: SearchEffort | None = None,
    ) -> tuple[Rows, Matrix]:
        """Keys `(q, k)` and their inner products `(q, k)`, descending, ties by key; -1 and -inf where there are fewer
        than `k`.

        `allowed`: only these keys are looked at; a bool array over keys, an array of keys, or what `permitting` made of
        one. `effort`: None for what was measured to reach the target recall; an exact index ignores it. Raises
        ValueError for other shapes.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.main.plan.dimension or k < 1 or not np.isfinite(queries).all():
            raise ValueError(
                f"queries of shape {queries.shape} and k {k}; give finite float32 (q, {self.main.plan.dimension}) and k of at least 1"
            )
        permission = self._permission(allowed)
        within = permission.within if permission else self._alive()
        delta_keys, delta_scores = self.delta.scores(queries, permission.allowed if permission else None)
        keys = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        main = self.main.search(queries, k, effort or self.main.measured.effort, within)
        for number, (rows, of_rows) in enumerate(main):
            # A row of -1 takes the last key; its score of -inf keeps it out.
            all_keys, all_scores = self.main.keys.keys[rows] if len(self.main) else rows, of_rows
            if len(delta_keys):
                all_keys, all_scores = (
                    np.concatenate([all_keys, delta_keys]),
                    np.concatenate([all_scores, delta_scores[number]]),
                )
            order = best(all_scores, all_keys, k)
            keys[number, : len(order)], scores[number, : len(order)] = all_keys[order], all_scores[order]
        return keys, scores

    def _permission(self, allowed: npt.NDArray[np.generic] | Permission | None) -> Permission | None:
        if isinstance(allowed, Permission):
            return allowed if allowed.index is self else self.permitting(allowed.allowed)
        return None if allowed is None else self.permitting(allowed)

    def _alive(self) -> Within | None:
        return None if self.live is None else Within(len(self.main), len(self.main) - self.gone, given_bits=self.live)

    def added(self, keys: Rows, vectors: Matrix) -> VectorIndex:
        """An index with `vectors` `(n, d)`, finite, added under new distinct `keys`; both are copied.

        Raises ValueError, also for known keys.
        """
        keys, vectors = np.asarray(keys, dtype=np.int64), np.asarray(vectors, dtype=np.float32)
        if vectors.shape != (len(keys), self.main.plan.dimension) or not np.isfinite(vectors).all():
            raise ValueError(
                f"vectors of shape {vectors.shape} for {len(keys)} keys; give finite ({len(keys)}, {self.main.plan.dimension})"
            )
        ordered = np.sort(keys)
        if len(keys) and (ordered[0] < 0 or (ordered[1:] == ordered[:-1]).any()):
            raise ValueError("keys to add must be distinct and not negative")
        present = self.holds(keys)
        if present.any():
            raise ValueError(
                f"{present.sum()} keys are in the index already, key {keys[present][0]} among them; remove them first"
            )
        return replace(self, delta=self.delta.added(keys, vectors)) if len(keys) else self

    def removed(self, keys: Rows) -> VectorIndex:
        """An index without `keys`; those that it does not have change nothing."""
        keys = np.unique(np.asarray(keys, dtype=np.int64))
        rows = self.main.keys.rows_of(keys)
        if self.live is not None:
            rows = rows[set_in(self.live, rows)]
        live = self.live
        if len(rows):
            live = np.full(-(-len(self.main) // 8), 255, dtype=np.uint8) if live is None else live.copy()
            np.bitwise_and.at(live, rows >> 3, ~(np.uint8(1) << (rows & 7).astype(np.uint8)))
        return VectorIndex(self.main, self.delta.removed(keys), live, self.gone + len(rows))

    def updated(self, keys: Rows, vectors: Matrix) -> VectorIndex:
        """An index with `vectors` under `keys`, whether it had those or not."""
        return self.removed(keys).added(keys, vectors)

    def difference(self, keys: Rows) -> tuple[Rows, Rows]:
        """The keys to add and the keys to remove so that the index has exactly the distinct `keys`; both ascending."""
        target = np.sort(np.asarray(keys, dtype=np.int64))
        current = self.keys()
        return target[~found_in(current, target)[1]], current[~found_in(target, current)[1]]

    def keys(self) -> Rows:
        """All keys in the index, ascending."""
        blocks = [block.keys[block.live] for block in self.delta.blocks]
        return np.sort(np.concatenate([self._main_keys(), *blocks]))

    def _main_keys(self) -> Rows:
        return self.main.keys.keys if self.live is None else self.main.keys.keys[rows_of(self.live, len(self.main))]

    def needs_compaction(self) -> bool:
        """Whether so much was added or removed that searches pay for it: see the limits at the top of this module."""
        if self.main.exact:
            longest = _DELTA_SHARE * len(self.main)
        else:
            longest = _DELTA_TIME * self.main.measured.search_ms * 1e6 / max(self.main.measured.row_ns, 1e-3)
        return len(self.delta) > max(_SMALL_DELTA, longest) or self.gone > _REMOVED_SHARE * len(self.main)

    def compacted_main(self, memory_bytes: int, keep: Keep = in_memory, queries: Matrix | None = None) -> BuiltIndex:
        """A built index of everything in this value. Takes long; meant for a background thread.

        Readers go on with this value or later ones meanwhile; when it is done, `latest.rebase(main)` takes it into use
        with whatever changed since. An approximate index is extended, its removed rows left in it, while those are few
        and every added key is higher than its own: that costs building only for the delta. Else it is built anew.
        """
        plan = choose(len(self), self.main.plan.dimension, memory_bytes, self.main.plan.target_recall)
        delta_keys, delta_vectors = self.delta.contents()
        main_keys = self.main.keys.keys
        extends = (
            plan.kind == self.main.plan.kind != "exact"
            and self.gone <= _REMOVED_SHARE / 2 * len(self.main)
            and len(self) <= _GROWTH * self.main.plan.count
            and len(delta_keys) > 0
            and delta_keys[0] > main_keys[-1]
        )
        rows = np.arange(len(self.main)) if extends else rows_of(self.live, len(self.main))
        keys = np.concatenate([main_keys[rows], delta_keys])
        sources = np.concatenate([rows, -1 - np.arange(len(delta_keys))])[np.argsort(keys)]
        keys = np.sort(keys)

        def blocks() -> Iterator[Matrix]:
            for start in range(0, len(sources), _BLOCK):
                part = sources[start : start + _BLOCK]
                block = np.empty((len(part), plan.dimension), dtype=np.float32)
                block[part >= 0] = self.main.vectors[part[part >= 0]]
                block[part < 0] = delta_vectors[-1 - part[part < 0]]
                yield block

        vectors = keep((len(keys), plan.dimension), blocks())
        if extends:
            return extend_main(
                self.main, replace(plan, count=self.main.plan.count, lists=self.main.plan.lists), vectors, keys, queries
            )
        return build_main(plan, vectors, keys, queries)

    def rebase(self, main: BuiltIndex) -> VectorIndex:
        """The same vectors over `main`, which was compacted from this value or an earlier one.

        Raises ValueError for another.
        """
        delta_keys, delta_vectors = self.delta.contents()
        positions, same = found_in(main.keys.keys, delta_keys)
        same[same] = (main.vectors[positions[same]] == delta_vectors[same]).all(axis=1)
        surviving = main.keys.rows_of(self._main_keys())
        if len(surviving) < len(self.main) - self.gone:
            raise ValueError(
                f"{len(self.main) - self.gone - len(surviving)} vectors are not in that built index; compact this index instead"
            )
        rows = np.concatenate([surviving, positions[same]])
        live = None if len(rows) == len(main) else bits_of(rows, len(main))
        return VectorIndex(main, self.delta.removed(delta_keys[same]), live, len(main) - len(rows))
