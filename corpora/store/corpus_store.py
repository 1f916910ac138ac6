"""The corpus store: one SQLite database that is the only commit point of a workspace.

Holds documents, chunks, the lexical index (FTS5, so that it commits with the rest) and where each vector lies. Knows no
encoder and no FAISS: a segment is a file name to it. Every change is one transaction that also raises the snapshot
number.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpora.errors import CorruptStore
from corpora.records import Chunk, Document, Version, content_id
from corpora.store.bm25 import SCORED_ROWS, best_chunks, few_permitted
from corpora.store.changes import Change, FinishedFile, MovedVectors, NewDocument, Segment, StoredVectors, TopicSum
from corpora.store.database import Database, of_the_disk
from corpora.store.filters import EVERYTHING, Filter
from corpora.store.schema import LAYOUT
from corpora.store.source_attributes import EVERYBODY, SourceAttributes, attributes_from_json
from corpora.store.vector_rows import VectorPlaces
from corpora.store.writer_lock import other_writer

_DOCUMENT_COLUMNS = """
SELECT d.id, d.collection, d.title, d.media_type, d.text, d.source, d.cluster, d.metadata, a.readers, p.position
FROM documents d JOIN audiences a ON a.number = d.audience JOIN splits p ON p.cluster = d.cluster
"""
_CHUNK_COLUMNS = """
SELECT c.id, c.document_id, c."start", c."end", substr(d.text, c."start" + 1, c."end" - c."start"), d.title, c.section,
       d.source, d.collection, c.page, c.paragraph
