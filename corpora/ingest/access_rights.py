"""Who may read which documents: set for files, as a file's rights hold for all of its documents and for its next versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corpora.ingest.removal import files_of
from corpora.store.corpus_store import CorpusStore
from corpora.store.source_attributes import SourceAttributes, reader_names
from corpora.store.writer_lock import single_writer
from corpora.workspace.workspace import Workspace


def change_readers(workspace: Workspace, names: Sequence[str], readers: Sequence[str]) -> set[tuple[str, str]]:
    """Set who may read the documents called `names`, and give the files, (path, collection), that it holds for.

    With `readers` nobody else may; without any, everybody may. Raises RaftsmithError for a name that no document has, and StoreBusy.
    """
    with single_writer(workspace.root):
        store = CorpusStore(workspace.database)
        files = sharing_files(store, names)
        set_readers(store, files, readers)
        store.close()
    return files


def set_readers(store: CorpusStore, files: set[tuple[str, str]], readers: Sequence[str]) -> int:
    """Set who may read what `files` hold, (path, collection), and give the snapshot. The caller holds the writer lock."""
    names = reader_names(readers)
    attributes = {collection: store.given(collection) for _, collection in files}
    changes = [
        (path, collection, replace(attributes[collection].get(path, SourceAttributes()), readers=names))
        for path, collection in sorted(files)
    ]
    return store.commit(readers=changes)


def sharing_files(store: CorpusStore, names: Sequence[str]) -> set[tuple[str, str]]:
    """The files of the documents called `names`, and every file that shares a document with one of them."""
    files, grown = set(files_of(store, names)), True
    while grown:
        documents = {
            entry["document_id"] for entry in store.overview() if not files.isdisjoint(store.files_of(entry["document_id"]))
        }
        wider = files.union(*(store.files_of(document) for document in documents))
        files, grown = wider, wider != files
    return files
