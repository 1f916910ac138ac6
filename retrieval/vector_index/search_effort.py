"""How hard an approximate index looks, and how much harder for more results or under a filter. Pure arithmetic; knows no index."""

from __future__ import annotations

from dataclasses import dataclass

from retrieval.vector_index.index_plan import Kind
from retrieval.vector_index.recall import NEAREST

_WIDER = 0.3
"""Lists to probe grow with this power of results wanted and of 1 / share allowed (measured, 100,000 vectors; see DECISIONS.md)."""
_FILTER_DEPTH = 100
"""So many proposals under a filter: fewer than that found says that what is allowed lies where the search did not go."""
_LUCK = 1.5
_FIXED = 0.4
"""The part of a search that does not grow with the breadth."""


@dataclass(frozen=True)
class SearchEffort:
    """`breadth` is HNSW's efSearch or the lists probed, `depth` how many proposals are scored exactly. Steered for the ten best."""

    breadth: int
    depth: int

    def wanted(self, kind: Kind, k: int, share: float = 1.0) -> SearchEffort:
        """The effort that keeps the recall for `k` results out of the `share` of rows that a filter leaves.

        Of a graph's nearest nodes the allowed ones are kept, so it has to find `k / share` of them, and half as many again for luck. Lists
        are searched for allowed rows only, but those lie further out.
        """
        breadth, depth = float(self.breadth), self.depth + 2 * max(0, k - NEAREST)
        if kind == "hnsw":
            breadth = max(breadth, depth)
            breadth += max(0, k - NEAREST) if share == 1 else _LUCK * max(k, NEAREST) / share
        else:
            breadth *= max(1.0, k / NEAREST / share) ** _WIDER
        return SearchEffort(int(breadth), max(depth, _FILTER_DEPTH) if share < 1 else depth)

    def slower(self, base: SearchEffort) -> float:
        """How many times longer a search takes than one at `base`, about."""
        return _FIXED + (1 - _FIXED) * self.breadth / max(1, base.breadth)
