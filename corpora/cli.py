"""The commands of corpora: `init`, `documents`, `remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.errors import RaftsmithError
from corpora.terminal import emit, opened, with_example, workspace_options

if TYPE_CHECKING:
    from corpora.records import Document
    from corpora.store import CorpusStore


@click.command("init", **with_example("raftsmith init my-collection"))
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def init(folder: Path, as_json: bool) -> None:
    """Make a workspace: a folder with a commented raftsmith.toml."""
    from corpora.workspace import create_workspace

    path = create_workspace(folder)
    emit(
        {"workspace": str(path.parent.resolve()), "config": str(path.resolve())},
        as_json,
        f"{path} written. Next: raftsmith add PATH... --workspace {folder}",
    )


@click.command("documents", **with_example("raftsmith documents --collection legal"))
@click.argument("name", required=False)
@click.option("--collection", help="Only this collection.")
@click.option("--failed", is_flag=True, help="List the files that could not be read, with the reason.")
@click.option(
    "--quote", help="Where this text stands in the document: offsets, section, paragraph, page, boxes on a PDF's page."
)
@workspace_options
def documents(
    name: str | None, collection: str | None, failed: bool, quote: str | None, workspace: Path | None, as_json: bool
) -> None:
    """List the documents, or show one: give its id, file, source or title."""
    from dataclasses import asdict

    from corpora.mappings import read_mappings
    from corpora.store import CorpusStore

    place = opened(workspace)
    store = CorpusStore(place.database)
    if failed:
        rows = [
            {"path": path, "collection": of, "reason": reason}
            for path, of, reason in store.failures()
            if collection in (None, of)
        ]
        lines = [f"{row['path']}: {row['reason']}" for row in rows]
        emit({"failed": rows}, as_json, "\n".join([*lines, "`raftsmith add --retry` reads them again"] if rows else ["none"]))
    elif name is None:
        entries = store.overview(collection)
        lines = [f"{e['document_id'][:8]}  {e['title']}  ({e['source']}, {_indexed(e)})" for e in entries]
        total = f"{len(entries)} documents, {len(store.failures())} files that could not be read (--failed)"
        mappings = [
            {"file": file, "collection": of, "mapping": asdict(mapping)}
            for (of, file), mapping in read_mappings(place.root).items()
            if collection in (None, of)
        ]
        value = {"documents": entries, "mappings": mappings, "snapshot": store.snapshot}
        emit(value, as_json, "\n".join([*lines, total]))
    elif quote is not None:
        value = _placed(store, _the_document(store, name), quote)
        emit(value, as_json, "\n".join(f"{key}: {item}" for key, item in value.items()))
    else:
        value = _shown(store, _the_document(store, name))
        emit(value, as_json, _as_text(value))


def _indexed(entry: dict[str, Any]) -> str:
    if entry["duplicate_of"]:
        return f"{entry['similarity']:.0%} like {entry['duplicate_of'][:8]}, not indexed again"
    return f"{entry['chunks']} chunks"


def _the_document(store: CorpusStore, name: str) -> Document:
    found = store.find_documents(name) or store.find_documents(str(Path(name).resolve()))
    if len(found) != 1:
        several = ", ".join(f"{document.id} ({document.source})" for document in found[:5])
        raise RaftsmithError(
            f"{len(found)} documents are called {name!r}: {several}; give one of these ids"
            if found
            else f"no document is called {name!r}; `raftsmith documents` lists them"
        )
    return found[0]


def _placed(store: CorpusStore, document: Document, quote: str) -> dict[str, Any]:
    """Where `quote` stands. Boxes are read from the PDF itself, while it is where it was and as it was."""
    from dataclasses import asdict

    from corpora.files import sha256_file
    from corpora.readers.pdf_places import quote_rectangles

    start = document.text.find(quote)
    chunk = next((c for c in store.chunks(document.id) if start >= 0 and c.start <= start < c.end), None)
    if chunk is None:
        raise RaftsmithError(
            f"{quote!r} does not stand in {document.title} word for word; copy it from an answer or from `documents`"
        )
    path, boxes = Path(document.source), []
    known = store.source_digests(document.collection).get(document.source, ("", ""))[0]
    if document.media_type == "application/pdf" and chunk.page and path.is_file() and sha256_file(path) == known:
        boxes = [asdict(box) for box in quote_rectangles(path.read_bytes(), quote, chunk.page)]
    return {
        "document_id": document.id,
        "source": document.source,
        "start": start,
        "end": start + len(quote),
        "section": chunk.section,
        "paragraph": chunk.paragraph,
        "page": chunk.page,
        "rectangles": boxes,
    }


def _shown(store: CorpusStore, document: Document) -> dict[str, Any]:
    chunks = store.chunks(document.id)
    return {
        "document_id": document.id,
        "title": document.title,
        "collection": document.collection,
        "media_type": document.media_type,
        "sources": store.sources(document.id),
        "metadata": dict(document.metadata),
        "chunks": [
            {key: getattr(chunk, key) for key in ("id", "section", "page", "paragraph", "start", "end")} for chunk in chunks
        ],
        "text": document.text,
    }


def _as_text(value: dict[str, Any]) -> str:
    facts = [f"{value['title']}  ({value['media_type']}, collection {value['collection']}, id {value['document_id']})"]
    facts += [f"source: {source}" for source in value["sources"]]
    facts += [f"{key}: {item}" for key, item in value["metadata"].items()]
    return "\n".join([*facts, f"{len(value['chunks'])} chunks", "", value["text"]])


@click.command("remove", **with_example("raftsmith remove contracts/old.pdf"))
@click.argument("names", nargs=-1, required=True)
@workspace_options
def remove(names: tuple[str, ...], workspace: Path | None, as_json: bool) -> None:
    """Take documents out of the collection: by id, file, source or title. The files themselves are left alone."""
    from corpora.mappings import forget
    from corpora.store import CorpusStore, single_writer

    place = opened(workspace)
    with single_writer(place.root):
        store = CorpusStore(place.database)
        held = files_of(store, names)
        snapshot = store.commit(removed_paths=held) if held else store.snapshot
        forget(place.root, held)
    value = {"removed": [path for path, _ in held], "snapshot": snapshot}
    emit(value, as_json, "\n".join([*(f"removed {path}" for path, _ in held), f"snapshot {snapshot}"]))


def files_of(store: CorpusStore, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """`(file, collection)` of every file that the documents called `names` were read from. Raises RaftsmithError for a stranger.

    A name may also be a path as a person types it, relative to the current folder.
    """
    every = store.files()
    held: dict[tuple[str, str], None] = {}
    for name in names:
        path = str(Path(name).resolve())
        mine = [(file, of) for file, of in every if file in (name, path)]
        for document in store.find_documents(name):
            mine += store.files_of(document.id)
        if not mine:
            raise RaftsmithError(f"no document is called {name!r}; `raftsmith documents` lists them; nothing was removed")
        held.update(dict.fromkeys(mine))
    return list(held)
