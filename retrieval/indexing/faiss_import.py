"""An existing FAISS index with its texts into a store: vectors are kept, not made again, once the encoder is shown to have made them.

A row becomes a document of one chunk, since a vector belongs to exactly one text. Knows no FAISS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpora.chunking.chunker import join_blocks
from corpora.durable_files import sha256_file
from corpora.errors import QuestionsError, StoreError
from corpora.ingest.file_discovery import source_name
from corpora.questions.content import read_table, read_text
from corpora.questions.evidence import paragraphs
from corpora.records import Chunk, Document, content_id
from corpora.store.changes import FinishedFile, NewDocument, Segment
from corpora.store.corpus_store import CorpusStore
from corpora.text.cleaning import clean, clean_line
from corpora.text.near_duplicates import signature
from retrieval.chunk_vectors.segment_compaction import sweep_segments
from retrieval.chunk_vectors.segments import write_segment
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.indexing.faiss_reading import FaissVectors

BATCH_ROWS = 20_000
SAMPLE = 24
LEAST_COSINE = {True: 0.99, False: 0.85}
"""Between a stored vector and the encoder's own of the same text: exact vectors, and compressed ones."""
_TEXT, _ID, _TITLE = ("text", "page_content", "content"), ("id", "_id", "chunk_id"), ("title",)
EXPORT = (
    "write one JSON object a line, in the order of the index, with text, id and metadata. From a LangChain FAISS store that you "
    "trust, in its own environment: store = FAISS.load_local(...); for i in range(store.index.ntotal): "
    "d = store.docstore.search(store.index_to_docstore_id[i]); "
    'print(json.dumps({"id": d.id, "text": d.page_content, "metadata": d.metadata}))'
)


@dataclass(frozen=True)
class TextRow:
    """One text as it was exported; `vector` is its id in the index, None where the row's number says it."""

    id: str
    text: str
    title: str
    metadata: Mapping[str, str]
    vector: int | None


