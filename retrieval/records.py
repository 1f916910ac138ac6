"""The records of retrieval."""

from __future__ import annotations

from dataclasses import dataclass

from corpora.records import Chunk


@dataclass(frozen=True)
class Hit:
    """A chunk found for a query: `rank` counts from 1; `score` is comparable only within one answer."""

    rank: int
    score: float
    chunk: Chunk


@dataclass(frozen=True)
class SearchResult:
    """The hits of one query, all from one snapshot of the store."""

    hits: tuple[Hit, ...]
    snapshot: int
