"""Strata of a collection for splitting: topics found as documents arrive, so that each has its share of every split.

A document joins the topic whose direction its vector is nearest to, or begins one. The order of arrival matters, and
what is decided stays: a later document never moves an earlier one. `retrieval.inspection.topics` finds better topics of
what is there, for people.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpora.store.changes import TopicSum
from retrieval.encoders.encoder import Vectors

NEAR = 0.45
MOST_TOPICS = 24


class Strata:
    """The topics of one collection, by which its documents are split."""

    def __init__(self, collection: str, encoder: str, topics: Sequence[TopicSum]) -> None:
        """`topics` are those that the store has, ordered by number."""
        self._collection, self._encoder = collection, encoder
        self._totals = [np.frombuffer(topic.total, dtype=np.float32).copy() for topic in topics]
        self._changed: set[int] = set()

    def stratum(self, vectors: Vectors) -> str:
        """The name of the stratum of a document with these chunk vectors, float32 `(n, dimension)`; without any, the
        collection's own.
        """
        total = vectors.sum(axis=0)
        norm = float(np.linalg.norm(total))
        if not len(vectors) or not norm:
            return self._collection
        direction = (total / norm).astype(np.float32)
        near = [float(direction @ topic) / float(np.linalg.norm(topic)) for topic in self._totals]
        best = int(np.argmax(near)) if near else -1
        if best < 0 or (near[best] < NEAR and len(self._totals) < MOST_TOPICS):
            best = len(self._totals)
            self._totals.append(np.zeros_like(direction))
        self._totals[best] += direction
        self._changed.add(best)
        return f"{self._collection}/{best}"

    def changed(self) -> list[TopicSum]:
        """The topics that documents joined since the last call: what a commit has to keep."""
        numbers, self._changed = sorted(self._changed), set()
        return [TopicSum(self._collection, self._encoder, n, self._totals[n].tobytes()) for n in numbers]