@dataclass
class ImportReport:
    """What was imported: documents, rows left out by reason, the index's kind, and how well encoder and vectors agree."""

    documents: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    kind: str = ""
    exact: bool = True
    cosine: float = 0.0
    sha256: str = ""
    snapshot: int = 0

    def leave_out(self, reason: str) -> None:
        """Count one row that is not imported."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def read_texts(path: Path) -> list[TextRow]:
    """The rows of a JSON-lines file. Raises StoreError with a recipe for a pickled docstore, and for rows without a text."""
    try:
        with path.open("rb") as handle:
            head = handle.read(2)
        if head[:1] == b"\x80" or path.suffix in (".pkl", ".pickle"):
            raise StoreError(f"{path} is a pickle, which can run code and is never opened; {EXPORT}")
        table = read_table(read_text(path), None, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    except QuestionsError as error:
        raise StoreError(f"{str(error).partition('. Accepted')[0]}; {EXPORT}") from error
    if table.broken:
        raise StoreError(f"{path}, {table.broken[0][0]}: {table.broken[0][1]}; {EXPORT}")
    return [_row(path, place, number, row) for number, (place, row) in enumerate(table.rows)]


def _row(path: Path, place: str, number: int, row: Mapping[str, Any]) -> TextRow:
    text = next((row[name] for name in _TEXT if isinstance(row.get(name), str)), None)
    if text is None:
        raise StoreError(f"{path}, {place} has the fields {', '.join(row)} and no text; {EXPORT}")
    identity = next((str(row[name]) for name in _ID if isinstance(row.get(name), str | int)), f"row {number + 1}")
    title = next((row[name] for name in _TITLE if isinstance(row.get(name), str)), "")
    held = row.get("metadata")
    rest = {key: value for key, value in row.items() if key not in (*_TEXT, *_ID, *_TITLE, "metadata", "vector")}
    facts = {**rest, **(held if isinstance(held, Mapping) else {})}
    metadata = {str(key): clean_line(_said(value)) for key, value in facts.items() if value is not None}
    vector = row.get("vector")
    return TextRow(identity, text, clean_line(title), metadata, vector if isinstance(vector, int) else None)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def paired(rows: Sequence[TextRow], index: FaissVectors) -> Vectors:
    """The vector of each row, float32 `(len(rows), dimension)`: by the ids that rows name, else by number. Raises StoreError."""
    named = [row.vector for row in rows if row.vector is not None]
    if named and len(named) < len(rows):
        raise StoreError(f"{len(named)} of {len(rows)} texts name their vector; name it in all of them, or in none")
    if named:
        places = {identity: place for place, identity in enumerate(index.ids)}
        strangers = [vector for vector in named if vector not in places]
        if strangers:
            raise StoreError(f"{len(strangers)} texts name a vector that the index does not hold, e.g. {strangers[0]}")
        return index.vectors[[places[vector] for vector in named]]
    if len(rows) != len(index.vectors):
        raise StoreError(
            f"{len(rows)} texts and {len(index.vectors)} vectors: they do not belong together; "
            'give a text for each vector in its order, or name the vector in each row ("vector": its id in the index)'
        )
    return index.vectors


def verify(rows: Sequence[TextRow], vectors: Vectors, encoder: Encoder, exact: bool) -> float:
    """The mean cosine of stored vectors with the encoder's own, over texts spread evenly. Raises StoreError when it made others.

    Texts are tried as they are and with their title before them.
    """
    if vectors.shape[1] != encoder.dimension:
        raise StoreError(
            f"the index has vectors of {vectors.shape[1]} numbers, {encoder.name} makes {encoder.dimension}; "
            "give the encoder that made them with --encoder"
        )
    chosen = sorted({int(place) for place in np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows)))})
    stored = vectors[chosen]
    best, aligned = -1.0, np.asarray(stored @ stored.T)
    for texts in ([rows[place].text for place in chosen], [f"{rows[place].title}\n{rows[place].text}" for place in chosen]):
        made = encoder.encode(texts)
        cosine = float(np.einsum("ij,ij->i", stored, made).mean())
        if cosine > best:
            best, aligned = cosine, made @ vectors.T
    if best < LEAST_COSINE[exact]:
        if float(aligned.max(axis=1).mean()) >= LEAST_COSINE[exact]:
            raise StoreError(
                "the vectors are those of this encoder, but of other rows: the texts are in another order than the index"
            )
        raise StoreError(
            f"{encoder.name} did not make these vectors: on {len(chosen)} texts the mean cosine with its own is {best:.2f}, "
            f"at least {LEAST_COSINE[exact]} is needed; give the encoder that made them with --encoder"
        )
    return round(best, 4)


def import_rows(
    store: CorpusStore,
    root: Path,
    encoder: Encoder,
    texts: Path,
    index: FaissVectors,
    collection: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImportReport:
    """Store every text of the file `texts` with its vector; `progress` counts rows. The caller holds the writer lock.

    Idempotent: a second time the same rows take their own places. Raises StoreError before anything is stored.
    """
    rows = read_texts(texts)
    vectors = paired(rows, index)
    report = ImportReport(kind=index.kind, exact=index.exact, sha256=index.sha256)
    report.cosine = verify(rows, vectors, encoder, index.exact)
    source, digest = source_name(texts.resolve()), sha256_file(texts)
    chunking = f"import-faiss-{encoder.name}"
    parts: set[str] = set()
    seen: set[str] = set()
    for first in range(0, len(rows), BATCH_ROWS):
        added: list[NewDocument] = []
        kept: list[int] = []
        for place in range(first, min(first + BATCH_ROWS, len(rows))):
            new = _document(rows[place], source, collection, digest, chunking)
            if new is None:
                report.leave_out("no text in it")
            elif new.document.source in parts:
                report.leave_out("another row has the same id")
            elif new.document.id in seen:
                report.leave_out("another row has the same text")
            else:
                parts.add(new.document.source)
                seen.add(new.document.id)
                added.append(new)
                kept.append(place)
        last = first + BATCH_ROWS >= len(rows)
        finished = [FinishedFile(source, collection, digest, chunking, frozenset(parts))] if last else []
        if added or finished:
            segment = _segment(root, encoder, vectors[kept]) if added else None
            name = segment.name if segment else ""
            placed = [
                NewDocument(n.document, n.chunks, digest, chunking, name, row, source, n.signature)
                for row, n in enumerate(added)
            ]
            report.snapshot = store.commit(added=placed, segment=segment, finished=finished)
            report.documents += len(placed)
        progress(min(first + BATCH_ROWS, len(rows)), len(rows))
    sweep_segments(store, root)
    return report


def _segment(root: Path, encoder: Encoder, vectors: Vectors) -> Segment:
    return Segment(write_segment(root / "segments", vectors), encoder.name, encoder.dimension, len(vectors))


def _document(row: TextRow, source: str, collection: str, digest: str, chunking: str) -> NewDocument | None:
    blocks, _ = clean(paragraphs(row.text))
    text, _ = join_blocks(blocks)
    if not text:
        return None
    identity = content_id("document", collection, text)
    document = Document(
        identity, collection, row.title, "application/jsonl", text, f"{source}#{row.id}", identity, dict(row.metadata)
    )
    chunk = Chunk(
        content_id("chunk", identity, "0", str(len(text))),
        identity,
        0,
        len(text),
        text,
        row.title,
        "",
        document.source,
        collection,
    )
    return NewDocument(document, (chunk,), digest, chunking, "", 0, source, signature(text))
