"""What a person may call a document: id, file, source or title."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from corpora.errors import RaftsmithError

if TYPE_CHECKING:
    from corpora.store.corpus_store import CorpusStore


def files_of(store: CorpusStore, names: tuple[str, ...], history: bool = False) -> list[tuple[str, str]]:
    """`(file, collection)` of every file that the documents called `names` were read from.

    Raises RaftsmithError for a name that no document has.

    A name may also be a path as a person types it, relative to the current folder. With `history` also that of a file
    which was removed, while its versions are known.
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
