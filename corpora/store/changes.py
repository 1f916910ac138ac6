"""The changes of one commit of the corpus store: documents, files, rights and segments.

Works inside of the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from corpora.records import Chunk, Document, content_id
from corpora.splits import joined_positions, stratified_position
from corpora.store.database import Database
from corpora.store.schema import lexical_row
from corpora.store.source_attributes import SourceAttributes


@dataclass(frozen=True)
class NewDocument:
    """A document that a commit adds.

    With its chunks, its file's digest, how it was cut, and where its vectors are.

    `file` is the path of the file that it was read from; "" where that is the document's source. `signature` is its
    MinHash. `duplicate_of` is the indexed document that says the same, with its `similarity` in 0–1; such a document
    has no chunks. `merged` are clusters that this document shows to be one with its own. `stratum` is the group, of
    collection and topic, that a new cluster is split within.
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
    stratum: str = ""


@dataclass(frozen=True)
class FinishedFile:
    """A file of which every document is committed; what else it held before, and `parts` does not name, goes."""

    path: str
    collection: str
    sha256: str
    chunking: str
    parts: frozenset[str]
    attributes: SourceAttributes = field(default_factory=SourceAttributes)


@dataclass(frozen=True)
class Segment:
    """An immutable vector file named in the store: `count` rows of `dimension` float32 made by `encoder`."""

    name: str
    encoder: str
    dimension: int
    count: int


@dataclass(frozen=True)
class StoredVectors:
    """Vectors of chunks that are in the store, or come with the same commit: `(chunk id, row)` in `segment`."""

    segment: Segment
    rows: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class MovedVectors:
    """Vectors that are now in another segment.

    `rows` are `(chunk number, number of the old segment, row in segment)`.
    """

    segment: Segment
    rows: Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class TopicSum:
    """A topic of a collection: the sum of the directions of its documents' vectors.

    `total` holds float32 bytes of the encoder's dimension.
    """

    collection: str
    encoder: str
    number: int
    total: bytes


