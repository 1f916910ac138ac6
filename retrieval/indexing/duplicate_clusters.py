"""Near-duplicates among documents being added: the cluster of each, and whether it is indexed itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from corpora.store.changes import NewDocument
from corpora.store.corpus_store import CorpusStore
from corpora.text.near_duplicates import THRESHOLD, DuplicateIndex, from_signatures, signature


@dataclass(frozen=True)
class Similarities:
    """The similarities, in 0–1, from which documents share a cluster, and from which one is not indexed again.

    See `corpora.text.near_duplicates`. The second is next to 1 on purpose: two contracts that differ in one sum are
    near-duplicates and yet say different things.
    """

    cluster: float = THRESHOLD
    skip: float = 0.9999


@dataclass(frozen=True)
class _Standing:
    """What matters of a document here: its cluster, whether it is indexed, and who may read it."""

    cluster: str
    indexed: bool
    readers: tuple[str, ...]


class DuplicateClusters:
    """The near-duplicate clusters of a collection, with the documents that are added but not committed yet."""

    def __init__(self, store: CorpusStore, collection: str, similarities: Similarities) -> None:
        """Reads the stored signatures of the collection."""
        self._store, self._collection, self._similarities = store, collection, similarities
        self._placed: dict[str, tuple[_Standing, str]] = {}  # id → standing, text; what is not in the store yet
        signatures = store.signatures(collection)
        self._index: DuplicateIndex = from_signatures(signatures, self._text, min(similarities.cluster, similarities.skip))

    def placed(self, new: NewDocument) -> NewDocument:
        """`new` with its signature and cluster; without chunks, and with `duplicate_of`, where an indexed document says
        the same.

        The first document of a cluster names it. What only this document's own file held before does not count: it
        goes.
        """
        document = new.document
        going = self._store.held_by(new.file, self._collection) | {document.id}
        alike = [(other_id, similarity) for other_id, similarity in self._index.similar(document.text) if other_id not in going]
        standing = {other_id: self._standing(other_id) for other_id, _ in alike}
        clusters = [standing[other_id].cluster for other_id, similarity in alike if similarity >= self._similarities.cluster]
        duplicate = next(
            (
                (other_id, similarity)
                for other_id, similarity in alike
                if similarity >= self._similarities.skip
                and standing[other_id].indexed
                # Nobody reads a text through a copy that is closed to them.
                and standing[other_id].readers == document.readers
            ),
            None,
        )
        cluster = clusters[0] if clusters else document.id
        merged = tuple(dict.fromkeys(other for other in clusters if other != cluster))
        for other_id, (placed_standing, text) in self._placed.items():
            if placed_standing.cluster in merged:
                self._placed[other_id] = (replace(placed_standing, cluster=cluster), text)
        new = replace(new, document=replace(document, cluster=cluster), signature=signature(document.text), merged=merged)
        if duplicate:
            new = replace(new, chunks=(), duplicate_of=duplicate[0], similarity=round(duplicate[1], 4))
        self._placed[document.id] = (_Standing(cluster, duplicate is None, document.readers), document.text)
        self._index.add(document.id, document.text)
        return new

    def _standing(self, document_id: str) -> _Standing:
        placed = self._placed.get(document_id)
        return placed[0] if placed else _Standing(*self._store.standing(document_id))

    def _text(self, document_id: str) -> str:
        if document_id in self._placed:
            return self._placed[document_id][1]
        document = self._store.document(document_id)
        return document.text if document else ""
