"""The corpus store: one SQLite database that is the only commit point of a workspace.

Holds documents, chunks, the lexical index (FTS5, so that it commits with the rest) and where each vector lies. Knows no
encoder and no FAISS: a segment is a file name to it. Every change is one transaction that also raises the snapshot number.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.database import Database, Layout
from corpora.errors import StoreBusy
from corpora.records import Chunk, Document

FORMAT = 2
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, collection TEXT NOT NULL, title TEXT NOT NULL, media_type TEXT NOT NULL, text TEXT NOT NULL,
  source TEXT NOT NULL, cluster TEXT NOT NULL, chunking TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}',
  signature BLOB, duplicate_of TEXT, similarity REAL) STRICT;
CREATE INDEX documents_duplicate ON documents(duplicate_of);
CREATE TABLE sources (
  path TEXT NOT NULL, collection TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents(id), sha256 TEXT NOT NULL,
  file TEXT NOT NULL DEFAULT '', PRIMARY KEY (path, collection)) STRICT;
CREATE INDEX sources_file ON sources(file, collection);
CREATE TABLE files (
  path TEXT NOT NULL, collection TEXT NOT NULL, sha256 TEXT NOT NULL, chunking TEXT NOT NULL,
  PRIMARY KEY (path, collection)) STRICT;
CREATE INDEX sources_document ON sources(document_id);
CREATE TABLE segments (name TEXT PRIMARY KEY, encoder TEXT NOT NULL, dimension INTEGER NOT NULL, count INTEGER NOT NULL) STRICT;
CREATE TABLE chunks (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL REFERENCES documents(id),
  "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, section TEXT NOT NULL,
  segment TEXT NOT NULL REFERENCES segments(name), segment_row INTEGER NOT NULL,
  page INTEGER, paragraph INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX chunks_document ON chunks(document_id);
CREATE INDEX chunks_segment ON chunks(segment);
CREATE TABLE failures (path TEXT NOT NULL, collection TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (path, collection)) STRICT;
CREATE VIRTUAL TABLE lexical USING fts5(title, text, tokenize = "porter unicode61 remove_diacritics 2");
"""
_DOCUMENT_COLUMNS = "SELECT id, collection, title, media_type, text, source, cluster, metadata FROM documents"
# From one format to the next, for stores that an older raftsmith wrote.
_UPGRADES = {
    1: """
ALTER TABLE documents ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE documents ADD COLUMN signature BLOB;
ALTER TABLE documents ADD COLUMN duplicate_of TEXT;
ALTER TABLE documents ADD COLUMN similarity REAL;
CREATE INDEX documents_duplicate ON documents(duplicate_of);
ALTER TABLE sources ADD COLUMN file TEXT NOT NULL DEFAULT '';
UPDATE sources SET file = path;
CREATE INDEX sources_file ON sources(file, collection);
CREATE TABLE files (
  path TEXT NOT NULL, collection TEXT NOT NULL, sha256 TEXT NOT NULL, chunking TEXT NOT NULL,
  PRIMARY KEY (path, collection)) STRICT;
INSERT INTO files SELECT s.path, s.collection, s.sha256, d.chunking FROM sources s JOIN documents d ON d.id = s.document_id;
ALTER TABLE chunks ADD COLUMN page INTEGER;
ALTER TABLE chunks ADD COLUMN paragraph INTEGER NOT NULL DEFAULT 0;
""",
}
_LAYOUT = Layout("a corpus store", FORMAT, _SCHEMA, _UPGRADES, {"snapshot": "0"})
_CHUNK_COLUMNS = """
SELECT c.id, c.document_id, c."start", c."end", substr(d.text, c."start" + 1, c."end" - c."start"), d.title, c.section,
       d.source, d.collection, c.page, c.paragraph
FROM chunks c JOIN documents d ON d.id = c.document_id
"""


