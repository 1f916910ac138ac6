"""The search effort of an approximate index, and how it grows with more results or a filter. Pure; knows no index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from retrieval.vector_index.recall import NEAREST

_WIDER = 0.3
"""Lists to probe grow with this power of results asked for and of 1 / share allowed (measured, 100,000 vectors; see
DECISIONS.md).
"""
_RESCORED_UNDER_FILTER = 100
"""So many candidates under a filter: fewer found means that the allowed rows lie where the search did not go."""
_FIXED = 0.4
"""The part of a search that does not grow with the lists probed."""


@dataclass(frozen=True)
class SearchEffort:
    """How much an approximate search looks at: `probes` inverted lists, and `rescored` candidates scored exactly.

    Calibrated for the ten best.
    """

    # Under the names that manifests of published indexes have had since the first one, so that those still open.
    probes: Annotated[int, Field(alias="breadth")]
    rescored: Annotated[int, Field(alias="depth")]

    def scaled(self, k: int, share: float = 1.0) -> SearchEffort:
        """The effort that keeps the recall for `k` results out of the `share` of rows that a filter leaves, in 0–1.

        Lists are searched for allowed rows only, but those lie further out.
        """
        probes = self.probes * max(1.0, k / NEAREST / share) ** _WIDER
        rescored = self.rescored + 2 * max(0, k - NEAREST)
        return SearchEffort(int(probes), max(rescored, _RESCORED_UNDER_FILTER) if share < 1 else rescored)

    def slower(self, base: SearchEffort) -> float:
        """How many times longer a search takes than one at `base`, about."""
        return _FIXED + (1 - _FIXED) * self.probes / max(1, base.probes)
