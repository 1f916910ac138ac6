"""Adding files to the store and the index, batch by batch: read, chunk, encode, write the segment, commit.

Idempotent (promise R8): a file whose bytes were committed with the same choices is not read again, a file that cannot
be read becomes a row with its reason, and a kill loses at most the batch in flight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from corpora.chunking.chunker import ChunkOptions, chunk_document
from corpora.durable_files import sha256_file
from corpora.errors import UnreadableDocument
from corpora.ingest.documents import documents_of
from corpora.ingest.file_discovery import source_name
from corpora.ingest.sandbox import read_files
from corpora.progress import Count, uncounted
from corpora.readers import FileReading, ReadOptions
from corpora.store.changes import FinishedFile, NewDocument
from corpora.store.corpus_store import KEEP_VERSIONS, CorpusStore
from corpora.store.source_attributes import SourceAttributes
from retrieval.chunk_vectors.segment_compaction import sweep_segments
from retrieval.chunk_vectors.segments import BATCH_CHUNKS
from retrieval.encoders.encoder import Encoder
from retrieval.indexing.add_report import AddReport
from retrieval.indexing.batch_writer import Batch, BatchWriter, commit_batch
from retrieval.indexing.duplicate_clusters import DuplicateClusters, Similarities

Reader = Callable[[Iterable[Path], ReadOptions], Iterator[tuple[Path, FileReading | UnreadableDocument]]]


def add_files(
    store: CorpusStore,
    workspace: Path,
    encoder: Encoder,
    files: Sequence[Path],
    collection: str,
    chunk_options: ChunkOptions,
    progress: Count = uncounted,
    read_options: ReadOptions | None = None,
    reader: Reader = read_files,
    similarities: Similarities | None = None,
    attributes: SourceAttributes | None = None,
    keep_versions: int = KEEP_VERSIONS,
    direct_chunks: int | None = None,
) -> AddReport:
    """Index `files` into `collection`; `progress(done, total)` counts files. The caller holds the writer lock.

    `reader` gives what `corpora.ingest.sandbox.read_files` gives, in the order of the paths. `similarities` say from
    when on documents count as near-duplicates; None looks for none. `attributes` are readers and facts for every file;
    None leaves those that it had. `keep_versions` old texts of a source are kept. Only about the first `direct_chunks`
    get their vectors before they are committed; the others are found by their words until `backfill` has made theirs.
    None: all get them.
    """
    options = read_options or ReadOptions()
    report = AddReport(snapshot=store.snapshot)
    stored_digests, stored_attributes = store.source_digests(collection), store.given(collection)
    failures = {path: reason for path, name, reason in store.failures() if name == collection}
    chunking = f"{chunk_options.name}-{_digest(options)}-{encoder.name}"
    digests: dict[Path, str] = {}
    changed: list[Path] = []
    batch = Batch()
    writing = BatchWriter(store, workspace, encoder, collection, keep_versions, direct_chunks)
    clusters = DuplicateClusters(store, collection, similarities) if similarities else None
    for path in files:
        source = source_name(path)
        try:
            digests[path] = sha256_file(path)
        except OSError as error:
            _fail(report, batch, failures, source, collection, f"cannot be opened: {error.strerror or error}")
            continue
        if stored_digests.get(source) != (digests[path], chunking) or attributes not in (None, stored_attributes[source]):
            changed.append(path)
            continue
        report.unchanged += 1
        if source in failures:  # restored to what is indexed
            indexed_parts = store.parts(source, collection)
            batch.finished.append(
                FinishedFile(source, collection, digests[path], chunking, indexed_parts, stored_attributes[source])
            )
    done = len(files) - len(changed)
    for path, reading in reader(changed, options):
        source, sha256 = source_name(path), digests[path]
        done += 1
        if isinstance(reading, UnreadableDocument):
            # What the path held before stays: a damaged save must not take the last good version out of the collection.
            _fail(report, batch, failures, source, collection, str(reading))
        else:
            of_file = attributes or stored_attributes.get(source) or SourceAttributes()
            for document, blocks in documents_of(reading.readings, source, collection, of_file, store.identity):
                if batch.chunks >= BATCH_CHUNKS:  # a file of many documents; it is finished with the last of them
                    batch = commit_batch(writing, batch, report)
                new = NewDocument(
                    document,
                    chunk_document(document, blocks, chunk_options, encoder),
                    sha256,
                    chunking,
                    "",
                    0,
                    source,
                )
                new = clusters.placed(new) if clusters else new
                batch.documents.append(new)
                report.documents += 1
                report.duplicates += new.duplicate_of is not None
            parts = frozenset(f"{source}#{r.part}" if r.part else source for r in reading.readings)
            batch.finished.append(FinishedFile(source, collection, sha256, chunking, parts, of_file))
            batch.failed += [(f"{source}#{part}", collection, reason) for part, reason in reading.refused]
            report.failed += [(f"{source}#{part}", reason) for part, reason in reading.refused]
            report.cleaned += reading.cleaned
            report.personal_data += reading.personal_data
            report.added += 1
            if batch.chunks >= BATCH_CHUNKS:
                batch = commit_batch(writing, batch, report)
        progress(done, len(files))
    commit_batch(writing, batch, report)
    sweep_segments(store, workspace)
    return report


def _digest(options: ReadOptions) -> str:
    return hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode()).hexdigest()[:8]


def _fail(report: AddReport, batch: Batch, failures: dict[str, str], source: str, collection: str, reason: str) -> None:
    report.failed.append((source, reason))
    if failures.get(source) != reason:  # the same failure again is no change of the collection
        batch.failed.append((source, collection, reason))
