"""The command `rights`: who may read which documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpora.commands.terminal import emit, opened, with_example, workspace_options
from corpora.errors import RaftsmithError

if TYPE_CHECKING:
    from corpora.store.corpus_store import CorpusStore


@click.command("rights", **with_example("raftsmith rights contracts/lease.pdf --reader alice --reader group:property"))
@click.argument("names", nargs=-1)
@click.option("--reader", "readers", multiple=True, metavar="NAME", help="Who may read them, and nobody else; may be repeated.")
@click.option("--everybody", is_flag=True, help="Everybody may read them.")
@workspace_options
def rights(
    names: tuple[str, ...], readers: tuple[str, ...], everybody: bool, workspace_folder: Path | None, as_json: bool
) -> None:
    """Show or set who may read documents: give their ids, files, sources or titles.

    Readers are names of people or groups, as whoever asks is called: `search --reader NAME`. A file's rights hold for
    all of its documents, for its next versions, and from the next search on.
    """
    from corpora.ingest.access_rights import change_readers, sharing_files
    from corpora.store.corpus_store import CorpusStore

    if everybody and readers:
        raise click.UsageError("give --reader NAME..., or --everybody, not both")
    workspace = opened(workspace_folder)
    changing = everybody or bool(readers)
    if changing and not names:
        raise click.UsageError("name the documents whose rights are to be set; `raftsmith documents` lists them")
    changed = change_readers(workspace, names, readers) if changing else None
    store = CorpusStore(workspace.database)
    emit_rights(store, changed or (sharing_files(store, names) if names else set(store.files())), as_json)


def emit_rights(store: CorpusStore, files: set[tuple[str, str]], as_json: bool) -> None:
    """Print who may read each document of `files`, (path, collection)."""
    entries = [e for e in store.overview() if not files.isdisjoint(store.files_of(e["document_id"]))]
    if files and not entries:
        raise RaftsmithError("these files hold no document; `raftsmith documents --failed` says why")
    lines = [f"{e['document_id'][:8]}  {', '.join(e['readers']) or 'everybody'}  ({e['source']})" for e in entries]
    rows = [{key: e[key] for key in ("document_id", "source", "collection", "readers")} for e in entries]
    emit({"documents": rows, "snapshot": store.snapshot}, as_json, "\n".join(lines) or "no documents")
