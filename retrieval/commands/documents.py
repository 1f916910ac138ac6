"""The command `documents`: what is there, what a document says and where a quote of it stands, what could not be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options
from corpora.errors import RaftsmithError

if TYPE_CHECKING:
    from corpora.records import Document
    from corpora.store.corpus_store import CorpusStore


@click.command("documents", **with_example("raftsmith documents --collection legal"))
@click.argument("name", required=False)
@click.option("--collection", help="Only this collection.")
@click.option("--failed", is_flag=True, help="List the files that could not be read, with the reason.")
@click.option("--retry", is_flag=True, help="Read again what could not be read, and list what still cannot.")
@click.option(
    "--quote", help="Where this text stands in the document: offsets, section, paragraph, page, boxes on a PDF's page."
)
@workspace_options
def documents(
    name: str | None,
    collection: str | None,
    failed: bool,
    retry: bool,
    quote: str | None,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """List the documents, or show one: give its id, file, source or title."""
    from dataclasses import asdict

    from corpora.store.corpus_store import CorpusStore
    from corpora.workspace.column_mappings import read_mappings

    workspace = opened(workspace_folder)
    store = CorpusStore(workspace.database)
    if retry:
        from retrieval.indexing.add_paths import add_paths

        waiting = {collection_name for _, collection_name, _ in store.failures()}
        waiting |= {collection_name for _, collection_name in store.files() if store.unfinished(collection_name)}
        for collection_name in sorted(waiting):
            if collection in (None, collection_name):
                add_paths(workspace, (), collection_name, retry=True, say=say, progress=Progress)
    if failed or retry:
        rows = [
            {"path": path, "collection": collection_name, "reason": reason}
            for path, collection_name, reason in store.failures()
            if collection in (None, collection_name)
        ]
        lines = [f"{row['path']}: {row['reason']}" for row in rows]
        emit(
            {"failed": rows},
            as_json,
            "\n".join([*lines, "`raftsmith documents --retry` reads them again"] if rows else ["none"]),
        )
    elif name is None:
        entries = store.overview(collection)
        lines = [f"{e['document_id'][:8]}  {e['title']}  ({e['source']}, {_indexed(e)})" for e in entries]
        total = f"{len(entries)} documents, {len(store.failures())} files that could not be read (--failed)"
        mappings = [
            {"file": file, "collection": collection_name, "mapping": asdict(mapping)}
            for (collection_name, file), mapping in read_mappings(workspace.root).items()
            if collection in (None, collection_name)
        ]
        value = {"documents": entries, "mappings": mappings, "snapshot": store.snapshot}
        emit(value, as_json, "\n".join([*lines, total]))
    elif quote is not None:
        value = _placed(store, _the_document(store, name), quote)
        emit(value, as_json, "\n".join(f"{key}: {item}" for key, item in value.items()))
    else:
        value = _described(store, _the_document(store, name))
        emit(value, as_json, _as_text(value))


def _indexed(entry: dict[str, Any]) -> str:
    if entry["duplicate_of"]:
        return f"{entry['similarity']:.0%} like {entry['duplicate_of'][:8]}, not indexed again"
    return f"{entry['chunks']} chunks"


def _the_document(store: CorpusStore, name: str) -> Document:
    from corpora.store.evidence_location import document_names

    names = document_names(store)
    meant = names.meant(name) or names.meant(str(Path(name).resolve()))
    matches = [document for identity in meant if (document := store.document(identity))]
    if len(matches) != 1:
        several = ", ".join(f"{document.id} ({document.source})" for document in matches[:5])
        raise RaftsmithError(
            f"{len(matches)} documents are called {name!r}: {several}; give one of these ids"
            if matches
            else f"no document is called {name!r}; `raftsmith documents` lists them"
        )
    return matches[0]


def _placed(store: CorpusStore, document: Document, quote: str) -> dict[str, Any]:
    """Where `quote` stands. Boxes are read from the PDF itself, while it is where it was and as it was."""
    from dataclasses import asdict

    from corpora.durable_files import sha256_file
    from corpora.readers.pdf.quote_rectangles import quote_rectangles
    from corpora.store.evidence_location import best_place

    chunks = store.chunks(document.id)
    placement = best_place(quote, document, chunks)
    if placement is None:
        raise RaftsmithError(
            f"{quote!r} does not stand in {document.title} word for word; copy it from an answer or from `documents`"
        )
    if not placement.chunks:
        raise RaftsmithError(
            f"{quote!r} stands in {document.title} at {placement.start} to {placement.end}, but in no passage of the index: "
            + ("it is in a heading, or in a section that is left out" if chunks else "another document says nearly the same")
        )
    chunk = placement.holder or placement.chunks[0]
    path, boxes = Path(document.source), []
    stored_sha256 = store.source_digests(document.collection).get(document.source, ("", ""))[0]
    if document.media_type == "application/pdf" and chunk.page and path.is_file() and sha256_file(path) == stored_sha256:
        boxes = [asdict(box) for box in quote_rectangles(path.read_bytes(), quote, chunk.page)]
    return {
        "document_id": document.id,
        "source": document.source,
        "start": placement.start,
        "end": placement.end,
        "section": chunk.section,
        "paragraph": chunk.paragraph,
        "page": chunk.page,
        "rectangles": boxes,
    }


def _described(store: CorpusStore, document: Document) -> dict[str, Any]:
    chunks = store.chunks(document.id)
    return {
        "document_id": document.id,
        "title": document.title,
        "collection": document.collection,
        "media_type": document.media_type,
        "sources": store.sources(document.id),
        "metadata": dict(document.metadata),
        "readers": list(document.readers),
        "chunks": [
            {key: getattr(chunk, key) for key in ("id", "section", "page", "paragraph", "start", "end")} for chunk in chunks
        ],
        "text": document.text,
    }


def _as_text(value: dict[str, Any]) -> str:
    facts = [f"{value['title']}  ({value['media_type']}, collection {value['collection']}, id {value['document_id']})"]
    facts += [f"source: {source}" for source in value["sources"]]
    facts += [f"{key}: {item}" for key, item in value["metadata"].items()]
    facts += [f"readers: {', '.join(value['readers'])}"] if value["readers"] else []
    return "\n".join([*facts, f"{len(value['chunks'])} chunks", "", value["text"]])
