"""The choice of an index kind by number of vectors and memory, before anything is built, with the reason.

Knows no vectors. Scalar codes are for when the vectors do not fit into memory: they rank better than product codes, so
fewer vectors have to be read from disk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["exact", "ivf-sq8", "ivf-pq"]

EXACT_NUMBERS = 20_000 * 384
"""Up to so many components, count times dimension, exact search takes one to two milliseconds on two cores."""
_KEY_BYTES = 12
_ID_BYTES = 8


@dataclass(frozen=True)
class IndexPlan:
    """The plan of an index: kind, size and sizes of its parts.

    `memory_bytes` should stay in memory to search at speed; `disk_bytes` are its files; `why` is one sentence. `lists`
    is the number of inverted lists, `code_bytes` a vector in them.
    """

    kind: Kind
    count: int
    dimension: int
    target_recall: float
    memory_bytes: int
    disk_bytes: int
    why: str
    lists: int = 0
    code_bytes: int = 0


def choose(count: int, dimension: int, memory_bytes: int, target_recall: float = 0.98, kind: Kind | None = None) -> IndexPlan:
    """The plan for `count` vectors of `dimension` in at most `memory_bytes`, to find the true ten best with
    `target_recall`.

    `kind` builds that one whatever would be chosen. Raises ValueError when the target is not above 0 and at most 1, or
    a size negative.
    """
    if not 0 < target_recall <= 1:
        raise ValueError(f"the target recall is {target_recall}; it must be above 0 and at most 1")
    if count < 0 or dimension < 1 or memory_bytes < 0:
        raise ValueError(f"{count} vectors of {dimension} dimensions in {memory_bytes} bytes: sizes cannot be negative")
    if kind is None:
        kind, why = _chosen(count, dimension, memory_bytes, target_recall)
    else:
        why = f"{kind} was asked for"
    vectors, codes = 4 * count * dimension, _code_bytes(kind, count, dimension)
    keys = _KEY_BYTES * count
    return IndexPlan(
        kind=kind,
        count=count,
        dimension=dimension,
        target_recall=target_recall,
        memory_bytes=vectors + codes + keys,
        disk_bytes=vectors + keys + (codes if kind != "exact" else 0),
        why=why,
        lists=_lists(count) if kind != "exact" else 0,
        code_bytes={"ivf-sq8": dimension, "ivf-pq": _pq_bytes(dimension)}.get(kind, 0),
    )


def _chosen(count: int, dimension: int, memory_bytes: int, target_recall: float) -> tuple[Kind, str]:
    size = f"{count:,} vectors of {dimension} dimensions"
    if target_recall == 1:
        return "exact", f"exact search over {size}, because a recall of 1 is asked for"
    if count * dimension <= EXACT_NUMBERS:
        return "exact", f"exact search, because over {size} it needs no building and stays within a few milliseconds"
    vectors = 4 * count * dimension + _KEY_BYTES * count
    product, scalar = (_code_bytes(kind, count, dimension) for kind in ("ivf-pq", "ivf-sq8"))
    if vectors + product <= memory_bytes:
        return "ivf-pq", (
            f"inverted lists with product codes and exact re-scoring: {size} and their codes take {_size(vectors + product)} "
            f"of the {_size(memory_bytes)} given"
        )
    if scalar <= memory_bytes:
        return "ivf-sq8", (
            f"inverted lists with 8-bit codes: the codes of {size} take {_size(scalar)} of the {_size(memory_bytes)} given, the vectors "
            f"themselves {_size(vectors)}, so those that are re-scored are read from disk and should be few"
        )
    fits = "fit into" if product <= memory_bytes else "are more than"
    return "ivf-pq", (
        f"inverted lists with product codes, the smallest there are: those of {size} take {_size(product)} and {fits} the "
        f"{_size(memory_bytes)} given; the vectors are read from disk"
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _code_bytes(kind: Kind, count: int, dimension: int) -> int:
    """Bytes that FAISS keeps besides the vectors themselves."""
    if kind == "exact":
        return count * (dimension + _ID_BYTES)
    return count * ((dimension if kind == "ivf-sq8" else _pq_bytes(dimension)) + _ID_BYTES) + 4 * _lists(count) * dimension


def subquantizers(dimension: int) -> int:
    """The number of subquantizers of a product code: one of four bits for every two components, for each one where
    `dimension` is odd.
    """
    return dimension // 2 if dimension % 2 == 0 else dimension


def _pq_bytes(dimension: int) -> int:
    return -(-subquantizers(dimension) // 2)


def _lists(count: int) -> int:
    """About four times the square root, a power of two; enough rows a list to train on."""
    return int(max(1, min(2 ** round(math.log2(4 * math.sqrt(max(1, count)))), count // 39 or 1)))
