"""Files, folders and patterns into a workspace's collection, or out of it when they are gone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.chunking.chunker import ChunkOptions
from corpora.commands.terminal import Progress, say
from corpora.ingest.options import IngestOptions
from retrieval.search.options import SearchOptions

if TYPE_CHECKING:
    from corpora.readers.tables.documents import FieldMapping
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.source_attributes import SourceAttributes
    from corpora.workspace.workspace import Workspace
    from retrieval.indexing.add_report import AddReport


def add_paths(
    place: Workspace,
    paths: Sequence[Path],
    collection: str,
    mapping: FieldMapping | None = None,
    retry: bool = False,
    gone: bool = False,
    given: SourceAttributes | None = None,
    later: bool = False,
) -> AddReport:
    """Index `paths`; `retry` takes the failed files instead, `gone` also removes what is no longer under `paths`.

    Vectors that are missing at the end are made, unless `later`.
    """
    from corpora.ingest.file_discovery import find_files
    from corpora.ingest.sandbox import Limits, read_files
    from corpora.readers import ReadOptions
    from corpora.store.writer_lock import single_writer
    from corpora.workspace.column_mappings import forget, read_mappings
    from corpora.workspace.workspace import plain_name
    from retrieval.chunk_vectors.dense_index import refreshed_index
    from retrieval.chunk_vectors.segment_compaction import compact_segments
    from retrieval.indexing.add_files import add_files
    from retrieval.indexing.add_report import AddReport
    from retrieval.indexing.backfill import backfill
    from retrieval.indexing.batch_writer import DIRECT_CHUNKS
    from retrieval.indexing.duplicate_clusters import Similarities
    from retrieval.indexing.mapped_files import by_mapping, keep_working, together
    from retrieval.search.collection import open_collection
    from retrieval.search.pipelines import index_options_of

    name = plain_name(collection)
    listed = [line.rstrip("\n") for line in sys.stdin] if Path("-") in paths else []
    named = [*(path for path in paths if path != Path("-")), *(Path(line) for line in listed if line)]
    ingest = place.options(IngestOptions)
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
        remembered = read_mappings(place.root)
        for columns, mapped in by_mapping(place.root, name, files, mapping):
            part = add_files(
                collected.store,
                place.root,
                collected.encoder,
                mapped,
                name,
                place.options(ChunkOptions),
                Progress("files"),
                ReadOptions(
                    ingest.skip_steps,
                    columns,
                    policy,
                    place.personal_key().hex() if policy != "keep" else "",
                    ingest.ocr_languages,
                ),
                lambda wanted, options: read_files(wanted, options, ingest.workers, limits),
                Similarities(ingest.cluster_similarity, ingest.skip_similarity),
                given,
                ingest.keep_versions,
                DIRECT_CHUNKS,
            )
            report = together(report, part)
        keep_working(place.root, name, remembered, {path for path, _ in report.failed})
        if gone:
            lost = remove_gone(collected.store, [path.resolve() for path in named], files, name, report, ingest.keep_versions)
            forget(place.root, [(path, name) for path in lost])
        report.waiting = len(collected.store.unfinished(name))
        of, options = collected.encoder, index_options_of(place.options(SearchOptions))
        report.unencoded = collected.store.vectors.count_missing(of.name)
        if report.unencoded and not later:
            say(
                f"it can be searched by its words now; {report.unencoded} vectors follow, and an interrupt loses none that is made"
            )
            backfill(collected.store, place.root, of, Progress("vectors"))
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
    from corpora.ingest.file_discovery import source_name

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
