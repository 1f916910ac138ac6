"""Files into the store and the index, batch by batch: read, chunk, encode, write the segment, commit.

Idempotent (promise R8): a file whose bytes were committed with the same choices is not read again, a file that cannot be
read becomes a row with its reason, and a kill loses at most the batch in flight.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from corpora.chunking.chunker import ChunkOptions, chunk_document, join_blocks
from corpora.durable_files import sha256_file
from corpora.errors import RaftsmithError, UnreadableDocument
from corpora.ingest.sandbox import read_files
from corpora.readers import FileReading, ReadOptions
from corpora.records import Block, Chunk, Document, Reading, content_id
from corpora.store.changes import FinishedFile, NewDocument, Segment, StoredVectors
from corpora.store.corpus_store import KEEP_VERSIONS, CorpusStore
from corpora.store.segment_lock import segments_free
from corpora.store.source_attributes import Given
from retrieval.chunk_vectors.segments import read_segment, write_segment
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.indexing.duplicate_clusters import Similarities, Twins
from retrieval.indexing.split_strata import Strata

BATCH_CHUNKS = 256
DIRECT_CHUNKS = 1_024
"""So many get their full vectors before they are committed: that takes seconds, and what follows would take long."""
Reader = Callable[[Iterable[Path], ReadOptions], Iterator[tuple[Path, FileReading | UnreadableDocument]]]


@dataclass
class AddReport:
    """What `add` did: files, `failed` as (path, reason), documents, how many blocks each step of cleaning changed, findings of
    personal data by kind, and documents that were not indexed because another says the same. `waiting` are files to be read again,
    `unencoded` chunks that have quick vectors only.
    """

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    documents: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    cleaned: Counter[str] = field(default_factory=Counter)
    personal_data: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    waiting: int = 0
    unencoded: int = 0
    snapshot: int = 0


@dataclass
class _Batch:
    """What the next commit will hold: documents with their chunks and digests, and the files that are then finished."""

    documents: list[NewDocument] = field(default_factory=list)
    finished: list[FinishedFile] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def chunks(self) -> int:
        return sum(len(new.chunks) for new in self.documents)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Every regular file under `paths`, absolute, in order; hidden ones and links are left out. Raises RaftsmithError.

    A path that does not exist may be a pattern ("contracts/**/*.pdf"): what it matches counts as given.
    """
    found: dict[Path, None] = {}
    for path in (named for given in paths for named in _matches(given)):
        if path.is_file():
            found[path.resolve()] = None
        elif path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and not file.is_symlink() and not _hidden(file.relative_to(path)):
                    found[file.resolve()] = None
        else:
            raise RaftsmithError(f"{path} does not exist; give files, folders or patterns to add")
    return list(found)


def _matches(path: Path) -> list[Path]:
    """The path itself, or, where there is none and it is a pattern, what matches: no hidden ones, nothing through links."""
    parts = path.parts
    first = next((place for place, part in enumerate(parts) if set(part) & set("*?[")), None)
    if first is None or path.exists():
        return [path]
    folder = Path(*parts[:first])
    try:
        matched = sorted(match for match in folder.glob(str(Path(*parts[first:]))) if not _hidden(match.relative_to(folder)))
    except ValueError as error:
        raise RaftsmithError(f"{path} is no pattern ({error}); accepted: *, ?, [abc], and ** for any folders") from error
    if not any(match.is_file() or match.is_dir() for match in matched):
        raise RaftsmithError(
            f"{path} matches nothing in {folder.resolve()}; accepted: a file, a folder, or a pattern with *, ?, [abc] and ** for any folders"
        )
    return matched


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def add_files(
    store: CorpusStore,
    workspace: Path,
    encoder: Encoder,
    files: Sequence[Path],
    collection: str,
    chunk_options: ChunkOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
    read_options: ReadOptions | None = None,
    reader: Reader = read_files,
    similarities: Similarities | None = None,
    given: Given | None = None,
    keep_versions: int = KEEP_VERSIONS,
    quick: Callable[[], Encoder] | None = None,
) -> AddReport:
    """Index `files` into `collection`; `progress(done, total)` counts files. The caller holds the writer lock.

    `reader` gives what `corpora.ingest.sandbox.read_files` gives, in the order of the paths. `similarities` say from when on documents
    count as near-duplicates; None looks for none. `given` is said of every file; None leaves what was said of it before. Of a
    source so many old texts are kept. With `quick`, which loads a static encoder, only the first chunks get their full vectors at
    once and the others quick ones, to be searched by until `backfill` has made the full ones.
    """
    options = read_options or ReadOptions()
    report = AddReport(snapshot=store.snapshot)
    known, said = store.source_digests(collection), store.given(collection)
    failures = {path: reason for path, of, reason in store.failures() if of == collection}
    chunking = f"{chunk_options.name}-{_digest(options)}-{encoder.name}"
    digests: dict[Path, str] = {}
    changed: list[Path] = []
    batch = _Batch()
    writing = _Writing(store, workspace, encoder, collection, keep_versions, quick)
    twins = Twins(store, collection, similarities) if similarities else None
    for path in files:
        source = source_name(path)
        try:
            digests[path] = sha256_file(path)
        except OSError as error:
            _fail(report, batch, failures, source, collection, f"cannot be opened: {error.strerror or error}")
            continue
        if known.get(source) != (digests[path], chunking) or given not in (None, said[source]):
            changed.append(path)
            continue
        report.unchanged += 1
        if source in failures:  # restored to what is indexed
            kept = store.parts(source, collection)
            batch.finished.append(FinishedFile(source, collection, digests[path], chunking, kept, said[source]))
    done = len(files) - len(changed)
    for path, found in reader(changed, options):
        source, sha256 = source_name(path), digests[path]
        done += 1
        if isinstance(found, UnreadableDocument):
            # What the path held before stays: a damaged save must not take the last good version out of the collection.
            _fail(report, batch, failures, source, collection, str(found))
        else:
            of_file = given or said.get(source) or Given()
            for document, blocks in documents_of(found.readings, source, collection, of_file, store.identity):
                if batch.chunks >= BATCH_CHUNKS:  # a file of many documents; it is finished with the last of them
                    batch = _commit(writing, batch, report)
                new = NewDocument(
                    document,
                    chunk_document(document, blocks, chunk_options, encoder),
                    sha256,
                    chunking,
                    "",
                    0,
                    source,
                )
                new = twins.placed(new) if twins else new
                batch.documents.append(new)
                report.documents += 1
                report.duplicates += new.duplicate_of is not None
            parts = frozenset(f"{source}#{r.part}" if r.part else source for r in found.readings)
            batch.finished.append(FinishedFile(source, collection, sha256, chunking, parts, of_file))
            batch.failed += [(f"{source}#{part}", collection, reason) for part, reason in found.refused]
            report.failed += [(f"{source}#{part}", reason) for part, reason in found.refused]
            report.cleaned += found.cleaned
            report.personal_data += found.personal_data
            report.added += 1
            if batch.chunks >= BATCH_CHUNKS:
                batch = _commit(writing, batch, report)
        progress(done, len(files))
    _commit(writing, batch, report)
    sweep_segments(store, workspace)
    return report