@dataclass(frozen=True)
class NewDocument:
    """What one commit adds: the document, its chunks, its file's digest, how it was cut, and where its vectors lie.

    `file` is the path of the file that it was read from; "" where that is the document's source. `signature` is its MinHash.
    `duplicate_of` is the indexed document that says the same, with its `similarity` in 0–1; such a document has no chunks.
    `merged` are clusters that this document shows to be one with its own.
    """

    document: Document
    chunks: Sequence[Chunk]
    sha256: str
    chunking: str
    segment: str
    first_row: int
    file: str = ""
    signature: bytes | None = None
    duplicate_of: str | None = None
    similarity: float | None = None
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class FinishedFile:
    """A file of which every document is committed; what else it held before, and `parts` does not name, goes."""

    path: str
    collection: str
    sha256: str
    chunking: str
    parts: frozenset[str]


@dataclass(frozen=True)
class Segment:
    """An immutable vector file named in the store: `count` rows of `dimension` float32 made by `encoder`."""

    name: str
    encoder: str
    dimension: int
    count: int


class CorpusStore:
    """The store at `path`; creates it when absent. Raises StoreError when it is not one or is of a newer format."""

    def __init__(self, path: Path) -> None:
        """Open, create with mode 0600, or upgrade."""
        self.path = path
        self._db = Database(path, _LAYOUT)

    def close(self) -> None:
        """Close the database; the WAL is checkpointed by SQLite."""
        self._db.close()

    @property
    def snapshot(self) -> int:
        """The number of the last committed change."""
        return int(self._db.meta("snapshot"))

    @contextmanager
    def reading(self) -> Iterator[int]:
        """One consistent view for several reads; yields its snapshot number."""
        self._db.execute("BEGIN")
        try:
            yield self.snapshot
        finally:
            self._db.execute("ROLLBACK")

    def documents(self, collection: str | None = None) -> list[Document]:
        """All documents, by id."""
        rows = self._db.execute(f"{_DOCUMENT_COLUMNS} WHERE ?1 IS NULL OR collection = ?1 ORDER BY id", (collection,))
        return [_document(row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """One document, or None."""
        row = self._db.execute(f"{_DOCUMENT_COLUMNS} WHERE id = ?", (document_id,)).fetchone()
        return _document(row) if row else None

    def source_digests(self, collection: str) -> dict[str, tuple[str, str]]:
        """Path of every finished file → (sha256 of it as it was read, the chunking its chunks were made with)."""
        rows = self._db.execute("SELECT path, sha256, chunking FROM files WHERE collection = ?", (collection,))
        return {path: (sha256, chunking) for path, sha256, chunking in rows}

    def parts(self, path: str, collection: str) -> frozenset[str]:
        """The sources of the documents that the file `path` holds."""
        rows = self._db.execute("SELECT path FROM sources WHERE file = ? AND collection = ?", (path, collection))
        return frozenset(row[0] for row in rows)

    def signatures(self, collection: str) -> dict[str, bytes]:
        """Document id → MinHash of every document of the collection that has one."""
        wanted = "SELECT id, signature FROM documents WHERE collection = ? AND signature IS NOT NULL ORDER BY id"
        return dict(self._db.execute(wanted, (collection,)))

    def standing(self, document_id: str) -> tuple[str, bool]:
        """A document's `(cluster, whether it is indexed)`."""
        row = self._db.execute("SELECT cluster, duplicate_of IS NULL FROM documents WHERE id = ?", (document_id,)).fetchone()
        return str(row[0]), bool(row[1])

    def held_by(self, path: str, collection: str) -> set[str]:
        """Ids of the documents that no other file than `path` holds."""
        rows = self._db.execute(
            "SELECT document_id FROM sources WHERE file = ?1 AND collection = ?2 EXCEPT "
            "SELECT document_id FROM sources WHERE file != ?1 OR collection != ?2",
            (path, collection),
        )
        return {row[0] for row in rows}

    def unfinished(self, collection: str) -> list[str]:
        """Files that are to be read again: interrupted ones, and near-duplicates of a document that is gone."""
        rows = self._db.execute(
            "SELECT file FROM sources WHERE collection = ?1 EXCEPT SELECT path FROM files WHERE collection = ?1", (collection,)
        )
        return sorted(row[0] for row in rows)

    def sources(self, document_id: str) -> list[str]:
        """Every source that holds the document."""
        return [
            row[0] for row in self._db.execute("SELECT path FROM sources WHERE document_id = ? ORDER BY path", (document_id,))
        ]

    def chunks(self, document_id: str | None = None) -> list[Chunk]:
        """Chunks in the order of document and position."""
        rows = self._db.execute(
            'SELECT c.id, c.document_id, c."start", c."end", d.title, c.section, d.source, d.collection, c.page, c.paragraph '
            "FROM chunks c JOIN documents d ON d.id = c.document_id "
            'WHERE ?1 IS NULL OR c.document_id = ?1 ORDER BY c.document_id, c."start"',
            (document_id,),
        )
        chunks: list[Chunk] = []
        text, of = "", None
        for identity, document, start, end, *rest in rows:
            if document != of:  # cut here: SQLite's substr counts from the text's start every time, 18 s for 300 pages
                text = self._db.execute("SELECT text FROM documents WHERE id = ?", (document,)).fetchone()[0]
                of = document
            chunks.append(Chunk(identity, document, start, end, text[start:end], *rest))
        return chunks

    def chunks_by_id(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks that exist among `ids`."""
        found: dict[str, Chunk] = {}
        for first in range(0, len(ids), 500):
            part = list(ids[first : first + 500])
            marks = ",".join("?" * len(part))
            for row in self._db.execute(f"{_CHUNK_COLUMNS} WHERE c.id IN ({marks})", part):
                found[row[0]] = Chunk(*row)
        return found

    def vector_places(self, ids: Sequence[str] | None = None) -> list[tuple[str, str, int]]:
        """`(chunk_id, segment, row)` of every chunk, or of `ids`, by chunk id: an index built from it is the same every time."""
        if ids is None:
            return list(self._db.execute("SELECT id, segment, segment_row FROM chunks ORDER BY id"))
        places = []
        for first in range(0, len(ids), 500):
            part = list(ids[first : first + 500])
            marks = ",".join("?" * len(part))
            wanted = f"SELECT id, segment, segment_row FROM chunks WHERE id IN ({marks})"  # noqa: S608 - marks are "?"
            places += self._db.execute(wanted, part).fetchall()
        return sorted(places)

    def segments(self) -> list[Segment]:
        """The segments that chunks live in, by name."""
        rows = self._db.execute("SELECT name, encoder, dimension, count FROM segments ORDER BY name")
        return [Segment(*row) for row in rows]

    def lexical_search(self, match: str, limit: int) -> list[tuple[str, float]]:
        """`(chunk_id, BM25 score)` of an FTS5 expression, best first, ties by chunk id; the title counts double."""
        rows = self._db.execute(
            "SELECT c.id, -bm25(lexical, 2.0, 1.0) AS score FROM lexical JOIN chunks c ON c.number = lexical.rowid "
            "WHERE lexical MATCH ? ORDER BY score DESC, c.id LIMIT ?",
            (match, limit),
        )
        return [(chunk_id, float(score)) for chunk_id, score in rows]

    def find_documents(self, name: str) -> list[Document]:
        """Documents that are called `name`: by id (or its first eight digits and more), by source, by file or by title."""
        start = name if len(name) >= 8 else "-"
        called = "id = ?1 OR substr(id, 1, length(?2)) = ?2 OR title = ?1"
        held = "id IN (SELECT document_id FROM sources WHERE path = ?1 OR file = ?1)"
        rows = self._db.execute(f"{_DOCUMENT_COLUMNS} WHERE {called} OR {held} ORDER BY id", (name, start))
        return [_document(row) for row in rows]

    def overview(self, collection: str | None = None) -> list[dict[str, Any]]:
        """One entry a document, by source, without its text: what a list of documents shows."""
        rows = self._db.execute(
            "SELECT d.id, d.title, d.collection, d.source, d.media_type, length(d.text), d.metadata, d.cluster, "
            "(SELECT count(*) FROM chunks c WHERE c.document_id = d.id), "
            "(SELECT count(*) FROM sources s WHERE s.document_id = d.id), d.duplicate_of, d.similarity "
            "FROM documents d WHERE ?1 IS NULL OR d.collection = ?1 ORDER BY d.source, d.id",
            (collection,),
        )
        names = (
            "document_id title collection source media_type characters metadata cluster chunks sources duplicate_of similarity"
        )
        return [{**dict(zip(names.split(), row, strict=True)), "metadata": json.loads(row[6])} for row in rows]

    def files(self, collection: str | None = None) -> list[tuple[str, str]]:
        """`(path, collection)` of every file that documents were read from."""
        rows = self._db.execute(
            "SELECT DISTINCT file, collection FROM sources WHERE ?1 IS NULL OR collection = ?1 ORDER BY 1, 2", (collection,)
        )
        return [(path, of) for path, of in rows]

    def files_of(self, document_id: str) -> list[tuple[str, str]]:
        """`(path, collection)` of every file that holds the document."""
        rows = self._db.execute(
            "SELECT DISTINCT file, collection FROM sources WHERE document_id = ? ORDER BY 1", (document_id,)
        )
        return [(path, of) for path, of in rows]

    def scrub(self) -> None:
        """Leave nothing of what was deleted in the file, see `Database.scrub`; the lexical index forgets its words first."""
        with self._db.changing():
            self._db.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")
        self._db.scrub()

    def counts(self) -> dict[str, int]:
        """Documents, chunks and failed files, with the snapshot."""
        count = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks), (SELECT count(*) FROM failures)"
        documents, chunks, failed = self._db.execute(count).fetchone()
        return {"documents": documents, "chunks": chunks, "failed": failed, "snapshot": self.snapshot}

    def failures(self) -> list[tuple[str, str, str]]:
        """`(path, collection, reason)` of every file, or part of one, that did not become a document at its last try."""
        return list(self._db.execute("SELECT path, collection, reason FROM failures ORDER BY path, collection"))

    def integrity(self) -> str | None:
        """What SQLite finds wrong with the file, or None."""
        try:
            result = self._db.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            return str(error)
        return None if result == "ok" else str(result)

    def commit(
        self,
        added: Sequence[NewDocument] = (),
        removed_paths: Sequence[tuple[str, str]] = (),
        segment: Segment | None = None,
        failed: Sequence[tuple[str, str, str]] = (),
        finished: Sequence[FinishedFile] = (),
    ) -> int:
        """Apply one change atomically and give the new snapshot number.

        `removed_paths` are (path of a file, collection); a document goes when its last source goes. An added document
        replaces what its source held before. `failed` are (path, collection, reason). Raises StoreError, nothing changed.
        """
        with self._db.changing():
            if segment is not None:
                self._db.execute(
                    "INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?)",
                    (segment.name, segment.encoder, segment.dimension, segment.count),
                )
            for path, collection in removed_paths:
                self._remove_file(path, collection)
            for new in added:
                self._add(new)
            for file in finished:
                self._finish(file)
            for path, collection, reason in failed:
                self._db.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (path, collection, reason))
            self._db.execute("DELETE FROM segments WHERE name NOT IN (SELECT segment FROM chunks)")
            # What was left out of the index because of a document that is gone is to be read again.
            self._db.execute(
                "DELETE FROM files WHERE (path, collection) IN (SELECT s.file, s.collection FROM sources s "
                "JOIN documents d ON d.id = s.document_id "
                "WHERE d.duplicate_of IS NOT NULL AND d.duplicate_of NOT IN (SELECT id FROM documents))"
            )
            self._db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'snapshot'")
        return self.snapshot

    def forget_segment(self, name: str) -> int:
        """Take out every document with a chunk in segment `name`, whose file is lost, and give their number."""
        rows = self._db.execute(
            "SELECT DISTINCT s.file, s.collection FROM sources s JOIN chunks c ON c.document_id = s.document_id WHERE c.segment = ?",
            (name,),
        ).fetchall()
        self.commit(removed_paths=rows)
        return len(rows)

    def _remove_file(self, path: str, collection: str, keep: frozenset[str] = frozenset()) -> None:
        held = self._db.execute("SELECT path FROM sources WHERE file = ? AND collection = ?", (path, collection)).fetchall()
        for (source,) in held:
            if source not in keep:
                self._remove_source(source, collection)
        key = (path, collection)
        self._db.execute("DELETE FROM files WHERE path = ? AND collection = ?", key)
        self._db.execute(
            "DELETE FROM failures WHERE collection = ?2 AND (path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '#')", key
        )

    def _finish(self, file: FinishedFile) -> None:
        self._remove_file(file.path, file.collection, keep=file.parts)
        self._db.execute("INSERT INTO files VALUES (?, ?, ?, ?)", (file.path, file.collection, file.sha256, file.chunking))

    def _remove_source(self, path: str, collection: str) -> None:
        key = (path, collection)
        row = self._db.execute("SELECT document_id FROM sources WHERE path = ? AND collection = ?", key).fetchone()
        if row is None:
            return
        self._db.execute("DELETE FROM sources WHERE path = ? AND collection = ?", key)
        other = self._db.execute("SELECT min(path) FROM sources WHERE document_id = ?", row).fetchone()[0]
        if other is None:
            self._remove_chunks(row[0])
            self._db.execute("DELETE FROM documents WHERE id = ?", row)
        else:
            self._db.execute("UPDATE documents SET source = ? WHERE id = ? AND source = ?", (other, row[0], path))

    def _remove_chunks(self, document_id: str) -> None:
        self._db.execute("DELETE FROM lexical WHERE rowid IN (SELECT number FROM chunks WHERE document_id = ?)", (document_id,))
        self._db.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,))

    def _add(self, new: NewDocument) -> None:
        document = new.document
        self._remove_source(document.source, document.collection)
        self._db.execute("DELETE FROM failures WHERE path = ? AND collection = ?", (document.source, document.collection))
        known = self._db.execute(
            "SELECT chunking, duplicate_of IS NOT NULL FROM documents WHERE id = ?", (document.id,)
        ).fetchone()
        for cluster in new.merged:
            self._db.execute("UPDATE documents SET cluster = ? WHERE cluster = ?", (document.cluster, cluster))
        if known is None:
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.id,
                    document.collection,
                    document.title,
                    document.media_type,
                    document.text,
                    document.source,
                    document.cluster,
                    new.chunking,
                    json.dumps(dict(document.metadata), ensure_ascii=False, sort_keys=True),
                    new.signature,
                    new.duplicate_of,
                    new.similarity,
                ),
            )
            self._add_chunks(new)
        elif known != (new.chunking, int(new.duplicate_of is not None)):
            # Another file with this text keeps the document, but its chunks are of the old kind, or wanted now and not before.
            self._remove_chunks(document.id)
            self._db.execute(
                "UPDATE documents SET chunking = ?, title = ?, signature = ?, duplicate_of = ?, similarity = ? WHERE id = ?",
                (new.chunking, document.title, new.signature, new.duplicate_of, new.similarity, document.id),
            )
            self._add_chunks(new)
        self._db.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?, ?)",
            (document.source, document.collection, document.id, new.sha256, new.file or document.source),
        )

    def _add_chunks(self, new: NewDocument) -> None:
        for row, chunk in enumerate(new.chunks, start=new.first_row):
            cursor = self._db.execute(
                'INSERT INTO chunks (id, document_id, "start", "end", section, segment, segment_row, page, paragraph) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    chunk.id,
                    new.document.id,
                    chunk.start,
                    chunk.end,
                    chunk.section,
                    new.segment,
                    row,
                    chunk.page,
                    chunk.paragraph,
                ),
            )
            heading = f"{chunk.title} {chunk.section}"
            entry = (cursor.lastrowid, heading, chunk.text)
            self._db.execute("INSERT INTO lexical (rowid, title, text) VALUES (?, ?, ?)", entry)


def _document(row: tuple[str, ...]) -> Document:
    identity, collection, title, media_type, text, source, cluster, metadata = row
    return Document(identity, collection, title, media_type, text, source, cluster, json.loads(metadata))


@contextmanager
def single_writer(workspace: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the workspace's writer lock; the kernel frees it when the process ends, however it ends (promise R7).

    Raises StoreBusy, naming the holder's pid, when another process holds it after `wait_s` seconds.
    """
    path = workspace / "writer.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                    raise StoreBusy(
                        f"process {holder} is writing to {workspace}; wait for it, or stop it, and run this again"
                    ) from None
                time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
