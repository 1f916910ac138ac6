"""The records of retrieval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corpora.records import Chunk


@dataclass(frozen=True)
class Hit:
    """A chunk found for a query: `rank` counts from 1; `score` is comparable only within one answer.

    `alike` are ids of chunks that were left out because they say the same. Where neighbouring chunks were joined into
    this one, `parts` are their ids in reading order; else it is empty.
    """

    rank: int
    score: float
    chunk: Chunk
    alike: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """A chunk that was found and is not shown, with the reason."""

    chunk_id: str
    reason: str


@dataclass(frozen=True)
class SearchResult:
    """The hits of one query, all from one snapshot of the store.

    `rankings` are the best of what was fused: "dense" and "lexical", each as (chunk id, score), best first. Dense
    scores are cosines, lexical ones BM25, higher is better. "reranked" is there where a model ordered the hits anew,
    with its scores. `left_out` is what near-duplicates and caps took out above the last hit. `filled` is the share of
    the store's chunks that had a vector, 0–1; the others are in no dense ranking.
    """

    hits: tuple[Hit, ...]
    snapshot: int
    rankings: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    filled: float = 1.0
