"""The commands of retrieval: `add`, `sync`, `search` and `inspect`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import F, Progress, emit, opened, reader_option, say, with_example, workspace_options
from retrieval.records import Hit

if TYPE_CHECKING:
    from corpora.readers.tables.documents import FieldMapping
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.source_attributes import Given
    from corpora.workspace.workspace import Workspace
    from retrieval.indexing.add_files import AddReport


_EXPLAINED_RANKS = 10_000
_FIELDS = ("text", "title", "id", "metadata")


def _given_options(function: F) -> F:
    """The options that say something of every file that is added."""
    function = click.option(
        "--reader",
        "readers",
        multiple=True,
        metavar="NAME",
        help='Who may read them, and nobody else; may be repeated; "" for everybody. Default: as before, everybody at first.',
    )(function)
    return click.option(
        "--fact",
        "facts",
        multiple=True,
        metavar="KEY=VALUE",
        help='A fact of them, over what they state: licence="CC BY 4.0", url=..., jurisdiction=...; may be repeated.',
    )(function)


def _later_option(function: F) -> F:
    """The option `--later` of what adds."""
    return click.option(
        "--later",
        is_flag=True,
        help="Leave the full vectors of a large collection to `raftsmith index --fill`; search works meanwhile.",
    )(function)


def _given(readers: Sequence[str], facts: Sequence[str]) -> Given | None:
    """What is said of the files; None where nothing is. Raises click.UsageError."""
    from corpora.store.source_attributes import Given, reader_names

    if not readers and not facts:
        return None
    pairs = [fact.partition("=") for fact in facts]
    for key, equals, value in pairs:
        if not (key.isidentifier() and equals and value):
            raise click.UsageError(f"--fact {key}{equals}{value}: give KEY=VALUE, as in licence=CC0")
    return Given(reader_names([name for name in readers if name]), {key: value for key, _, value in pairs})


@click.command("add", **with_example("raftsmith add contracts/ notes.pdf --collection legal"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--collection", default="default", show_default=True, help="Collection that the documents belong to.")
@click.option(
    "--map",
    "fields",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Rows of CSV and JSON lines as documents: text=COLUMN, and title, id, metadata; may be repeated. Remembered for the file.",
)
@click.option("--retry", is_flag=True, help="Read again what could not be read before, and nothing else.")
@_later_option
@_given_options
@workspace_options
def add(
    paths: tuple[Path, ...],
    collection: str,
    fields: tuple[str, ...],
    retry: bool,
    later: bool,
    readers: tuple[str, ...],
    facts: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Read, clean, chunk and index files, folders, patterns ("a/**/*.pdf") and archives; "-" takes a list of them from stdin.

    Run it again any time: what has not changed costs nothing. Of a large collection the words and quick vectors come first, so that
    it can be searched at once; the full vectors follow, and an interrupt then loses nothing.
    """
    if retry == bool(paths):
        raise click.UsageError("give PATH..., or --retry alone to read again what failed")
    said = _given(readers, facts)
    emit_report(add_paths(opened(workspace), paths, collection, fields, retry, given=said, later=later), as_json)


