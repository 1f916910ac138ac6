"""The command `remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpora.commands.document_names import files_of
from corpora.commands.terminal import emit, opened, with_example, workspace_options

if TYPE_CHECKING:
    pass


@click.command("remove", **with_example("raftsmith remove contracts/old.pdf"))
@click.argument("names", nargs=-1, required=True)
@workspace_options
def remove(names: tuple[str, ...], workspace_folder: Path | None, as_json: bool) -> None:
    """Take documents out of the collection: by id, file, source or title. The files themselves are left alone.

    What they said stays in `raftsmith versions` until `raftsmith purge`.
    """
    from corpora.ingest.options import IngestOptions
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.writer_lock import single_writer
    from corpora.workspace.column_mappings import forget

    workspace = opened(workspace_folder)
    with single_writer(workspace.root):
        store = CorpusStore(workspace.database)
        files = files_of(store, names)
        snapshot = (
            store.commit(removed_paths=files, keep_versions=workspace.options(IngestOptions).keep_versions)
            if files
            else store.snapshot
        )
        forget(workspace.root, files)
    value = {"removed": [path for path, _ in files], "snapshot": snapshot}
    emit(value, as_json, "\n".join([*(f"removed {path}" for path, _ in files), f"snapshot {snapshot}"]))
