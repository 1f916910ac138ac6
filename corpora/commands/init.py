"""The commands `init` and `remove`, and what a person may call a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpora.commands.terminal import emit, opened, with_example, workspace_options
from corpora.errors import RaftsmithError

if TYPE_CHECKING:
    from corpora.store.corpus_store import CorpusStore


@click.command("init", **with_example("raftsmith init my-collection"))
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def init(folder: Path, as_json: bool) -> None:
    """Make a workspace: a folder with a commented raftsmith.toml."""
    from corpora.workspace.workspace import create_workspace

    path = create_workspace(folder)
    emit(
        {"workspace": str(path.parent.resolve()), "config": str(path.resolve())},
        as_json,
        f"{path} written. Next: raftsmith add PATH... --workspace {folder}",
    )


@click.command("remove", **with_example("raftsmith remove contracts/old.pdf"))
@click.argument("names", nargs=-1, required=True)
@workspace_options
def remove(names: tuple[str, ...], workspace: Path | None, as_json: bool) -> None:
    """Take documents out of the collection: by id, file, source or title. The files themselves are left alone.

    What they said stays in `raftsmith versions` until `raftsmith purge`.
    """
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.writer_lock import single_writer
    from corpora.workspace.column_mappings import forget

    place = opened(workspace)
    with single_writer(place.root):
        store = CorpusStore(place.database)
        held = files_of(store, names)
        snapshot = store.commit(removed_paths=held, keep_versions=place.config.ingest.keep_versions) if held else store.snapshot
        forget(place.root, held)
    value = {"removed": [path for path, _ in held], "snapshot": snapshot}
    emit(value, as_json, "\n".join([*(f"removed {path}" for path, _ in held), f"snapshot {snapshot}"]))


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