@click.command("sync", **with_example("raftsmith sync contracts/ --collection legal"))
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--collection", default="default", show_default=True, help="Collection that the documents belong to.")
@_later_option
@_given_options
@workspace_options
def sync(
    folders: tuple[Path, ...],
    collection: str,
    later: bool,
    readers: tuple[str, ...],
    facts: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Make the collection follow folders: add what is new, update what changed, remove what is gone."""
    said = _given(readers, facts)
    emit_report(add_paths(opened(workspace), folders, collection, gone=True, given=said, later=later), as_json)


def add_paths(
    place: Workspace,
    paths: Sequence[Path],
    collection: str,
    fields: Sequence[str] = (),
    retry: bool = False,
    gone: bool = False,
    given: Given | None = None,
    later: bool = False,
) -> AddReport:
    """Index `paths`; `retry` takes the failed files instead, `gone` also removes what is no longer under `paths`.

    Full vectors that are missing at the end are made, unless `later`.
    """
    from corpora.ingest.sandbox import Limits, read_files
    from corpora.readers import ReadOptions
    from corpora.store.writer_lock import single_writer
    from corpora.workspace.column_mappings import forget, read_mappings
    from corpora.workspace.workspace import plain_name
    from retrieval.chunk_vectors.dense_index import refreshed_index
    from retrieval.chunk_vectors.segment_compaction import compact_segments
    from retrieval.indexing.add_files import AddReport, add_files, find_files
    from retrieval.indexing.backfill import backfill
    from retrieval.indexing.duplicate_clusters import Similarities
    from retrieval.indexing.mapped_files import by_mapping, keep_working, together
    from retrieval.search.collection import open_collection, quick_encoder
    from retrieval.search.pipelines import index_options_of

    name = plain_name(collection)
    listed = [line.rstrip("\n") for line in sys.stdin] if Path("-") in paths else []
    named = [*(path for path in paths if path != Path("-")), *(Path(line) for line in listed if line)]
    ingest = place.config.ingest
    policy = ingest.personal_data_of.get(name, ingest.personal_data)
    limits = Limits(timeout_s=ingest.timeout_s)
    with single_writer(place.root):
        collected = open_collection(place, say)
        if retry:
            failed = [path for path, of, _ in collected.store.failures() if of == name] + collected.store.unfinished(name)
            found = (next((p for p in may_be_files(path) if Path(p).is_file()), None) for path in failed)
            named = [Path(path) for path in sorted({path for path in found if path})]
        files = [file for file in find_files(named) if not place.owns(file)]
        report = AddReport(snapshot=collected.store.snapshot)
        quick = quick_encoder(place.config.models.encoder, say)
        remembered = read_mappings(place.root)
        for mapping, mapped in by_mapping(place.root, name, files, _mapping(fields)):
            part = add_files(
                collected.store,
                place.root,
                collected.encoder,
                mapped,
                name,
                place.config.chunks.options,
                Progress("files"),
                ReadOptions(
                    ingest.skip_steps,
                    mapping,
                    policy,
                    place.personal_key().hex() if policy != "keep" else "",
                    ingest.ocr_languages,
                ),
                lambda wanted, options: read_files(wanted, options, ingest.workers, limits),
                Similarities(ingest.cluster_similarity, ingest.skip_similarity),
                given,
                ingest.keep_versions,
                quick,
            )
            report = together(report, part)
        keep_working(place.root, name, remembered, {path for path, _ in report.failed})
        if gone:
            lost = remove_gone(collected.store, [path.resolve() for path in named], files, name, report, ingest.keep_versions)
            forget(place.root, [(path, name) for path in lost])
        report.waiting = len(collected.store.unfinished(name))
        of, options = collected.encoder, index_options_of(place.config.search)
        report.unencoded = collected.store.vectors.count_missing(of.name)
        if report.unencoded and not later:
            say(f"it can be searched now; {report.unencoded} full vectors follow, and an interrupt loses none that is made")
            backfill(collected.store, place.root, of, Progress("full vectors"))
            report.unencoded = 0
        compact_segments(collected.store, place.root)
        report.snapshot = collected.store.snapshot
        refreshed_index(collected.store, place.root, of.name, of.dimension, options, say)
        collected.store.close()
    return report


def remove_gone(
    store: CorpusStore,
    folders: Sequence[Path],
    files: Sequence[Path],
    collection: str,
    report: AddReport,
    keep_versions: int,
) -> list[str]:
    """Take out what was read from under `folders` and is no longer among `files`, and give it; counted in `report`."""
    from retrieval.indexing.add_files import source_name

    there = {source_name(file) for file in files}
    roots = tuple(f"{source_name(folder)}/" for folder in folders)
    known = {path for path, _ in store.files(collection)} | {path for path, of, _ in store.failures() if of == collection}
    lost = sorted(path for path in known if path.startswith(roots) and there.isdisjoint(may_be_files(path)))
    if lost:
        report.snapshot = store.commit(removed_paths=[(path, collection) for path in lost], keep_versions=keep_versions)
        report.removed = len(lost)
    return lost


def may_be_files(source: str) -> list[str]:
    """The files that `source` may be a part of, itself first: "#" divides file and part, and may stand in a file's name too."""
    return [source, *(source[:place] for place in range(len(source) - 1, 0, -1) if source[place] == "#")]


def emit_report(report: AddReport, as_json: bool) -> None:
    """Print what `add` or `sync` did."""
    failed = [{"path": path, "reason": reason} for path, reason in report.failed]
    removed = f", {report.removed} removed" if report.removed else ""
    several = f" ({report.documents} documents)" if report.documents != report.added else ""
    counts = f"{report.added} added{several}, {report.unchanged} unchanged{removed}, {len(failed)} failed"
    lines = [f"{counts} (snapshot {report.snapshot})"]
    if report.duplicates:
        lines.append(f"{report.duplicates} not indexed again: another document says the same (`raftsmith documents` names it)")
    if report.personal_data:
        lines.append("personal data: " + ", ".join(f"{count} {kind}" for kind, count in sorted(report.personal_data.items())))
    if report.waiting:
        lines.append(f"{report.waiting} files wait to be read again, what they are like is gone: `raftsmith documents --retry`")
    if report.unencoded:
        lines.append(f"{report.unencoded} passages are searched by quick vectors: `raftsmith index --fill` makes the full ones")
    lines += [f"cleaned: {step} in {count} blocks" for step, count in sorted(report.cleaned.items())]
    lines += [f"  {item['path']}: {item['reason']}" for item in failed]
    value = {
        "added": report.added,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "documents": report.documents,
        "duplicates": report.duplicates,
        "personal_data": dict(report.personal_data),
        "waiting": report.waiting,
        "unencoded": report.unencoded,
        "failed": failed,
        "cleaned": dict(report.cleaned),
        "snapshot": report.snapshot,
    }
    emit(value, as_json, "\n".join(lines))


def _mapping(fields: Sequence[str]) -> FieldMapping | None:
    """`text=body`, `title=name` ... as a mapping; None without any. Raises click.UsageError."""
    from corpora.readers.tables.documents import FieldMapping

    found: dict[str, list[str]] = {}
    for field in fields:
        key, equals, column = field.partition("=")
        if not equals or key not in _FIELDS or not column:
            raise click.UsageError(f"--map {field}: give FIELD=COLUMN with one of {', '.join(_FIELDS)}")
        found.setdefault(key, []).append(column)
    if not found:
        return None
    if "text" not in found:
        raise click.UsageError("--map needs text=COLUMN: the column that holds the document")
    first = {key: found[key][0] if key in found else None for key in ("title", "id")}
    return FieldMapping(tuple(found["text"]), first["title"], first["id"], tuple(found.get("metadata", ())))


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
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Find passages."""
    from corpora.store.filters import make_filter
    from retrieval.search.collection import open_collection
    from retrieval.search.explanation import as_json as explained_json
    from retrieval.search.explanation import as_lines, explain
    from retrieval.search.pipelines import fusion_of
    from retrieval.search.retriever import SHOWN_RANKS

    place = opened(workspace)
    collection = open_collection(place, say, _EXPLAINED_RANKS if why else SHOWN_RANKS, joined=True)
    wanted = make_filter(readers or None, collections, conditions)
    result = collection.retriever.search([query], k, mode, wanted)[0]
    fusion = fusion_of(place.config.search)
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


@click.command("inspect", **with_example("raftsmith inspect --collection legal --report legal"))
@click.option("--collection", help="Only this collection; default: all of them, as `generate` takes them.")
@click.option("--report", "report_name", default="inspect", show_default=True, help="Name of the report's folder.")
@workspace_options
def inspect(collection: str | None, report_name: str, workspace: Path | None, as_json: bool) -> None:
    """Show what to know before training: topics, lengths, languages, duplicates, personal data, outliers, splits, leaks.

    Writes reports/NAME/inspect.html and inspect.json. Loads no model.
    """
    from corpora.durable_files import write_atomic, write_json
    from corpora.store.corpus_store import CorpusStore
    from retrieval.inspection.analysis import InspectOptions, inspect_material
    from retrieval.inspection.html_page import to_html
    from retrieval.inspection.material import estimate_tokens, read_material, read_prompts
    from retrieval.inspection.summary import as_json as to_json
    from retrieval.inspection.summary import as_lines

    place = opened(workspace)
    folder, config = place.report(report_name), place.config
    store = CorpusStore(place.database)
    material = read_material(store, place.root / "segments", collection)
    store.close()
    say(f"{len(material.documents)} documents; counting tokens")
    tokens = estimate_tokens(material.documents, (config.models.base, config.models.encoder))
    split = config.generate
    options = InspectOptions(
        split.validation_fraction, split.test_fraction, config.ingest.cluster_similarity, seed=config.generate.seed
    )
    say("comparing documents")
    found = inspect_material(
        material, options, tokens, read_prompts(place.root / "datasets"), Progress("documents searched for personal data")
    )
    value = {"report": str(folder), "collection": collection, **to_json(found)}
    write_atomic(folder / "inspect.html", to_html(found, f"Inspection of {collection or 'all collections'}").encode())
    write_json(folder / "inspect.json", value)
    emit(value, as_json, "\n".join([*as_lines(found), f"report: {folder}/inspect.html, {folder}/inspect.json"]))


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
