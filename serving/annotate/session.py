"""The session of one annotation page: the collection, the annotations of one set, and perhaps a dataset to review."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora.records import Chunk, Document
from corpora.store.corpus_store import CorpusStore
from raft.examples.dataset import RaftDataset
from raft.examples.reviews import FILE, as_lines, write_reviews
from raft.records import RaftExample
from serving.annotate.store import AnnotationStore
from serving.http.errors import ApiError

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace

LISTED_PASSAGES = 200
FOUND_PASSAGES = 5_000
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class AnnotationSession:
    """The collection, annotation set and dataset that one page works on.

    `collection` None is all of them; `dataset`, with its folder, None when there is none to review.
    """

    store: CorpusStore
    annotations: AnnotationStore
    set_name: str
    collection: str | None = None
    dataset: RaftDataset | None = None
    dataset_folder: Path | None = None
    _listed: dict[int, list[dict[str, Any]]] = field(default_factory=dict, repr=False, compare=False)

    def overview(self) -> list[dict[str, Any]]:
        """The documents without their texts, as `CorpusStore.overview` gives them; listed once a snapshot."""
        snapshot = self.store.snapshot
        if snapshot not in self._listed:
            self._listed.clear()
            self._listed[snapshot] = self.store.overview(self.collection)
        return self._listed[snapshot]

    def search(self, query: str) -> list[dict[str, Any]]:
        """The entries of `overview` that match `query`, best first; all of them for an empty query.

        First those whose title or file has `query` in it, then those with one of the best 200 passages that have all
        its words.
        """
        entries = self.overview()
        if not query.strip():
            return entries
        folded_query = query.strip().casefold()
        by_name = [entry for entry in entries if folded_query in f"{entry['title']}\n{Path(entry['source']).name}".casefold()]
        ids = self._passages(query, LISTED_PASSAGES)
        chunks = self.store.chunks_by_id(ids)
        by_id = {entry["document_id"]: entry for entry in entries}
        saying = [by_id[chunks[name].document_id] for name in ids if name in chunks and chunks[name].document_id in by_id]
        return list({entry["document_id"]: entry for entry in (*by_name, *saying)}.values())

    def matching_chunks(self, query: str, chunks: list[Chunk]) -> list[Chunk]:
        """Those of `chunks` that have all words of `query`; word forms count as one, as in search."""
        ids = set(self._passages(query, FOUND_PASSAGES))
        return [chunk for chunk in chunks if chunk.id in ids]

    def _passages(self, query: str, limit: int) -> list[str]:
        words = _WORD.findall(query)
        return self.store.chunks_with(words, limit) if words else []

    @cached_property
    def examples(self) -> dict[str, RaftExample]:
        """The examples of the dataset by id, in its order."""
        return {example.id: example for example in self.dataset.examples} if self.dataset else {}

    def document(self, document_id: str) -> Document:
        """A document that may be annotated here. Raises ApiError 404."""
        document = self.store.document(document_id)
        if document is None or self.collection not in (None, document.collection):
            raise ApiError(404, "no such document here; GET /api/documents lists those there are", code="not_found")
        return document

    def example(self, example_id: str) -> tuple[str, RaftExample]:
        """`(name of the dataset, example)`. Raises ApiError 404."""
        if self.dataset is None:
            raise ApiError(404, "no dataset is open; start with --dataset NAME to review one", code="not_found")
        if example_id not in self.examples:
            raise ApiError(404, "no such example; GET /api/examples lists those there are", code="not_found")
        return self.dataset.name, self.examples[example_id]

    def passage_chunks(self, example: RaftExample) -> list[Chunk]:
        """The passages of an example as the store has them; one that was cut anew since is left out."""
        chunks = self.store.chunks_by_id([passage.chunk_id for passage in example.passages])
        return [chunks[p.chunk_id] for p in example.passages if p.chunk_id in chunks and chunks[p.chunk_id].text == p.text]

    def unwritten(self) -> bool:
        """True when the reviews in the dataset's folder differ from those in the store."""
        if self.dataset is None or self.dataset_folder is None:
            return False
        path = self.dataset_folder / FILE
        reviews = self.annotations.reviews(self.dataset.name)
        return (path.read_bytes() if path.exists() else b"") != as_lines(reviews)

    def write_reviews(self) -> int:
        """Write the reviews into the dataset's folder and give their number; 0 without a dataset. Raises OSError."""
        if self.dataset is None or self.dataset_folder is None:
            return 0
        reviews = self.annotations.reviews(self.dataset.name)
        write_reviews(self.dataset_folder, reviews)
        return len(reviews)


def open_session(workspace: Workspace, set_name: str, collection: str | None, dataset: str | None) -> AnnotationSession:
    """The session for a set of the workspace. Raises RaftsmithError for a dataset or collection that is not there."""
    from corpora.errors import AnnotationError
    from corpora.store.corpus_store import CorpusStore
    from raft.examples.dataset import read_dataset
    from serving.annotate.store import AnnotationStore

    folder = workspace.dataset(dataset) if dataset else None
    opened_dataset = read_dataset(folder) if folder else None
    store = CorpusStore(workspace.database)
    collections = sorted({entry["collection"] for entry in store.overview()})
    if not collections or collection not in (None, *collections):
        store.close()
        hint = (
            f"collections here: {', '.join(collections)}"
            if collections
            else "the workspace has no documents; run `raftsmith add` first"
        )
        raise AnnotationError(f"there is no collection {collection!r}; {hint}" if collection else hint)
    annotations = AnnotationStore(workspace.annotations, store.document)
    return AnnotationSession(store, annotations, set_name, collection, opened_dataset, folder)
