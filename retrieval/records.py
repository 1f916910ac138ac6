"""The records of retrieval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from corpora.records import Chunk


@dataclass(frozen=True)
class Hit:
    """A chunk found for a query: `rank` counts from 1; `score` is comparable only within one answer."""

    rank: int
    score: float
    chunk: Chunk


@dataclass(frozen=True)
class SearchResult:
    """The hits of one query, all from one snapshot of the store.

    `rankings` are the best of what was fused: "dense" and "lexical", each as (chunk id, score), best first. Dense scores are
    cosines, lexical ones BM25, higher is better.
    """

    hits: tuple[Hit, ...]
    snapshot: int
    rankings: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
