"""Files into the store and the index, batch by batch: read, chunk, encode, write the segment, commit.

Idempotent (promise R8): a file whose bytes were committed with the same chunking is not read again, a file that cannot be
read becomes a row with its reason, and a kill loses at most the batch in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from corpora.chunking import ChunkOptions, chunk_document, join_blocks
from corpora.errors import RaftsmithError, UnreadableDocument
from corpora.files import sha256_file
from corpora.readers import read_file
from corpora.records import Block, Chunk, Document, content_id
from corpora.store import CorpusStore, NewDocument, Segment
from retrieval.encoders import Encoder
from retrieval.segments import write_segment

BATCH_CHUNKS = 256


@dataclass
class AddReport:
    """What `add` did; `failed` are (path, reason)."""

    added: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    snapshot: int = 0


@dataclass(frozen=True)
class _Read:
    document: Document
    chunks: Sequence[Chunk]
    sha256: str


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Every regular file under `paths`, absolute, in order; hidden ones and links are left out. Raises RaftsmithError."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_file():
            found[path.resolve()] = None
        elif path.is_dir():
            for file in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
                if file.is_file() and not file.is_symlink() and not hidden:
                    found[file.resolve()] = None
        else:
            raise RaftsmithError(f"{path} does not exist; give files or folders to add")
    return list(found)


def add_files(
    store: CorpusStore,
    workspace: Path,
    encoder: Encoder,
    files: Sequence[Path],
    collection: str,
    chunk_options: ChunkOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AddReport:
    """Index `files` into `collection`; `progress(done, total)` counts files. The caller holds the writer lock."""
    report = AddReport(snapshot=store.snapshot)
    known = store.source_digests(collection)
    chunking = f"{chunk_options.name}-{encoder.name}"
    total = len(files)

    def readings() -> Iterator[_Read | tuple[str, str]]:
        for done, path in enumerate(files, start=1):
            source = source_name(path)
            try:
                sha256 = sha256_file(path)
                if known.get(source) == (sha256, chunking):
                    report.unchanged += 1
                else:
                    yield _read(path, source, collection, chunk_options, sha256)
            except UnreadableDocument as error:
                yield source, str(error)
            except OSError as error:
                yield source, f"cannot be opened: {error.strerror or error}"
            progress(done, total)

    batch: list[_Read] = []
    for reading in readings():
        if isinstance(reading, tuple):
            report.failed.append(reading)
            # What the path held before stays: a damaged save must not take the last good version out of the collection.
            report.snapshot = store.commit(failed=[(reading[0], collection, reading[1])])
            continue
        batch.append(reading)
        if sum(len(item.chunks) for item in batch) >= BATCH_CHUNKS:
            report.snapshot = _commit(store, workspace, encoder, batch, chunking)
            report.added += len(batch)
            batch = []
    if batch:
        report.snapshot = _commit(store, workspace, encoder, batch, chunking)
        report.added += len(batch)
    sweep_segments(store, workspace)
    return report


def source_name(path: Path) -> str:
    """The path as the store names it: bytes of a file name that are not UTF-8 are written as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def _read(path: Path, source: str, collection: str, chunk_options: ChunkOptions, sha256: str) -> _Read:
    media_type, title, blocks = read_file(path)
    document = make_document(collection, title, media_type, blocks, source)
    return _Read(document, chunk_document(document, blocks, chunk_options), sha256)


def make_document(collection: str, title: str, media_type: str, blocks: Sequence[Block], source: str) -> Document:
    """A document with its content id; its cluster is itself until near-duplicates are known."""
    text, _ = join_blocks(blocks)
    identity = content_id("document", collection, text)
    return Document(identity, collection, title, media_type, text, source, cluster=identity)


def embedding_text(chunk: Chunk) -> str:
    """What is encoded for a chunk: title and section before the text, since a window alone rarely names its subject."""
    return f"{chunk.title}. {chunk.section}\n{chunk.text}" if chunk.section else f"{chunk.title}\n{chunk.text}"


def _commit(store: CorpusStore, workspace: Path, encoder: Encoder, batch: Sequence[_Read], chunking: str) -> int:
    texts = [embedding_text(chunk) for item in batch for chunk in item.chunks]
    vectors = encoder.encode(texts)
    if vectors.shape != (len(texts), encoder.dimension) or not np.isfinite(vectors).all():
        raise RaftsmithError(
            f"{encoder.name} gave vectors of shape {vectors.shape} or with values that are not finite; nothing was added"
        )
    name = write_segment(workspace / "segments", vectors)
    added, row = [], 0
    for item in batch:
        added.append(NewDocument(item.document, item.chunks, item.sha256, chunking, name, row))
        row += len(item.chunks)
    return store.commit(added=added, segment=Segment(name, encoder.name, encoder.dimension, len(texts)))


def sweep_segments(store: CorpusStore, workspace: Path) -> int:
    """Delete segment files that no commit names, as a kill between write and commit leaves them; gives their number."""
    named = {segment.name for segment in store.segments()}
    folder = workspace / "segments"
    stray = [path for path in folder.iterdir() if path.name not in named] if folder.is_dir() else []
    for path in stray:
        path.unlink(missing_ok=True)
    return len(stray)
