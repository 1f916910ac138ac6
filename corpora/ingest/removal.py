"""Documents out of a collection: which files the names of a person mean, and their removal. The files themselves are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpora.errors import RaftsmithError
from corpora.ingest.options import IngestOptions
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import single_writer
from corpora.workspace.column_mappings import forget
from corpora.workspace.workspace import Workspace


def remove_documents(workspace: Workspace, names: Sequence[str]) -> tuple[list[str], int]:
    """Take the documents called `names` out, and give the paths of their files and the snapshot.

    What they said stays in the history until a purge. Raises RaftsmithError for a name that no document has, and StoreBusy.
    """
    with single_writer(workspace.root):
        store = CorpusStore(workspace.database)
        files = files_of(store, names)
        keep_versions = workspace.options(IngestOptions).keep_versions
        snapshot = store.commit(removed_paths=files, keep_versions=keep_versions) if files else store.snapshot
        forget(workspace.root, files)
        store.close()
    return [path for path, _ in files], snapshot


def files_of(store: CorpusStore, names: Sequence[str], history: bool = False) -> list[tuple[str, str]]:
    """`(file, collection)` of every file that the documents called `names` were read from.

    A name is an id, a file, a source, a title, or a path as a person types it, relative to the current folder. With `history` also
    that of a file which was removed, while its versions are known. Raises RaftsmithError for a name that no document has.
    """
    all_files = store.files()
    named_files: dict[tuple[str, str], None] = {}
    for name in names:
        path = str(Path(name).resolve())
        matches = [(file, collection) for file, collection in all_files if file in (name, path)]
        for document in store.find_documents(name):
            matches += store.files_of(document.id)
        if history:
            matches += store.files_in_history(name) or store.files_in_history(path)
        if not matches:
            raise RaftsmithError(f"no document is called {name!r}; `raftsmith documents` lists them; nothing was changed")
        named_files.update(dict.fromkeys(matches))
    return list(named_files)