def source_name(path: Path) -> str:
    """The path as the store names it: bytes of a file name that are not UTF-8 are written as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


Identify = Callable[[str, str, tuple[str, ...]], str]


def documents_of(
    readings: Sequence[Reading], source: str, collection: str, given: Given | None = None, identify: Identify | None = None
) -> Iterator[tuple[Document, Sequence[Block]]]:
    """A document, with its blocks, for each reading of the file `source`."""
    for reading in readings:
        place = f"{source}#{reading.part}" if reading.part else source
        yield make_document(collection, reading, place, given or Given(), identify or content_identity), reading.blocks


def content_identity(collection: str, text: str, readers: tuple[str, ...] = ()) -> str:
    """The id of a document that a store does not know yet, see `CorpusStore.identity`."""
    return content_id("document", collection, text, *readers)


def make_document(
    collection: str, reading: Reading, source: str, given: Given | None = None, identify: Identify = content_identity
) -> Document:
    """A document with its content id; its cluster is itself until near-duplicates are known."""
    said = given or Given()
    text, _ = join_blocks(reading.blocks)
    identity = identify(collection, text, said.readers)
    facts = {**reading.metadata, **said.metadata}
    return Document(identity, collection, reading.title or "", reading.media_type, text, source, identity, facts, said.readers)


def embedding_text(chunk: Chunk) -> str:
    """What is encoded for a chunk: title and section before the text, since a window alone rarely names its subject."""
    return f"{chunk.title}. {chunk.section}\n{chunk.text}" if chunk.section else f"{chunk.title}\n{chunk.text}"


def _digest(options: ReadOptions) -> str:
    return hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode()).hexdigest()[:8]


def _fail(report: AddReport, batch: _Batch, failures: dict[str, str], source: str, collection: str, reason: str) -> None:
    report.failed.append((source, reason))
    if failures.get(source) != reason:  # the same failure again is no change of the collection
        batch.failed.append((source, collection, reason))


@dataclass
class _Writing:
    """Where batches go. `direct`: how many chunks got their full vectors at once."""

    store: CorpusStore
    workspace: Path
    encoder: Encoder
    collection: str
    keep_versions: int
    quick: Callable[[], Encoder] | None
    direct: int = 0
    strata: dict[str, Strata] = field(default_factory=dict)
    loaded: Encoder | None = None

    def encoder_of(self, chunks: int) -> Encoder:
        """What encodes the next `chunks` before they are committed."""
        if self.quick is None or self.direct + chunks <= DIRECT_CHUNKS:
            self.direct += chunks
            return self.encoder
        if self.loaded is None:
            self.loaded = self.quick()
        return self.loaded

    def strata_of(self, encoder: Encoder) -> Strata:
        """The topics of the collection as this encoder sees them."""
        if encoder.name not in self.strata:
            known = self.store.topics(self.collection, encoder.name)
            self.strata[encoder.name] = Strata(self.collection, encoder.name, known)
        return self.strata[encoder.name]

    def segment(self, encoder: Encoder, vectors: Vectors) -> Segment:
        """Write vectors by `encoder`."""
        return Segment(write_segment(self.workspace / "segments", vectors), encoder.name, encoder.dimension, len(vectors))


def _commit(to: _Writing, batch: _Batch, report: AddReport) -> _Batch:
    """Commit `batch`, if there is anything in it, and give an empty one."""
    if not (batch.documents or batch.finished or batch.failed):
        return batch
    chunks = [chunk for new in batch.documents for chunk in new.chunks]
    encoder, segment, full = to.encoder_of(len(chunks)), None, list[StoredVectors]()
    vectors = np.zeros((0, encoder.dimension), dtype=np.float32)
    if chunks:
        known = _Known.of(to.store, to.workspace, to.encoder, chunks)
        if encoder is to.encoder:
            vectors = known.completed(encoder)
        else:
            vectors = finite_vectors(encoder, known.texts)
            if known.places:
                rows = tuple((chunk_id, row) for row, (chunk_id, _) in enumerate(known.places))
                full = [StoredVectors(to.segment(to.encoder, known.vectors()), rows)]
        segment = to.segment(encoder, vectors)
    strata = to.strata_of(encoder)
    added, row = [], 0
    for new in batch.documents:
        end = row + len(new.chunks)
        stratum = strata.stratum(vectors[row:end])
        added.append(replace(new, segment=segment.name if segment else "", first_row=row, stratum=stratum))
        row = end
    report.snapshot = to.store.commit(
        added=added,
        segment=segment,
        failed=batch.failed,
        finished=batch.finished,
        topics=strata.changed(),
        vectors=full,
        keep_versions=to.keep_versions,
    )
    return _Batch()


@dataclass(frozen=True)
class _Known:
    """What the store has of chunks that are to be encoded: a chunk that it has keeps its vector, and no text is encoded twice.

    `texts` of all the chunks; `places` `(chunk id, (segment, row))` of those that are encoded, `at` their positions.
    """

    folder: Path
    texts: list[str]
    places: list[tuple[str, tuple[str, int]]]
    at: list[int]

    @staticmethod
    def of(store: CorpusStore, workspace: Path, encoder: Encoder, chunks: Sequence[Chunk]) -> _Known:
        """Two files may hold one document under two titles: a chunk keeps its vector only with the title that was encoded."""
        texts, ids = [embedding_text(chunk) for chunk in chunks], [chunk.id for chunk in chunks]
        stored = store.chunks_by_id(ids)
        encoded = {
            (chunk_id, embedding_text(stored[chunk_id])): (name, row)
            for chunk_id, name, row in store.vectors.places(encoder.name, ids)
        }
        at = [place for place, pair in enumerate(zip(ids, texts, strict=True)) if pair in encoded]
        return _Known(workspace / "segments", texts, [(ids[place], encoded[ids[place], texts[place]]) for place in at], at)

    def vectors(self) -> Vectors:
        """Those of `places`, float32 `(len(places), dimension)`."""
        kept = {name: read_segment(self.folder, name) for name in {name for _, (name, _) in self.places}}
        return np.stack([kept[name][row] for _, (name, row) in self.places])

    def completed(self, encoder: Encoder) -> Vectors:
        """One a chunk, float32 `(len(texts), dimension)`: those that are known, and the others encoded, each text once."""
        known = set(self.at)
        missing = list(dict.fromkeys(text for place, text in enumerate(self.texts) if place not in known))
        made = finite_vectors(encoder, missing)
        rows = {text: row for row, text in enumerate(missing)}
        vectors = np.zeros((len(self.texts), encoder.dimension), dtype=np.float32)
        for place, text in enumerate(self.texts):
            if place not in known:
                vectors[place] = made[rows[text]]
        if self.at:
            vectors[self.at] = self.vectors()
        return vectors


def finite_vectors(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """`texts` as passages, float32 `(len(texts), dimension)`. Raises RaftsmithError for anything else that the encoder gives."""
    if not texts:
        return np.zeros((0, encoder.dimension), dtype=np.float32)
    made = encoder.encode(texts)
    if made.shape != (len(texts), encoder.dimension) or not np.isfinite(made).all():
        raise RaftsmithError(
            f"{encoder.name} gave vectors of shape {made.shape} or with values that are not finite; nothing was added"
        )
    return made


def sweep_segments(store: CorpusStore, workspace: Path) -> int:
    """Delete segment files that no commit names, as a kill between write and commit leaves them; gives their number.

    While somebody reads the segments of an older snapshot they stay, for the next sweep.
    """
    folder, swept = workspace / "segments", 0
    with segments_free(workspace) as free:
        if free and folder.is_dir():
            named = {segment.name for segment in store.segments()}
            for path in folder.iterdir():
                if path.name not in named:
                    path.unlink(missing_ok=True)
                    swept += 1
    return swept
