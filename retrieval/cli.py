"""The commands of retrieval: `add` and `search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpora.terminal import Progress, emit, opened, say, with_example, workspace_options
from retrieval.records import Hit


@click.command("add", **with_example("raftsmith add contracts/ notes.pdf --collection legal"))
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", default="default", show_default=True, help="Collection that the documents belong to.")
@workspace_options
def add(paths: tuple[Path, ...], collection: str, workspace: Path | None, as_json: bool) -> None:
    """Read, clean, chunk and index files and folders. Run it again any time: what has not changed costs nothing."""
    from corpora.store import single_writer
    from corpora.workspace import plain_name
    from retrieval.indexing import add_files, find_files
    from retrieval.opening import open_collection

    place = opened(workspace)
    files = find_files(paths)
    with single_writer(place.root):
        collected = open_collection(place, say)
        report = add_files(
            collected.store,
            place.root,
            collected.encoder,
            files,
            plain_name(collection),
            place.config.chunks.options,
            Progress("files"),
        )
    failed = [{"path": path, "reason": reason} for path, reason in report.failed]
    lines = [f"{report.added} added, {report.unchanged} unchanged, {len(failed)} failed (snapshot {report.snapshot})"]
    lines += [f"  {item['path']}: {item['reason']}" for item in failed]
    value = {"added": report.added, "unchanged": report.unchanged, "failed": failed, "snapshot": report.snapshot}
    emit(value, as_json, "\n".join(lines))


@click.command("search", **with_example('raftsmith search "notice period for a lease" -k 3'))
@click.argument("query")
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 1000), help="Hits at most.")
@click.option(
    "--mode", default="hybrid", show_default=True, type=click.Choice(["hybrid", "dense", "lexical"]), help="How to search."
)
@workspace_options
def search(query: str, k: int, mode: Any, workspace: Path | None, as_json: bool) -> None:
    """Find passages."""
    from retrieval.opening import open_collection

    result = open_collection(opened(workspace), say).retriever.search([query], k, mode)[0]
    text = "\n".join(_line(hit) for hit in result.hits) or "nothing found; `raftsmith add` documents first, or use other words"
    emit({"hits": [_value(hit) for hit in result.hits], "snapshot": result.snapshot}, as_json, text)


def _value(hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "chunk_id": chunk.id,
        "document_id": chunk.document_id,
        "title": chunk.title,
        "source": chunk.source,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
    }


def _line(hit: Hit) -> str:
    section = f" › {hit.chunk.section}" if hit.chunk.section else ""
    return f"{hit.rank}. {hit.chunk.title}{section}  [{hit.score:.4f}]\n   {hit.chunk.text}"