FROM chunks c JOIN documents d ON d.id = c.document_id
"""
KEEP_VERSIONS = 5
_FILTERS_KEPT = 32


class CorpusStore:
    """The store at `path`; creates it when absent. Raises StoreError when it is not one or is of a newer format.

    One that a killed writer left without a seal is looked through, once, and sealed: 9 ms a megabyte. Raises
    CorruptStore.
    """

    def __init__(self, path: Path) -> None:
        """Open, create with mode 0600, or upgrade."""
        self.path = path
        self._db = Database(path, LAYOUT)
        self.vectors = VectorPlaces(self._db)
        self._few_at, self._few = -1, dict[tuple[Filter, int], str | None]()
        if self._db.unsealed and not other_writer(path.parent):
            self._look_through()

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
        rows = self._db.execute(f"{_DOCUMENT_COLUMNS} WHERE ?1 IS NULL OR d.collection = ?1 ORDER BY d.id", (collection,))
        return [_document(row) for row in rows]

    def document(self, document_id: str) -> Document | None:
        """One document, or None."""
        row = self._db.execute(f"{_DOCUMENT_COLUMNS} WHERE d.id = ?", (document_id,)).fetchone()
        return _document(row) if row else None

    def source_digests(self, collection: str) -> dict[str, tuple[str, str]]:
        """Path of every finished file → (sha256 of it as it was read, the chunking its chunks were made with)."""
        rows = self._db.execute("SELECT path, sha256, chunking FROM files WHERE collection = ?", (collection,))
        return {path: (sha256, chunking) for path, sha256, chunking in rows}

    def given(self, collection: str) -> dict[str, SourceAttributes]:
        """Path of every finished file → its readers and facts, as given when it was added."""
        rows = self._db.execute("SELECT path, given FROM files WHERE collection = ?", (collection,))
        return {path: attributes_from_json(text) for path, text in rows}

    def identity(self, collection: str, text: str, readers: Sequence[str] = EVERYBODY) -> str:
        """The id of the document with this text and these readers, or the one that it would get.

        Copies of a text with other readers are documents of their own, so that nobody finds one through the other.
        """
        content, audience = content_id(collection, text), json.dumps(list(readers), ensure_ascii=False)
        row = self._db.execute(
            "SELECT d.id FROM documents d JOIN audiences a ON a.number = d.audience WHERE d.content = ? AND a.readers = ?",
            (content, audience),
        ).fetchone()
        if row is not None:
            return str(row[0])
        identity = content_id("document", collection, text, *readers)
        while self._db.execute("SELECT 1 FROM documents WHERE id = ?", (identity,)).fetchone():
            identity = content_id("document", identity, audience)  # its readers were changed since
        return identity

    def parts(self, path: str, collection: str) -> frozenset[str]:
        """The sources of the documents that the file `path` holds."""
        rows = self._db.execute("SELECT path FROM sources WHERE file = ? AND collection = ?", (path, collection))
        return frozenset(row[0] for row in rows)

    def signatures(self, collection: str) -> dict[str, bytes]:
        """Document id → MinHash of every document of the collection that has one."""
        statement = "SELECT id, signature FROM documents WHERE collection = ? AND signature IS NOT NULL ORDER BY id"
        return dict(self._db.execute(statement, (collection,)))

    def standing(self, document_id: str) -> tuple[str, bool, tuple[str, ...]]:
        """A document's `(cluster, whether it is indexed, its readers)`."""
        statement = (
            "SELECT d.cluster, d.duplicate_of IS NULL, a.readers FROM documents d JOIN audiences a ON a.number = d.audience "
        )
        row = self._db.execute(f"{statement} WHERE d.id = ?", (document_id,)).fetchone()
        return str(row[0]), bool(row[1]), tuple(json.loads(row[2]))

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

    def titles_and_sources(self, collection: str | None = None) -> list[tuple[str, str, list[str]]]:
        """`(id, title, every source)` of all documents, or of a collection, by id."""
        rows = self._db.execute(
            "SELECT d.id, d.title, s.path FROM documents d JOIN sources s ON s.document_id = d.id "
            "WHERE ?1 IS NULL OR d.collection = ?1 ORDER BY d.id, s.path",
            (collection,),
        )
        documents: dict[str, tuple[str, str, list[str]]] = {}
        for identity, title, path in rows:
            documents.setdefault(identity, (identity, title, []))[2].append(path)
        return list(documents.values())

    def chunks(self, document_id: str | None = None) -> list[Chunk]:
        """Chunks in the order of document and position."""
        rows = self._db.execute(
            'SELECT c.id, c.document_id, c."start", c."end", d.title, c.section, d.source, d.collection, c.page, c.paragraph '
            "FROM chunks c JOIN documents d ON d.id = c.document_id "
            'WHERE ?1 IS NULL OR c.document_id = ?1 ORDER BY c.document_id, c."start"',
            (document_id,),
        )
        chunks: list[Chunk] = []
        text, text_document = "", None
        for identity, document, start, end, *facts in rows:
            if (
                document != text_document
            ):  # cut here: SQLite's substr counts from the text's start every time, 18 s for 300 pages
                text = self._db.execute("SELECT text FROM documents WHERE id = ?", (document,)).fetchone()[0]
                text_document = document
            chunks.append(Chunk(identity, document, start, end, text[start:end], *facts))
        return chunks

    def chunks_by_id(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks that exist among `ids`."""
        chunks: dict[str, Chunk] = {}
        for first in range(0, len(ids), 500):
            part = list(ids[first : first + 500])
            marks = ",".join("?" * len(part))
            for row in self._db.execute(f"{_CHUNK_COLUMNS} WHERE c.id IN ({marks})", part):
                chunks[row[0]] = Chunk(*row)
        return chunks

    def chunk_ids(self, numbers: Sequence[int]) -> dict[int, str]:
        """Number → id of the chunks that exist among `numbers`."""
        chunk_ids: dict[int, str] = {}
        for first in range(0, len(numbers), 500):
            part = list(numbers[first : first + 500])
            marks = ",".join("?" * len(part))
            chunk_ids.update(self._db.execute(f"SELECT number, id FROM chunks WHERE number IN ({marks})", part))  # noqa: S608 - marks
        return chunk_ids

    def segments(self) -> list[Segment]:
        """The segments that chunks live in, by name."""
        rows = self._db.execute("SELECT name, encoder, dimension, count FROM segments ORDER BY name")
        return [Segment(*row) for row in rows]

    def topics(self, collection: str, encoder: str) -> list[TopicSum]:
        """The topics of the collection, by number, as they were found when its documents came."""
        rows = self._db.execute(
            "SELECT number, total FROM topics WHERE collection = ? AND encoder = ? ORDER BY number", (collection, encoder)
        )
        return [TopicSum(collection, encoder, number, total) for number, total in rows]

    def versions(self, name: str) -> list[Version]:
        """The versions of every source called `name`, itself or by its file, oldest first.

        Those of removed sources too.
        """
        rows = self._db.execute(
            "SELECT v.path, v.collection, v.number, v.document_id, v.sha256, v.title, v.media_type, v.metadata, "
            "coalesce(v.text, d.text), v.began, v.ended FROM versions v LEFT JOIN documents d ON d.id = v.document_id "
            "WHERE v.path = ?1 OR v.file = ?1 OR v.document_id = ?1 ORDER BY v.path, v.collection, v.number",
            (name,),
        )
        return [_version(row) for row in rows]

    def files_in_history(self, name: str) -> list[tuple[str, str]]:
        """`(path, collection)` of the files that are, or were once, called `name`."""
        rows = self._db.execute(
            "SELECT DISTINCT file, collection FROM versions WHERE path = ?1 OR file = ?1 OR document_id = ?1 ORDER BY 1, 2",
            (name,),
        )
        return [(path, collection) for path, collection in rows]

    def documents_in_history(self, path: str, collection: str) -> set[str]:
        """Ids of every document that the file holds or once held."""
        rows = self._db.execute("SELECT document_id FROM versions WHERE file = ? AND collection = ?", (path, collection))
        return {row[0] for row in rows}

    def permitted(self, document_filter: Filter) -> list[int]:
        """Numbers of the chunks of the documents that `document_filter` lets through, in no order."""
        condition, values = document_filter.sql()
        rows = self._db.execute(
            f"SELECT c.number FROM documents d JOIN chunks c ON c.document_id = d.id WHERE {condition}",  # noqa: S608 - built of constants
            values,
        )
        return [row[0] for row in rows]

    def lexical_search(
        self, terms: Sequence[str], limit: int, document_filter: Filter = EVERYTHING, scored_rows: int = SCORED_ROWS
    ) -> list[tuple[str, float]]:
        """`(chunk_id, BM25 score)` of the chunks with any of the terms, best first, ties by chunk id.

        See `best_chunks`.
        """
        snapshot = self.snapshot
        if self._few_at != snapshot:
            self._few_at, self._few = snapshot, {}
        key = document_filter, scored_rows
        if key not in self._few:
            if len(self._few) >= _FILTERS_KEPT:
                self._few.clear()
            self._few[key] = few_permitted(self._db, document_filter, scored_rows)
        return best_chunks(self._db, terms, limit, document_filter, scored_rows, self._few[key])

    def chunks_with(self, words: Sequence[str], limit: int) -> list[str]:
        """Ids of the chunks whose text has all of `words`, best first.

        `words` has one at least; forms of a word count as one.
        """
        match = " AND ".join(f'"{word}"' for word in words)
        rows = self._db.execute(
            "SELECT c.id FROM lexical JOIN chunks c ON c.number = lexical.rowid WHERE lexical MATCH ? "
            "ORDER BY bm25(lexical, 0.0, 1.0, 0.0), c.id LIMIT ?",
            (f"text : ({match})", limit),
        )
        return [row[0] for row in rows]

    def find_documents(self, name: str) -> list[Document]:
        """Documents called `name`, by id, source, file or title.

        Of an id its first eight digits are enough.
        """
        start = name if len(name) >= 8 else "-"
        called = "d.id = ?1 OR substr(d.id, 1, length(?2)) = ?2 OR d.title = ?1"
        contained = "d.id IN (SELECT document_id FROM sources WHERE path = ?1 OR file = ?1)"
        rows = self._db.execute(f"{_DOCUMENT_COLUMNS} WHERE {called} OR {contained} ORDER BY d.id", (name, start))
        return [_document(row) for row in rows]

    def overview(self, collection: str | None = None) -> list[dict[str, Any]]:
        """One entry a document, by source, without its text: what a list of documents shows."""
        rows = self._db.execute(
            "SELECT d.id, d.title, d.collection, d.source, d.media_type, length(d.text), d.metadata, d.cluster, "
            "(SELECT count(*) FROM chunks c WHERE c.document_id = d.id), "
            "(SELECT count(*) FROM sources s WHERE s.document_id = d.id), d.duplicate_of, d.similarity, a.readers "
            "FROM documents d JOIN audiences a ON a.number = d.audience WHERE ?1 IS NULL OR d.collection = ?1 ORDER BY d.source, d.id",
            (collection,),
        )
        names = (
            "document_id title collection source media_type characters metadata cluster chunks sources duplicate_of similarity "
            "readers"
        )
        entries = [dict(zip(names.split(), row, strict=True)) for row in rows]
        return [{**e, "metadata": json.loads(e["metadata"]), "readers": json.loads(e["readers"])} for e in entries]

    def files(self, collection: str | None = None) -> list[tuple[str, str]]:
        """`(path, collection)` of every file that documents were read from."""
        rows = self._db.execute(
            "SELECT DISTINCT file, collection FROM sources WHERE ?1 IS NULL OR collection = ?1 ORDER BY 1, 2", (collection,)
        )
        return [(path, file_collection) for path, file_collection in rows]

    def files_of(self, document_id: str) -> list[tuple[str, str]]:
        """`(path, collection)` of every file that holds the document."""
        rows = self._db.execute(
            "SELECT DISTINCT file, collection FROM sources WHERE document_id = ? ORDER BY 1", (document_id,)
        )
        return [(path, collection) for path, collection in rows]

    def scrub(self) -> None:
        """Erase from the file what was deleted, see `Database.scrub`.

        The lexical index forgets its words first.
        """
        with self._db.changing():
            self._db.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")
        self._db.scrub()

    def counts(self) -> dict[str, int]:
        """Documents, chunks and failed files, with the snapshot."""
        count = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks), (SELECT count(*) FROM failures)"
        documents, chunks, failed = self._db.execute(count).fetchone()
        return {"documents": documents, "chunks": chunks, "failed": failed, "snapshot": self.snapshot}

    def failures(self) -> list[tuple[str, str, str]]:
        """`(path, collection, reason)` of every file, or part of one, that did not become a document."""
        return list(self._db.execute("SELECT path, collection, reason FROM failures ORDER BY path, collection"))

    def integrity(self) -> str | None:
        """What is damaged in the file, or None.

        Its pages, its lexical index, or a text that is not what was written.
        """
        try:
            return self._damage()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            return str(error)

    def _damage(self) -> str | None:
        result = self._db.execute("PRAGMA integrity_check").fetchone()[0]
        self._db.execute("INSERT INTO lexical (lexical) VALUES ('integrity-check')")  # changes nothing
        for identity, collection, text, content in self._db.execute("SELECT id, collection, text, content FROM documents"):
            if content_id(collection, text) != content:
                return f"the text of document {identity} is not what was written"
        return None if result == "ok" else str(result)

    def _look_through(self) -> None:
        try:
            damage = self._damage()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if of_the_disk(error):
                return  # somebody writes after all, or the disk is in the way: it stays unsealed, and the next opening looks
            damage = str(error)
        if damage is None:
            self._db.seal()
            return
        self._db.close()
        raise CorruptStore(f"{self.path} is damaged: {damage}; restore a backup (`raftsmith restore`)")

    def commit(
        self,
        added: Sequence[NewDocument] = (),
        removed_paths: Sequence[tuple[str, str]] = (),
        segment: Segment | None = None,
        failed: Sequence[tuple[str, str, str]] = (),
        finished: Sequence[FinishedFile] = (),
        topics: Sequence[TopicSum] = (),
        readers: Sequence[tuple[str, str, SourceAttributes]] = (),
        forgotten: Sequence[tuple[str, str]] = (),
        vectors: Sequence[StoredVectors] = (),
        moved: Sequence[MovedVectors] = (),
        superseded: Sequence[str] = (),
        keep_versions: int = KEEP_VERSIONS,
    ) -> int:
        """Apply one change atomically and give the new snapshot number.

        `removed_paths` are (path of a file, collection); a document goes when its last source goes. An added document
        replaces what its source held before. `failed` are (path, collection, reason). `readers` are (path, collection,
        what is now said of it). The history of `forgotten` files, (path, collection), goes. `vectors` are further ones
        of chunks that are there afterwards, `moved` ones lie elsewhere now, and those of `superseded` encoders go. Of
        each source `keep_versions` old texts are kept. Raises StoreError, nothing changed.
        """
        with self._db.changing():
            snapshot = self.snapshot + 1
            change = Change(self._db, snapshot, datetime.now(UTC).isoformat(timespec="seconds"), keep_versions)
            if segment is not None:
                change.add_segment(segment)
            for path, collection in removed_paths:
                change.remove_file(path, collection)
            for new in added:
                change.add(new)
            for stored in vectors:
                change.add_vectors(stored)
            for moved_vectors in moved:
                change.move_vectors(moved_vectors)
            for encoder in superseded:
                change.drop_vectors(encoder)
            for file in finished:
                change.finish(file)
            for failure in failed:
                change.fail(*failure)
            for entry in readers:
                change.set_readers(*entry)
            change.keep_topics(topics)
            change.forget_versions(forgotten)
            change.close()
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'snapshot'", (str(snapshot),))
        return snapshot

    def forget_segment(self, name: str) -> int:
        """Take out every document with a chunk in segment `name`, whose file is lost, and give their number."""
        rows = self._db.execute(
            "SELECT DISTINCT s.file, s.collection FROM segments g JOIN vectors v ON v.segment = g.number "
            "JOIN chunks c ON c.number = v.chunk JOIN sources s ON s.document_id = c.document_id WHERE g.name = ?",
            (name,),
        ).fetchall()
        self.commit(removed_paths=rows)
        return len(rows)


def _document(row: tuple[Any, ...]) -> Document:
    identity, collection, title, media_type, text, source, cluster, metadata, readers, position = row
    facts = json.loads(metadata), tuple(json.loads(readers)), position
    return Document(identity, collection, title, media_type, text, source, cluster, *facts)


def _version(row: tuple[Any, ...]) -> Version:
    source, collection, number, document_id, sha256, title, media_type, metadata, text, began, ended = row
    content = sha256, title, media_type, json.loads(metadata), text
    return Version(source, collection, number, document_id, *content, began, ended)
