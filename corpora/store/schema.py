"""The tables of the corpus store, and the way up from each older format.

Knows SQL and no Python types but the upgrade's.
"""

from __future__ import annotations

from corpora.records import content_id
from corpora.splits import hashed_position
from corpora.store.database import Database, Layout
from corpora.text.identifiers import identifier_terms

FORMAT = 4

_CHUNKS = """
CREATE TABLE chunks (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL REFERENCES documents(id),
  "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, section TEXT NOT NULL, page INTEGER, paragraph INTEGER NOT NULL) STRICT;
CREATE INDEX chunks_document ON chunks(document_id);
CREATE TABLE vectors (
  chunk INTEGER NOT NULL REFERENCES chunks(number) ON DELETE CASCADE, segment INTEGER NOT NULL REFERENCES segments(number),
  row INTEGER NOT NULL, PRIMARY KEY (chunk, segment)) STRICT, WITHOUT ROWID;
CREATE INDEX vectors_segment ON vectors(segment);
CREATE TABLE removed_chunks (number INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL) STRICT;
"""
_SEGMENTS = """
CREATE TABLE segments (
  number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, encoder TEXT NOT NULL, dimension INTEGER NOT NULL,
  count INTEGER NOT NULL) STRICT;
"""
# A document's readers are one of few lists, its audience; audience 0 is everybody.
_AROUND = """
CREATE TABLE audiences (number INTEGER PRIMARY KEY, readers TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO audiences VALUES (0, '[]');
CREATE TABLE splits (cluster TEXT PRIMARY KEY, stratum TEXT NOT NULL, position REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE strata (name TEXT PRIMARY KEY, number INTEGER NOT NULL, clusters INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE topics (
  collection TEXT NOT NULL, encoder TEXT NOT NULL, number INTEGER NOT NULL, total BLOB NOT NULL,
  PRIMARY KEY (collection, encoder, number)) STRICT;
CREATE TABLE versions (
  path TEXT NOT NULL, collection TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, document_id TEXT NOT NULL,
  sha256 TEXT NOT NULL, title TEXT NOT NULL, media_type TEXT NOT NULL, metadata TEXT NOT NULL, text TEXT, began TEXT NOT NULL,
  ended TEXT, PRIMARY KEY (path, collection, number)) STRICT;
CREATE INDEX versions_file ON versions(file, collection);
"""
# What filters ask of a document. In the table itself these stand behind the text, which SQLite would have to walk
# through.
_FACTS = """
CREATE INDEX documents_facts ON documents(id, collection, audience, title, source, media_type, metadata);
"""
_LEXICAL = """
CREATE VIRTUAL TABLE lexical USING fts5(title, text, identifiers, tokenize = "porter unicode61 remove_diacritics 2");
"""
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
{_AROUND}
CREATE TABLE documents (
  id TEXT PRIMARY KEY, collection TEXT NOT NULL, title TEXT NOT NULL, media_type TEXT NOT NULL, text TEXT NOT NULL,
  source TEXT NOT NULL, cluster TEXT NOT NULL, chunking TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{{}}',
  signature BLOB, duplicate_of TEXT, similarity REAL, content TEXT NOT NULL DEFAULT '',
  audience INTEGER NOT NULL DEFAULT 0 REFERENCES audiences(number)) STRICT;
CREATE INDEX documents_duplicate ON documents(duplicate_of);
CREATE INDEX documents_content ON documents(content);
CREATE TABLE sources (
  path TEXT NOT NULL, collection TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents(id), sha256 TEXT NOT NULL,
  file TEXT NOT NULL DEFAULT '', PRIMARY KEY (path, collection)) STRICT;
CREATE INDEX sources_file ON sources(file, collection);
CREATE INDEX sources_document ON sources(document_id);
CREATE TABLE files (
  path TEXT NOT NULL, collection TEXT NOT NULL, sha256 TEXT NOT NULL, chunking TEXT NOT NULL, given TEXT NOT NULL DEFAULT '{{}}',
  PRIMARY KEY (path, collection)) STRICT;
{_SEGMENTS}
{_CHUNKS}
CREATE TABLE failures (path TEXT NOT NULL, collection TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (path, collection)) STRICT;
{_FACTS}
{_LEXICAL}
"""

_FROM_1 = """
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
"""


def _from_2(database: Database) -> None:
    """Upgrade from format 2: rights, versions, kept splits, and a table of vectors.

    A chunk can have the vectors of two encoders then.
    """
    database.run(
        f"""
{_AROUND}
ALTER TABLE documents ADD COLUMN content TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN audience INTEGER NOT NULL DEFAULT 0 REFERENCES audiences(number);
CREATE INDEX documents_content ON documents(content);
ALTER TABLE files ADD COLUMN given TEXT NOT NULL DEFAULT '{{}}';
ALTER TABLE chunks RENAME TO old_chunks;
DROP INDEX chunks_document;
DROP INDEX IF EXISTS chunks_segment;
ALTER TABLE segments RENAME TO old_segments;
{_SEGMENTS}
INSERT INTO segments (name, encoder, dimension, count) SELECT name, encoder, dimension, count FROM old_segments ORDER BY name;
{_CHUNKS}
INSERT INTO chunks SELECT number, id, document_id, "start", "end", section, page, paragraph FROM old_chunks ORDER BY number;
INSERT INTO vectors SELECT o.number, s.number, o.segment_row FROM old_chunks o JOIN segments s ON s.name = o.segment;
DROP TABLE old_chunks;
DROP TABLE old_segments;
INSERT INTO versions SELECT s.path, s.collection, 1, s.file, d.id, s.sha256, d.title, d.media_type, d.metadata, NULL, '', NULL
  FROM sources s JOIN documents d ON d.id = s.document_id;
"""  # noqa: S608 - constants
    )
    documents = database.execute("SELECT id, collection, text, cluster FROM documents").fetchall()
    for identity, collection, text, cluster in documents:
        database.execute("UPDATE documents SET content = ? WHERE id = ?", (content_id(collection, text), identity))
        # Where a document was is where it stays: the split of formats 1 and 2 was a hash of the cluster.
        row = (cluster, collection, hashed_position(cluster))
        database.execute("INSERT OR IGNORE INTO splits VALUES (?, ?, ?)", row)
    database.execute(
        "INSERT INTO strata SELECT stratum, row_number() OVER (ORDER BY stratum) - 1, count(*) FROM splits GROUP BY stratum"
    )


def lexical_row(title: str, text: str) -> tuple[str, str, str]:
    """A chunk's title, text and identifiers as the columns of `lexical` hold them.

    `title` is that of its document with its section.
    """
    return title, text, " ".join(identifier_terms(f"{title}\n{text}"))


def _from_3(database: Database) -> None:
    """Upgrade from format 3: identifiers in the lexical index, and an index of the facts that filters ask for."""
    database.run(f"ALTER TABLE lexical RENAME TO old_lexical;\n{_FACTS}{_LEXICAL}")
    old = database.execute("SELECT rowid, title, text FROM old_lexical ORDER BY rowid")
    add = "INSERT INTO lexical (rowid, title, text, identifiers) VALUES (?, ?, ?, ?)"
    for number, title, text in old:
        database.execute(add, (number, *lexical_row(title, text)))
    database.run("DROP TABLE old_lexical")


LAYOUT = Layout("a corpus store", FORMAT, _SCHEMA, {1: _FROM_1, 2: _from_2, 3: _from_3}, {"snapshot": "0"})
