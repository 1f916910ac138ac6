"""Which split a document belongs to: a pure function of its cluster, so it never changes when documents are added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

SPLITS = ("train", "validation", "test")


def split_of(cluster: str, validation_fraction: float = 0.1, test_fraction: float = 0.2) -> str:
    """ "train", "validation" or "test", by a hash of `cluster` read as a number in 0–1. Fractions are in 0–1."""
    position = int.from_bytes(hashlib.sha256(f"split:{cluster}".encode()).digest()[:8], "big") / 2**64
    if position < test_fraction:
        return "test"
    return "validation" if position < test_fraction + validation_fraction else "train"


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
        for other in roots[1:]:
            parent[other] = roots[0]
    return {document: root(cluster) for document, cluster in cluster_of.items()}
