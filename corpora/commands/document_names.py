"""What a person may call a document: id, file, source or title."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from corpora.errors import RaftsmithError

if TYPE_CHECKING:
    from corpora.store.corpus_store import CorpusStore


def files_of(store: CorpusStore, names: tuple[str, ...], history: bool = False) -> list[tuple[str, str]]:
    """`(file, collection)` of every file that the documents called `names` were read from. Raises RaftsmithError for a stranger.

    A name may also be a path as a person types it, relative to the current folder. With `history` also that of a file which was
    removed, while its versions are known.
    """
    every = store.files()
    held: dict[tuple[str, str], None] = {}
    for name in names:
        path = str(Path(name).resolve())
        mine = [(file, of) for file, of in every if file in (name, path)]
        for document in store.find_documents(name):
            mine += store.files_of(document.id)
        if history:
            mine += store.files_in_history(name) or store.files_in_history(path)
        if not mine:
            raise RaftsmithError(f"no document is called {name!r}; `raftsmith documents` lists them; nothing was changed")
        held.update(dict.fromkeys(mine))
    return list(held)
