"""The split that a document belongs to.

Its cluster of near-duplicates has a position in 0–1 that is given once and kept. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

SPLITS = ("train", "validation", "test")
_PLASTIC = 1.324717957244746


@dataclass(frozen=True, config={"extra": "forbid"})
class SplitOptions:
    """Shares of documents, 0–1, and the seed of every draw.

    The part of the table [generate] that other commands than `generate` read too.
    """

    SECTION: ClassVar[str] = "generate"
    PARTIAL: ClassVar[bool] = True

    validation_fraction: float = Field(default=0.1, ge=0, lt=1, description="Share of documents for validation.")
    test_fraction: float = Field(default=0.2, ge=0, lt=1, description="Share of documents held out for evaluation.")
    seed: int = Field(default=0, ge=0, description="Every draw is seeded from this and the item's id.")

    def __post_init__(self) -> None:
        """Raises ValueError when nothing is left to train on."""
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("validation_fraction + test_fraction must leave something to train on (be under 1)")


def split_at(position: float, validation_fraction: float = 0.1, test_fraction: float = 0.2) -> str:
    """The split of a position in 0–1: "train", "validation" or "test".

    The test share comes first, then validation. Fractions are in 0–1.
    """
    if position < test_fraction:
        return "test"
    return "validation" if position < test_fraction + validation_fraction else "train"


def stratified_position(stratum: int, number: int) -> float:
    """The position, in 0–1, of cluster number `number` of stratum number `stratum`, both from 0.

    Fixed irrational steps, one for the stratum and one within it: however many came so far, they lie evenly in every
    stratum and over all of them, so that each has its share of every split and a handful of documents has a test
    document too (the two-dimensional additive recurrence of the plastic number, Roberts 2018, added up).
    """
    return (0.5 + stratum / _PLASTIC + number / _PLASTIC**2) % 1.0


def hashed_position(name: str) -> float:
    """A position in 0–1 by a hash of `name` alone.

    Even on average, and not within a small group.
    """
    return int.from_bytes(hashlib.sha256(f"split:{name}".encode()).digest()[:8], "big") / 2**64


def joined_positions(positions: Iterable[float]) -> float:
    """The position of clusters that turn out to be one: that of the one nearest to training.

    What a model may have been trained on must not become a test document; the other way round costs a test document.
    """
    return max(positions)


def splits_of(
    placed: Mapping[str, tuple[str, float]],
    links: Iterable[Iterable[str]] = (),
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
) -> dict[str, str]:
    """Document id → split, of documents with their `(cluster, position)`; documents of one link share a split."""
    cluster_of = merged_clusters({document: cluster for document, (cluster, _) in placed.items()}, links)
    positions: dict[str, list[float]] = {}
    for document, cluster in cluster_of.items():
        positions.setdefault(cluster, []).append(placed[document][1])
    split = {
        cluster: split_at(joined_positions(cluster_positions), validation_fraction, test_fraction)
        for cluster, cluster_positions in positions.items()
    }
    return {document: split[cluster] for document, cluster in cluster_of.items()}


def merged_clusters(cluster_of: Mapping[str, str], links: Iterable[Iterable[str]]) -> dict[str, str]:
    """Document id → cluster after joining the clusters of documents that one question needs together.

    Without this, a question over two documents could train on one of them and test on the other. The name of a joined
    cluster is its smallest member, so the result does not depend on the order of `links`.
    """
    parent = {cluster: cluster for cluster in cluster_of.values()}

    def root(cluster: str) -> str:
        while parent[cluster] != cluster:
            cluster = parent[cluster]
        return cluster

    for linked in links:
        roots = sorted({root(cluster_of[document]) for document in linked if document in cluster_of})
        for joined in roots[1:]:
            parent[joined] = roots[0]
    return {document: root(cluster) for document, cluster in cluster_of.items()}
