"""Adding files, folders and patterns to a workspace's collection, and removing what is gone: `add`, `sync` and the
demo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpora.chunking.chunker import ChunkOptions
from corpora.ingest.file_discovery import find_files, source_name
from corpora.ingest.options import IngestOptions
from corpora.ingest.sandbox import Limits, read_files
from corpora.progress import Progress, Say, no_progress, quiet
from corpora.readers import ReadOptions
from corpora.readers.tables.documents import FieldMapping
from corpora.store.corpus_store import CorpusStore
from corpora.store.source_attributes import SourceAttributes
from corpora.store.writer_lock import single_writer
from corpora.workspace.column_mappings import forget, read_mappings
from corpora.workspace.workspace import Workspace, plain_name
from retrieval.chunk_vectors.dense_index import refreshed_index
from retrieval.chunk_vectors.segment_compaction import compact_segments
from retrieval.indexing.add_files import add_files
from retrieval.indexing.add_report import AddReport
from retrieval.indexing.backfill import backfill
from retrieval.indexing.batch_writer import DIRECT_CHUNKS
from retrieval.indexing.duplicate_clusters import Similarities
from retrieval.indexing.mapped_files import by_mapping, keep_working, together
from retrieval.search.collection import OpenCollection, open_collection
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import index_options_of


def add_paths(
    workspace: Workspace,
    paths: Sequence[Path],
    collection: str = "default",
    *,
    mapping: FieldMapping | None = None,
    retry: bool = False,
    gone: bool = False,
    attributes: SourceAttributes | None = None,
    later: bool = False,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> AddReport:
    """Index `paths` into `collection`, as the workspace's configuration says, and report what was done.

    `retry` takes the files that failed before instead, `gone` also removes what is no longer under `paths`, `mapping`
    says which columns of tables are what, and `attributes` are readers and facts for every file. Vectors that are
    missing at the end are made, unless `later`. Raises RaftsmithError for a path that is not there, and while another
    process writes.
    """
    name, ingest = plain_name(collection), workspace.options(IngestOptions)
    with single_writer(workspace.root):
        opened = open_collection(workspace, say)
        store = opened.store
        chosen_paths = _failed(store, name) if retry else list(paths)
        files = [file for file in find_files(chosen_paths) if not workspace.owns(file)]
        report = AddReport(snapshot=store.snapshot)
        remembered = read_mappings(workspace.root)
        for columns, mapped in by_mapping(workspace.root, name, files, mapping):
            part = add_files(
                store,
                workspace.root,
                opened.encoder,
                mapped,
                name,
                workspace.options(ChunkOptions),
                progress("files"),
                _read_options(workspace, ingest, columns, name),
                lambda changed, options: read_files(changed, options, ingest.workers, Limits(timeout_s=ingest.timeout_s)),
                Similarities(ingest.cluster_similarity, ingest.skip_similarity),
                attributes,
                ingest.keep_versions,
                DIRECT_CHUNKS,
            )
            report = together(report, part)
        keep_working(workspace.root, name, remembered, {path for path, _ in report.failed})
        if gone:
            lost = remove_gone(store, [path.resolve() for path in chosen_paths], files, name, report, ingest.keep_versions)
            forget(workspace.root, [(path, name) for path in lost])
        report.waiting = len(store.unfinished(name))
        _finish_vectors(workspace, opened, report, later, say, progress)
        store.close()
    return report


def _failed(store: CorpusStore, collection: str) -> list[Path]:
    """The files of `collection` that could not be read, or not to their end, and that are still there."""
    failed = [path for path, name, _ in store.failures() if name == collection] + store.unfinished(collection)
    existing = (next((file for file in may_be_files(path) if Path(file).is_file()), None) for path in failed)
    return [Path(path) for path in sorted({path for path in existing if path})]


def _read_options(workspace: Workspace, ingest: IngestOptions, columns: FieldMapping | None, collection: str) -> ReadOptions:
    policy = ingest.personal_data_of.get(collection, ingest.personal_data)
    key = workspace.personal_key().hex() if policy != "keep" else ""
    return ReadOptions(ingest.skip_steps, columns, policy, key, ingest.ocr_languages)


def _finish_vectors(
    workspace: Workspace, opened: OpenCollection, report: AddReport, later: bool, say: Say, progress: Progress
) -> None:
    """Make the vectors that are missing, unless `later`, and bring the index of vectors up to date."""
    store, encoder = opened.store, opened.encoder
    report.unencoded = store.vectors.count_missing(encoder.name)
    if report.unencoded and not later:
        say(f"it can be searched by its words now; {report.unencoded} vectors follow, and an interrupt loses none that is made")
        backfill(store, workspace.root, encoder, progress("vectors"))
        report.unencoded = 0
    compact_segments(store, workspace.root)
    report.snapshot = store.snapshot
    options = index_options_of(workspace.options(SearchOptions))
    refreshed_index(store, workspace.root, encoder.name, encoder.dimension, options, say)


def remove_gone(
    store: CorpusStore,
    folders: Sequence[Path],
    files: Sequence[Path],
    collection: str,
    report: AddReport,
    keep_versions: int,
) -> list[str]:
    """Remove what was read from under `folders` and is no longer among `files`; gives the sources, and counts them in
    `report`.
    """
    current = {source_name(file) for file in files}
    roots = tuple(f"{source_name(folder)}/" for folder in folders)
    recorded = {path for path, _ in store.files(collection)} | {
        path for path, name, _ in store.failures() if name == collection
    }
    lost = sorted(path for path in recorded if path.startswith(roots) and current.isdisjoint(may_be_files(path)))
    if lost:
        report.snapshot = store.commit(removed_paths=[(path, collection) for path in lost], keep_versions=keep_versions)
        report.removed = len(lost)
    return lost


def may_be_files(source: str) -> list[str]:
    """The files that `source` may be a part of, itself first: "#" divides file and part, and may stand in a file's name
    too.
    """
    return [source, *(source[:position] for position in range(len(source) - 1, 0, -1) if source[position] == "#")]
