"""The map from keys to rows: a vector's key is a number that stays, its row is its present position. Knows no vectors.

`Allowed` says which keys a reader may see, `IdMap` where keys lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.inner_products import Rows

Mask = npt.NDArray[np.bool_]

_TABLE_SPAN = 8
"""A table from key to row is kept while the keys span at most this many times their number."""


@dataclass(frozen=True)
class Allowed:
    """A set of keys that a reader may see: `mask[key]` says whether it has a key, or `keys` lists them, ascending.

    Keys beyond the end of `mask` are not in the set.
    """

    mask: Mask | None
    keys: Rows | None

    @staticmethod
    def from_array(allowed: npt.NDArray[np.generic]) -> Allowed:
        """The set of a bool array over keys, or from an array of distinct integer keys in any order.

        Raises ValueError.
        """
        array = np.asarray(allowed)
        if array.ndim == 1 and array.dtype == np.bool_:
            return Allowed(array.astype(np.bool_, copy=False), None)
        if array.ndim == 1 and (np.issubdtype(array.dtype, np.integer) or not len(array)):
            keys = array.astype(np.int64, copy=False)
            if (keys[1:] <= keys[:-1]).any():
                keys = np.unique(keys)
            return Allowed(None, keys)
        raise ValueError(
            f"allowed is an array of {array.dtype} with {array.ndim} dimensions; give a bool array over keys, or an array of keys"
        )

    def __len__(self) -> int:
        if self.keys is not None:
            return len(self.keys)
        return int(self.mask.sum()) if self.mask is not None else 0

    def holds(self, keys: Rows) -> Mask:
        """Which of `keys` are allowed."""
        if self.keys is not None:
            return found_in(self.keys, keys)[1]
        is_allowed = np.zeros(len(keys), dtype=np.bool_)
        if self.mask is not None:
            inside = (keys >= 0) & (keys < len(self.mask))
            is_allowed[inside] = self.mask[keys[inside]]
        return is_allowed


def found_in(ordered: Rows, keys: Rows) -> tuple[Rows, Mask]:
    """The position of each of `keys` in the ascending `ordered`, and whether it is there."""
    positions = np.searchsorted(ordered, keys)
    present = positions < len(ordered)
    present[present] = ordered[positions[present]] == keys[present]
    return positions, present


@dataclass(frozen=True)
class IdMap:
    """The keys of an index's rows: distinct and ascending, row i has key `keys[i]`."""

    keys: Rows

    def __post_init__(self) -> None:
        if self.keys.ndim != 1 or self.keys.dtype != np.int64 or (self.keys[1:] <= self.keys[:-1]).any():
            raise ValueError("keys have to be one ascending array of distinct int64")
        if len(self.keys) and self.keys[0] < 0:
            raise ValueError(f"the key {self.keys[0]} is negative; keys count from 0")

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def _table(self) -> npt.NDArray[np.int32] | None:
        """Row by `key - first`, -1 where there is none; None where it would be mostly empty."""
        if not len(self.keys):
            return None
        span = int(self.keys[-1] - self.keys[0]) + 1
        if span > _TABLE_SPAN * len(self.keys):
            return None
        table = np.full(span, -1, dtype=np.int32)
        table[self.keys - self.keys[0]] = np.arange(len(self.keys), dtype=np.int32)
        return table

    @property
    def _consecutive(self) -> bool:
        return bool(len(self.keys)) and int(self.keys[-1] - self.keys[0]) + 1 == len(self.keys)

    def rows_of(self, keys: Rows) -> Rows:
        """The rows of those of `keys` that the map has, in the order of `keys`."""
        table = self._table
        if table is None:
            positions, present = found_in(self.keys, keys)
            return np.asarray(positions[present], dtype=np.int64)
        offsets = keys - self.keys[0]
        rows = table[offsets[(offsets >= 0) & (offsets < len(table))]]
        return np.asarray(rows[rows >= 0], dtype=np.int64)

    def rows_allowed(self, allowed: Allowed) -> Rows:
        """The rows whose keys are allowed, ascending."""
        if allowed.keys is not None:
            return self.rows_of(allowed.keys)
        if allowed.mask is not None and self._consecutive:
            first = int(self.keys[0])
            return np.flatnonzero(allowed.mask[first : first + len(self.keys)])
        return np.flatnonzero(allowed.holds(self.keys))
