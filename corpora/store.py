"""The corpus store: one SQLite database that is the only commit point of a workspace.

Holds documents, chunks, the lexical index (FTS5, so that it commits with the rest) and where each vector lies. Knows no
encoder and no FAISS: a segment is a file name to it. Every change is one transaction that also raises the snapshot number.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import CorruptStore, StoreBusy, StoreError
from corpora.files import checkpoint
from corpora.records import Chunk, Document

FORMAT = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, collection TEXT NOT NULL, title TEXT NOT NULL, media_type TEXT NOT NULL, text TEXT NOT NULL,
  source TEXT NOT NULL, cluster TEXT NOT NULL, chunking TEXT NOT NULL) STRICT;
CREATE TABLE sources (
  path TEXT NOT NULL, collection TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents(id), sha256 TEXT NOT NULL,
  PRIMARY KEY (path, collection)) STRICT;
CREATE INDEX sources_document ON sources(document_id);
CREATE TABLE segments (name TEXT PRIMARY KEY, encoder TEXT NOT NULL, dimension INTEGER NOT NULL, count INTEGER NOT NULL) STRICT;
CREATE TABLE chunks (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL REFERENCES documents(id),
  "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, section TEXT NOT NULL,
  segment TEXT NOT NULL REFERENCES segments(name), segment_row INTEGER NOT NULL) STRICT;
CREATE INDEX chunks_document ON chunks(document_id);
CREATE INDEX chunks_segment ON chunks(segment);
CREATE TABLE failures (path TEXT NOT NULL, collection TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (path, collection)) STRICT;
CREATE VIRTUAL TABLE lexical USING fts5(title, text, tokenize = "porter unicode61 remove_diacritics 2");
"""
_CHUNK_COLUMNS = """
SELECT c.id, c.document_id, c."start", c."end", substr(d.text, c."start" + 1, c."end" - c."start"), d.title, c.section,
       d.source, d.collection
FROM chunks c JOIN documents d ON d.id = c.document_id
"""


