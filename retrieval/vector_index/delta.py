"""Vectors added since the index was built: a few sorted blocks, searched exactly. Knows nothing of the built index.

Every value is immutable; adding and removing give a new one that shares what did not change, so whoever holds the old
one keeps its answers. A new block swallows those before it that are not at least twice as large, as in a log-structured
merge tree (O'Neil et al., 1996): there are never more than log2(n) blocks, and a vector is copied that often at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrieval.vector_index.id_map import Allowed, found_in
from retrieval.vector_index.inner_products import Matrix, Rows, exact_scores

_NO_KEYS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Block:
    """Vectors with ascending keys: row i has `keys[i]`; only the rows in `live` count."""

    keys: Rows
    vectors: Matrix
    live: Rows


@dataclass(frozen=True)
class DeltaIndex:
    """The added vectors in blocks, from the oldest and largest to the newest. No key is live in two blocks."""

    dimension: int
    blocks: tuple[Block, ...] = ()

    def __len__(self) -> int:
        return sum(len(block.live) for block in self.blocks)

    def holds(self, keys: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of `keys` are live here."""
        is_live = np.zeros(len(keys), dtype=np.bool_)
        for block in self.blocks:
            positions, present = found_in(block.keys, keys)
            is_live[present] |= found_in(block.live, positions[present])[1]
        return is_live

    def added(self, keys: Rows, vectors: Matrix) -> DeltaIndex:
        """A delta with `vectors` `(n, dimension)` added under distinct `keys` that are not live here.

        The caller's arrays are copied.
        """
        order = np.argsort(keys, kind="stable")
        newest = Block(keys[order], np.ascontiguousarray(vectors[order], dtype=np.float32), np.arange(len(keys)))
        blocks = [block for block in self.blocks if len(block.live)]
        while blocks and len(blocks[-1].live) < 2 * len(newest.live):
            newest = _merged(blocks.pop(), newest)
        return DeltaIndex(self.dimension, (*blocks, newest) if len(newest.live) else tuple(blocks))

    def removed(self, keys: Rows) -> DeltaIndex:
        """A delta without `keys`; those that it does not have change nothing."""
        blocks = []
        for block in self.blocks:
            positions, present = found_in(block.keys, keys)
            gone, alive = found_in(block.live, positions[present])
            blocks.append(Block(block.keys, block.vectors, np.delete(block.live, gone[alive])) if alive.any() else block)
        return DeltaIndex(self.dimension, tuple(block for block in blocks if len(block.live)))

    def scores(self, queries: Matrix, allowed: Allowed | None) -> tuple[Rows, Matrix]:
        """Keys `(m,)` of all that is live and allowed, and the score of each for each query, float32 `(q, m)`."""
        if not self.blocks:
            return _NO_KEYS, np.empty((len(queries), 0), dtype=np.float32)
        keys, scores = [np.empty(0, dtype=np.int64)], [np.empty((len(queries), 0), dtype=np.float32)]
        for block in self.blocks:
            rows = block.live if allowed is None else block.live[allowed.holds(block.keys[block.live])]
            keys.append(block.keys[rows])
            scores.append(exact_scores(block.vectors, queries, np.broadcast_to(rows, (len(queries), len(rows)))))
        return np.concatenate(keys), np.concatenate(scores, axis=1)

    def contents(self) -> tuple[Rows, Matrix]:
        """Everything live, ascending by key: keys `(n,)` and vectors `(n, dimension)`."""
        keys = np.concatenate([np.empty(0, dtype=np.int64), *(block.keys[block.live] for block in self.blocks)])
        empty = np.empty((0, self.dimension), dtype=np.float32)
        vectors = np.concatenate([empty, *(block.vectors[block.live] for block in self.blocks)])
        order = np.argsort(keys)
        return keys[order], vectors[order]


def _merged(older: Block, newer: Block) -> Block:
    keys = np.concatenate([older.keys[older.live], newer.keys[newer.live]])
    order = np.argsort(keys)
    vectors = np.concatenate([older.vectors[older.live], newer.vectors[newer.live]])
    return Block(keys[order], vectors[order], np.arange(len(keys)))
