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
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.writer_lock import single_writer

    if everybody and readers:
        raise click.UsageError("give --reader NAME..., or --everybody, not both")
    workspace = opened(workspace_folder)
    if not (everybody or readers):
        store = CorpusStore(workspace.database)
        files = _sharing_files(store, names) if names else set(store.files())
        emit_rights(store, files, as_json)
        return
    if not names:
        raise click.UsageError("name the documents whose rights are to be set; `raftsmith documents` lists them")
    with single_writer(workspace.root):
        store = CorpusStore(workspace.database)
        files = _sharing_files(store, names)
        set_readers(store, files, readers)
    emit_rights(store, files, as_json)


def set_readers(store: CorpusStore, files: set[tuple[str, str]], readers: tuple[str, ...]) -> int:
    """Set who may read what `files` hold, (path, collection), and give the snapshot.

    With `readers` nobody else may; without any, everybody may.
    """
    from dataclasses import replace

    from corpora.store.source_attributes import SourceAttributes, reader_names

    names = reader_names(readers)
    attributes = {collection: store.given(collection) for _, collection in files}
    changes = [
        (path, own_collection, replace(attributes[own_collection].get(path, SourceAttributes()), readers=names))
        for path, own_collection in sorted(files)
    ]
    return store.commit(readers=changes)


def _sharing_files(store: CorpusStore, names: tuple[str, ...]) -> set[tuple[str, str]]:
    """The files of the documents called `names`, and every file that shares a document with one of them."""
    from corpora.commands.document_names import files_of

    files, grown = set(files_of(store, names)), True
    while grown:
        documents = {
            entry["document_id"] for entry in store.overview() if not files.isdisjoint(store.files_of(entry["document_id"]))
        }
        wider = files.union(*(store.files_of(document) for document in documents))
        files, grown = wider, wider != files
    return files


def emit_rights(store: CorpusStore, files: set[tuple[str, str]], as_json: bool) -> None:
    """Print who may read each document of `files`, (path, collection)."""
    entries = [e for e in store.overview() if not files.isdisjoint(store.files_of(e["document_id"]))]
    if files and not entries:
        raise RaftsmithError("these files hold no document; `raftsmith documents --failed` says why")
    lines = [f"{e['document_id'][:8]}  {', '.join(e['readers']) or 'everybody'}  ({e['source']})" for e in entries]
    rows = [{key: e[key] for key in ("document_id", "source", "collection", "readers")} for e in entries]
    emit({"documents": rows, "snapshot": store.snapshot}, as_json, "\n".join(lines) or "no documents")