class Change:
    """The writes of one commit, inside one transaction of `database`.

    The commit's snapshot will be `snapshot`.
    """

    def __init__(self, database: Database, snapshot: int, now: str, keep_versions: int) -> None:
        """`now` is the time that versions begin and end at, ISO 8601; of each source so many old texts are kept."""
        self._db, self._snapshot, self._now, self._keep_versions = database, snapshot, now, keep_versions
        self._removed = False
        self._segments: list[str] = []

    def add_segment(self, segment: Segment) -> None:
        """Name a segment file; no change when it is named already."""
        self._segments.append(segment.name)
        values = (segment.name, segment.encoder, segment.dimension, segment.count)
        self._db.execute("INSERT OR IGNORE INTO segments (name, encoder, dimension, count) VALUES (?, ?, ?, ?)", values)

    def add_vectors(self, stored: StoredVectors) -> None:
        """Further vectors of chunks that are there; what is gone meanwhile, or has one by this encoder, is left out."""
        self.add_segment(stored.segment)
        self._further_vectors(stored.segment.name, stored.rows)

    def _further_vectors(self, segment: str, rows: Iterable[tuple[str, int]]) -> None:
        self._db.executemany(
            "INSERT INTO vectors SELECT c.number, s.number, ?3 FROM chunks c, segments s WHERE c.id = ?2 AND s.name = ?1 AND NOT EXISTS "
            "(SELECT 1 FROM vectors v JOIN segments o ON o.number = v.segment WHERE v.chunk = c.number AND o.encoder = s.encoder)",
            [(segment, chunk_id, row) for chunk_id, row in rows],
        )

    def move_vectors(self, moved: MovedVectors) -> None:
        """Record the new segment and row of vectors; segments that are empty then are removed."""
        self.add_segment(moved.segment)
        number = self._db.execute("SELECT number FROM segments WHERE name = ?", (moved.segment.name,)).fetchone()[0]
        self._db.executemany(
            "UPDATE vectors SET segment = ?, row = ? WHERE chunk = ? AND segment = ?",
            [(number, row, chunk, old) for chunk, old, row in moved.rows],
        )
        self._removed = True

    def drop_vectors(self, encoder: str) -> None:
        """Take out all vectors that `encoder` made."""
        own_segments = "SELECT number FROM segments WHERE encoder = ?"
        self._db.execute(f"DELETE FROM vectors WHERE segment IN ({own_segments})", (encoder,))  # noqa: S608 - constant
        self._db.execute("DELETE FROM segments WHERE encoder = ?", (encoder,))

    def keep_topics(self, topics: Iterable[TopicSum]) -> None:
        """Replace what is known of these topics."""
        rows = [(topic.collection, topic.encoder, topic.number, topic.total) for topic in topics]
        self._db.executemany("INSERT OR REPLACE INTO topics VALUES (?, ?, ?, ?)", rows)

    def remove_file(self, path: str, collection: str, keep: frozenset[str] = frozenset()) -> None:
        """Take out what was read from a file, but for the sources in `keep`, and forget its failures."""
        sources = self._db.execute("SELECT path FROM sources WHERE file = ? AND collection = ?", (path, collection)).fetchall()
        for (source,) in sources:
            if source not in keep:
                self._remove_source(source, collection)
        key = (path, collection)
        self._db.execute("DELETE FROM files WHERE path = ? AND collection = ?", key)
        self._db.execute(
            "DELETE FROM failures WHERE collection = ?2 AND (path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '#')", key
        )

    def finish(self, file: FinishedFile) -> None:
        """Record that every document of a file is in; what it no longer holds is removed."""
        self.remove_file(file.path, file.collection, keep=file.parts)
        row = (file.path, file.collection, file.sha256, file.chunking, file.attributes.to_json())
        self._db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)

    def fail(self, path: str, collection: str, reason: str) -> None:
        """Keep why a file, or a part of one, did not become a document."""
        self._db.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (path, collection, reason))

    def set_readers(self, path: str, collection: str, attributes: SourceAttributes) -> None:
        """Change who may read what the file holds, from this commit on."""
        self._db.execute(
            "UPDATE files SET given = ? WHERE path = ? AND collection = ?", (attributes.to_json(), path, collection)
        )
        own_documents = "SELECT document_id FROM sources WHERE file = ? AND collection = ?"
        audience = self._audience(attributes.readers)
        self._db.execute(f"UPDATE documents SET audience = ? WHERE id IN ({own_documents})", (audience, path, collection))  # noqa: S608 - constant
        self._removed = True  # what was left out as a copy may have other readers now than what it is a copy of

    def forget_versions(self, files: Sequence[tuple[str, str]]) -> None:
        """Drop the history of files, `(path, collection)`, with the texts kept in it."""
        self._db.executemany("DELETE FROM versions WHERE file = ? AND collection = ?", files)

    def close(self) -> None:
        """Finish the change: segments without chunks go, and copies of a removed document are to be read again."""
        unused = "DELETE FROM segments WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.segment = segments.number)"
        for name in self._segments:  # of documents that were all there already
            self._db.execute(f"{unused} AND name = ?", (name,))
        if self._removed:
            self._db.execute(unused)
            self._db.execute(
                # The few copies first: SQLite by itself goes through all sources.
                "DELETE FROM files WHERE (path, collection) IN (SELECT s.file, s.collection FROM documents d "
                "INDEXED BY documents_duplicate CROSS JOIN sources s ON s.document_id = d.id LEFT JOIN documents o ON o.id = d.duplicate_of "
                "WHERE d.duplicate_of IS NOT NULL AND (o.id IS NULL OR o.audience != d.audience))"
            )

    def add(self, new: NewDocument) -> None:
        """Add a document, or a further source of one; it replaces what its source held before."""
        document = new.document
        key = (document.source, document.collection)
        before = self._db.execute("SELECT document_id FROM sources WHERE path = ? AND collection = ?", key).fetchone()
        if before is not None and before[0] != document.id:
            self._remove_source(*key)
        self._db.execute("DELETE FROM failures WHERE path = ? AND collection = ?", key)
        self._place(new)
        stored = self._db.execute(
            "SELECT chunking, duplicate_of IS NOT NULL FROM documents WHERE id = ?", (document.id,)
        ).fetchone()
        metadata = json.dumps(dict(document.metadata), ensure_ascii=False, sort_keys=True)
        if stored is None:
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.id,
                    document.collection,
                    document.title,
                    document.media_type,
                    document.text,
                    document.source,
                    document.cluster,
                    new.chunking,
                    metadata,
                    new.signature,
                    new.duplicate_of,
                    new.similarity,
                    content_id(document.collection, document.text),
                    self._audience(document.readers),
                ),
            )
            self._add_chunks(new)
        elif stored != (new.chunking, int(new.duplicate_of is not None)):
            # Another file with this text keeps the document, but its chunks are of the old kind, or wanted now and not
            # before. Where only the encoder is another one, the vectors by those before stay, so that one can go back.
            same = self._has_chunks(new)
            if not same:
                self._remove_chunks(document.id)
            self._db.execute(
                "UPDATE documents SET chunking = ?, title = ?, signature = ?, duplicate_of = ?, similarity = ? WHERE id = ?",
                (new.chunking, document.title, new.signature, new.duplicate_of, new.similarity, document.id),
            )
            if same:
                self._further_vectors(
                    new.segment, ((chunk.id, row) for row, chunk in enumerate(new.chunks, start=new.first_row))
                )
            else:
                self._add_chunks(new)
        if before is not None and before[0] == document.id:  # the same text again: the file's facts may be new
            self._db.execute("UPDATE documents SET metadata = ? WHERE id = ?", (metadata, document.id))
        file = new.file or document.source
        self._db.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?)", (*key, document.id, new.sha256, file))
        self._begin_version(new, file, metadata)

    def _place(self, new: NewDocument) -> None:
        """Give the document's cluster its position among the splits, once.

        Clusters that are found to be one keep one position.
        """
        cluster = new.document.cluster
        names = (cluster, *new.merged)
        marks = ",".join("?" * len(names))
        rows = self._db.execute(f"SELECT stratum, position FROM splits WHERE cluster IN ({marks})", names).fetchall()  # noqa: S608 - marks
        if rows:
            stratum, position = rows[0][0], joined_positions(position for _, position in rows)
        else:
            stratum = new.stratum or new.document.collection
            self._db.execute("INSERT OR IGNORE INTO strata SELECT ?, count(*), 0 FROM strata", (stratum,))
            number, count = self._db.execute("SELECT number, clusters FROM strata WHERE name = ?", (stratum,)).fetchone()
            self._db.execute("UPDATE strata SET clusters = clusters + 1 WHERE name = ?", (stratum,))
            position = stratified_position(number, count)
        for merged in new.merged:
            self._db.execute("UPDATE documents SET cluster = ? WHERE cluster = ?", (cluster, merged))
            self._db.execute("DELETE FROM splits WHERE cluster = ?", (merged,))
        self._db.execute("INSERT OR REPLACE INTO splits VALUES (?, ?, ?)", (cluster, stratum, position))

    def _audience(self, readers: Sequence[str]) -> int:
        """The number of the list of readers; a new one where it is new."""
        text = json.dumps(list(readers), ensure_ascii=False)
        self._db.execute("INSERT OR IGNORE INTO audiences (readers) VALUES (?)", (text,))
        return int(self._db.execute("SELECT number FROM audiences WHERE readers = ?", (text,)).fetchone()[0])

    def _begin_version(self, new: NewDocument, file: str, metadata: str) -> None:
        document = new.document
        key = (document.source, document.collection)
        last = self._db.execute(
            "SELECT number, document_id, ended FROM versions WHERE path = ? AND collection = ? ORDER BY number DESC LIMIT 1",
            key,
        ).fetchone()
        if last is not None and last[1:] == (document.id, None):
            return
        row = (last[0] + 1 if last else 1, file, document.id, new.sha256, document.title, document.media_type, metadata)
        self._db.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL)", (*key, *row, self._now))

    def _end_version(self, path: str, collection: str) -> None:
        """Close the source's open version: it takes the document's text along, and the oldest kept text goes."""
        key = (path, collection)
        text = "(SELECT text FROM documents d WHERE d.id = versions.document_id)" if self._keep_versions else "NULL"
        self._db.execute(
            f"UPDATE versions SET ended = ?, text = {text} WHERE path = ? AND collection = ? AND ended IS NULL",  # noqa: S608 - constant
            (self._now, *key),
        )
        self._db.execute(
            "UPDATE versions SET text = NULL WHERE path = ?1 AND collection = ?2 AND number <= "
            "(SELECT max(number) FROM versions WHERE path = ?1 AND collection = ?2) - ?3",
            (*key, self._keep_versions),
        )

    def _remove_source(self, path: str, collection: str) -> None:
        key = (path, collection)
        row = self._db.execute("SELECT document_id FROM sources WHERE path = ? AND collection = ?", key).fetchone()
        if row is None:
            return
        self._removed = True
        self._end_version(path, collection)
        self._db.execute("DELETE FROM sources WHERE path = ? AND collection = ?", key)
        other_source = self._db.execute("SELECT min(path) FROM sources WHERE document_id = ?", row).fetchone()[0]
        if other_source is None:
            self._remove_chunks(row[0])
            self._db.execute("DELETE FROM documents WHERE id = ?", row)
        else:
            self._db.execute("UPDATE documents SET source = ? WHERE id = ? AND source = ?", (other_source, row[0], path))

    def _remove_chunks(self, document_id: str) -> None:
        self._removed = True
        own_chunks = "SELECT number FROM chunks WHERE document_id = ?1"
        self._db.execute(f"INSERT INTO removed_chunks SELECT number, ?2 FROM ({own_chunks})", (document_id, self._snapshot))  # noqa: S608
        self._db.execute(f"DELETE FROM lexical WHERE rowid IN ({own_chunks})", (document_id,))  # noqa: S608 - constant
        self._db.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,))

    def _has_chunks(self, new: NewDocument) -> bool:
        """Whether the store's document has the very chunks of `new`, under the same title."""
        statement = "SELECT id, section, page, paragraph FROM chunks WHERE document_id = ?"
        stored = set(self._db.execute(statement, (new.document.id,)))
        title = self._db.execute("SELECT title FROM documents WHERE id = ?", (new.document.id,)).fetchone()[0]
        new_chunks = {(chunk.id, chunk.section, chunk.page, chunk.paragraph) for chunk in new.chunks}
        return bool(title == new.document.title and stored == new_chunks)

    def _add_chunks(self, new: NewDocument) -> None:
        segment = self._db.execute("SELECT number FROM segments WHERE name = ?", (new.segment,)).fetchone()
        for row, chunk in enumerate(new.chunks, start=new.first_row):
            cursor = self._db.execute(
                'INSERT INTO chunks (id, document_id, "start", "end", section, page, paragraph) VALUES (?, ?, ?, ?, ?, ?, ?)',
                (chunk.id, new.document.id, chunk.start, chunk.end, chunk.section, chunk.page, chunk.paragraph),
            )
            number = cursor.lastrowid
            if segment is not None:
                self._db.execute("INSERT INTO vectors VALUES (?, ?, ?)", (number, segment[0], row))
            entry = (number, *lexical_row(f"{chunk.title} {chunk.section}", chunk.text))
            self._db.execute("INSERT INTO lexical (rowid, title, text, identifiers) VALUES (?, ?, ?, ?)", entry)
