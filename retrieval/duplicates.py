"""Near-duplicates on the way into the store: which cluster a document belongs to, and whether it needs an index of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpora.duplicates import THRESHOLD, DuplicateIndex, find_duplicates, from_signatures, signature
from corpora.records import Document
from corpora.splits import merged_clusters
from corpora.store import CorpusStore, NewDocument


@dataclass(frozen=True)
class Similarities:
    """From which similarity on (see `corpora.duplicates`), in 0–1, documents share a cluster, and are not indexed a second time.

    The second is next to 1 on purpose: two contracts that differ in one sum are near-duplicates and yet say different things.
    """

    cluster: float = THRESHOLD
    skip: float = 0.9999


def clusters_of(documents: Sequence[Document], threshold: float) -> dict[str, str]:
    """Document id → cluster, with clusters joined where their texts are at least `threshold` (0–1) alike.

    On the way into the store a document is compared within its collection only, and with the threshold of that day. This is
    the check afterwards: a name that stands for two splits is a leak.
    """
    found = find_duplicates({document.id: document.text for document in documents}, threshold)
    links = [[cluster.canonical, *(member.id for member in cluster.members)] for cluster in found]
    return merged_clusters({document.id: document.cluster for document in documents}, links)


class Twins:
    """The documents of a collection, as near-duplicates are looked for among them. Sees what is placed before it is committed."""

    def __init__(self, store: CorpusStore, collection: str, similarities: Similarities) -> None:
        """Reads the stored signatures of the collection."""
        self._store, self._collection, self._similarities = store, collection, similarities
        self._placed: dict[str, tuple[str, bool, str]] = {}  # id → cluster, indexed, text; what is not in the store yet
        signatures = store.signatures(collection)
        self._index: DuplicateIndex = from_signatures(signatures, self._text, min(similarities.cluster, similarities.skip))

    def placed(self, new: NewDocument) -> NewDocument:
        """`new` with its signature and cluster; without chunks, and naming its twin, where an indexed document says the same.

        The first document of a cluster names it. What only this document's own file held before does not count: it goes.
        """
        document = new.document
        going = self._store.held_by(new.file, self._collection) | {document.id}
        alike = [(other, similarity) for other, similarity in self._index.similar(document.text) if other not in going]
        clusters = [self._standing(other)[0] for other, similarity in alike if similarity >= self._similarities.cluster]
        twin = next((pair for pair in alike if pair[1] >= self._similarities.skip and self._standing(pair[0])[1]), None)
        cluster = clusters[0] if clusters else document.id
        merged = tuple(dict.fromkeys(other for other in clusters if other != cluster))
        for other in [name for name, (of, _, _) in self._placed.items() if of in merged]:
            self._placed[other] = (cluster, *self._placed[other][1:])
        new = replace(new, document=replace(document, cluster=cluster), signature=signature(document.text), merged=merged)
        if twin:
            new = replace(new, chunks=(), duplicate_of=twin[0], similarity=round(twin[1], 4))
        self._placed[document.id] = (cluster, twin is None, document.text)
        self._index.add(document.id, document.text)
        return new

    def _standing(self, document_id: str) -> tuple[str, bool]:
        if document_id in self._placed:
            cluster, indexed, _ = self._placed[document_id]
            return cluster, indexed
        return self._store.standing(document_id)

    def _text(self, document_id: str) -> str:
        if document_id in self._placed:
            return self._placed[document_id][2]
        document = self._store.document(document_id)
        return document.text if document else ""
