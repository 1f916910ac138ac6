"""The command `search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpora.commands.terminal import emit, opened, reader_option, say, with_example, workspace_options
from retrieval.records import Hit

_EXPLAINED_RANKS = 10_000


@click.command("search", **with_example('raftsmith search "notice period for a lease" -k 3'))
@click.argument("query")
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 1000), help="Hits at most.")
@click.option(
    "--mode", default="hybrid", show_default=True, type=click.Choice(["hybrid", "dense", "lexical"]), help="How to search."
)
@click.option("--collection", "collections", multiple=True, help="Only this collection; may be repeated.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="FACT=VALUE",
    help="Only documents with this fact, by = != < <= > >=, as in 'date>=2020-01-01'; may be repeated.",
)
@click.option("--explain", "why", is_flag=True, help="Say of each hit why it stands where it stands.")
@reader_option("everything, as the workspace is yours")
@workspace_options
def search(
    query: str,
    k: int,
    mode: Any,
    collections: tuple[str, ...],
    conditions: tuple[str, ...],
    readers: tuple[str, ...],
    why: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Find passages."""
    from corpora.store.filters import make_filter
    from retrieval.search.collection import open_collection
    from retrieval.search.explanation import as_json as explained_json
    from retrieval.search.explanation import as_lines, explain
    from retrieval.search.options import SearchOptions
    from retrieval.search.pipelines import fusion_of
    from retrieval.search.retriever import SHOWN_RANKS

    workspace = opened(workspace_folder)
    collection = open_collection(workspace, say, _EXPLAINED_RANKS if why else SHOWN_RANKS, joined=True)
    document_filter = make_filter(readers or None, collections, conditions)
    result = collection.retriever.search([query], k, mode, document_filter)[0]
    fusion = fusion_of(workspace.options(SearchOptions))
    reasons = explain(query, result, fusion, mode) if why else []
    value = {"hits": [_value(hit) for hit in result.hits], "snapshot": result.snapshot}
    blocks = [_line(hit) for hit in result.hits]
    if why:
        value["explanations"] = [explained_json(reason) for reason in reasons]
        value["left_out"] = [{"chunk_id": out.chunk_id, "reason": out.reason} for out in result.left_out]
        blocks = [
            "\n   · ".join([block, *as_lines(reason, fusion, mode, result.filled)])
            for block, reason in zip(blocks, reasons, strict=True)
        ]
        blocks += [f"left out: {out.chunk_id}: {out.reason}" for out in result.left_out]
    text = "\n".join(blocks) or "nothing found; `raftsmith add` documents first, or use other words"
    emit(value, as_json, text)


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
        "section": chunk.section,
        "page": chunk.page,
        "text": chunk.text,
    }


def _line(hit: Hit) -> str:
    section = f" › {hit.chunk.section}" if hit.chunk.section else ""
    return f"{hit.rank}. {hit.chunk.title}{section}  [{hit.score:.4f}]\n   {hit.chunk.text}"