@dataclass(frozen=True)
class NewDocument:
    """What one commit adds: the document, its chunks, its file's digest, how it was cut, and where its vectors lie."""

    document: Document
    chunks: Sequence[Chunk]
    sha256: str
    chunking: str
    segment: str
    first_row: int


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
        """Open or create. The file gets mode 0600."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
            try:
                self._open_schema()
            except BaseException:
                self._db.close()
                raise
        except sqlite3.DatabaseError as error:
            raise CorruptStore(f"{path} is not a corpus store or is damaged ({error}); restore a backup of it") from error

    def _open_schema(self) -> None:
        if self._has_schema():
            self._refuse_newer()  # before anything that writes: choosing the journal mode does
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if not self._has_schema():
            self._db.execute("BEGIN IMMEDIATE")
            if not self._has_schema():
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        self._db.execute(statement)
                self._db.execute("INSERT INTO meta VALUES ('format', ?), ('snapshot', '0')", (str(FORMAT),))
            self._db.execute("COMMIT")
        self._refuse_newer()

    def _has_schema(self) -> bool:
        return bool(self._db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0])

    def _refuse_newer(self) -> None:
        found = int(self._meta("format"))
        if found > FORMAT:
            raise StoreError(f"{self.path} has format {found}; this raftsmith reads up to {FORMAT}: install a newer raftsmith")

    def _meta(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise CorruptStore(f"{self.path} lacks its {key!r} entry; restore a backup of it")
        return str(row[0])

    def close(self) -> None:
        """Close the database; the WAL is checkpointed by SQLite."""
        self._db.close()

    @property
    def snapshot(self) -> int:
        """The number of the last committed change."""
        return int(self._meta("snapshot"))

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
        rows = self._db.execute(
            "SELECT id, collection, title, media_type, text, source, cluster FROM documents "
            "WHERE ?1 IS NULL OR collection = ?1 ORDER BY id",
            (collection,),
        )
        return [Document(*row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """One document, or None."""
        row = self._db.execute(
            "SELECT id, collection, title, media_type, text, source, cluster FROM documents WHERE id = ?", (document_id,)
        ).fetchone()
        return Document(*row) if row else None

    def source_digests(self, collection: str) -> dict[str, tuple[str, str]]:
        """Path → (sha256 of the file as it was read, the chunking its chunks were made with)."""
        rows = self._db.execute(
            "SELECT s.path, s.sha256, d.chunking FROM sources s JOIN documents d ON d.id = s.document_id "
            "WHERE s.collection = ?",
            (collection,),
        )
        return {path: (sha256, chunking) for path, sha256, chunking in rows}

    def chunks(self, document_id: str | None = None) -> list[Chunk]:
        """Chunks in the order of document and position."""
        rows = self._db.execute(
            _CHUNK_COLUMNS + ' WHERE ?1 IS NULL OR c.document_id = ?1 ORDER BY c.document_id, c."start"', (document_id,)
        )
        return [Chunk(*row) for row in rows]

    def chunks_by_id(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks that exist among `ids`."""
        found: dict[str, Chunk] = {}
        for first in range(0, len(ids), 500):
            part = list(ids[first : first + 500])
            marks = ",".join("?" * len(part))
            for row in self._db.execute(f"{_CHUNK_COLUMNS} WHERE c.id IN ({marks})", part):
                found[row[0]] = Chunk(*row)
        return found

    def vector_places(self) -> list[tuple[str, str, int]]:
        """`(chunk_id, segment, row)` of every chunk, by chunk id, so that an index built from it is the same every time."""
        return list(self._db.execute("SELECT id, segment, segment_row FROM chunks ORDER BY id"))

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

    def counts(self) -> dict[str, int]:
        """Documents, chunks and failed files, with the snapshot."""
        count = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks), (SELECT count(*) FROM failures)"
        documents, chunks, failed = self._db.execute(count).fetchone()
        return {"documents": documents, "chunks": chunks, "failed": failed, "snapshot": self.snapshot}

    def failures(self) -> list[tuple[str, str]]:
        """`(path, reason)` of every file that did not become a document at its last try."""
        return list(self._db.execute("SELECT path, reason FROM failures ORDER BY path"))

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
    ) -> int:
        """Apply one change atomically and give the new snapshot number.

        `removed_paths` are (path, collection); a document goes when its last source goes. An added document replaces what
        its path held before. `failed` are (path, collection, reason). Raises StoreError with nothing changed.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if segment is not None:
                    self._db.execute(
                        "INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?)",
                        (segment.name, segment.encoder, segment.dimension, segment.count),
                    )
                for path, collection in removed_paths:
                    self._remove_source(path, collection)
                for new in added:
                    self._add(new)
                for path, collection, reason in failed:
                    self._db.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (path, collection, reason))
                self._db.execute("DELETE FROM segments WHERE name NOT IN (SELECT segment FROM chunks)")
                self._db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'snapshot'")
                checkpoint("commit")
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: nothing was changed: {error}; free space or mend the disk and run it again"
            ) from error
        return self.snapshot

    def forget_segment(self, name: str) -> int:
        """Take out every document with a chunk in segment `name`, whose file is lost, and give their number."""
        rows = self._db.execute(
            "SELECT DISTINCT s.path, s.collection FROM sources s JOIN chunks c ON c.document_id = s.document_id WHERE c.segment = ?",
            (name,),
        ).fetchall()
        self.commit(removed_paths=rows)
        return len(rows)

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
        known = self._db.execute("SELECT chunking FROM documents WHERE id = ?", (document.id,)).fetchone()
        if known is None:
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.id,
                    document.collection,
                    document.title,
                    document.media_type,
                    document.text,
                    document.source,
                    document.cluster,
                    new.chunking,
                ),
            )
            self._add_chunks(new)
        elif known[0] != new.chunking:  # another file with this text keeps the document, but its chunks are of the old kind
            self._remove_chunks(document.id)
            changed = (new.chunking, document.title, document.id)
            self._db.execute("UPDATE documents SET chunking = ?, title = ? WHERE id = ?", changed)
            self._add_chunks(new)
        self._db.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?)", (document.source, document.collection, document.id, new.sha256)
        )

    def _add_chunks(self, new: NewDocument) -> None:
        for row, chunk in enumerate(new.chunks, start=new.first_row):
            cursor = self._db.execute(
                'INSERT INTO chunks (id, document_id, "start", "end", section, segment, segment_row) '
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (chunk.id, new.document.id, chunk.start, chunk.end, chunk.section, new.segment, row),
            )
            heading = f"{chunk.title} {chunk.section}"
            entry = (cursor.lastrowid, heading, chunk.text)
            self._db.execute("INSERT INTO lexical (rowid, title, text) VALUES (?, ?, ?)", entry)


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
