"""Writing one batch of documents: encoded, written as a segment, committed.

A kill loses at most the batch in flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from corpora.records import Chunk
from corpora.store.changes import FinishedFile, NewDocument, Segment, StoredVectors
from corpora.store.corpus_store import CorpusStore
from retrieval.chunk_vectors.segments import read_segment, write_segment
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.passage_text import embedding_text, finite_vectors
from retrieval.indexing.add_report import AddReport
from retrieval.indexing.split_strata import Strata

DIRECT_CHUNKS = 1_024
"""So many get their vectors before they are committed: that takes seconds, and what follows would take long."""


@dataclass
class Batch:
    """The content of the next commit: documents with their chunks and digests, and the files that are then finished."""

    documents: list[NewDocument] = field(default_factory=list)
    finished: list[FinishedFile] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def chunks(self) -> int:
        """How many chunks its documents have."""
        return sum(len(new.chunks) for new in self.documents)


@dataclass
class BatchWriter:
    """The store, encoder and collection that batches are written to.

    The first `direct_chunks` chunks get their vectors before they are committed, None for all; `direct` is how many
    have.
    """

    store: CorpusStore
    workspace: Path
    encoder: Encoder
    collection: str
    keep_versions: int
    direct_chunks: int | None
    direct: int = 0
    strata: Strata = field(init=False)

    def __post_init__(self) -> None:
        self.strata = Strata(self.collection, self.encoder.name, self.store.topics(self.collection, self.encoder.name))

    def encodes(self, chunks: int) -> bool:
        """Whether the next `chunks` get their vectors before they are committed."""
        if self.direct_chunks is not None and self.direct + chunks > self.direct_chunks:
            return False
        self.direct += chunks
        return True

    def segment(self, vectors: Vectors) -> Segment:
        """Write the vectors, float32 `(n, dimension)`, as a segment of this encoder."""
        name = write_segment(self.workspace / "segments", vectors)
        return Segment(name, self.encoder.name, self.encoder.dimension, len(vectors))


def commit_batch(writer: BatchWriter, batch: Batch, report: AddReport) -> Batch:
    """Commit `batch`, unless it is empty, and give a new one.

    A document whose vectors come later is assigned to a split within the collection as a whole, not within a topic of
    it, as that is decided once, now. Where so many come, each topic gets about its share of every split by itself.
    """
    if not (batch.documents or batch.finished or batch.failed):
        return batch
    chunks = [chunk for new in batch.documents for chunk in new.chunks]
    segment, stored = None, list[StoredVectors]()
    vectors: Vectors | None = None
    if chunks:
        encoded = _EncodedChunks.looked_up(writer.store, writer.workspace, writer.encoder, chunks)
        if writer.encodes(len(chunks)):
            vectors = encoded.completed(writer.encoder)
            segment = writer.segment(vectors)
        elif encoded.locations:
            rows = tuple((chunk_id, row) for row, (chunk_id, _) in enumerate(encoded.locations))
            stored = [StoredVectors(writer.segment(encoded.vectors()), rows)]
    added, row = [], 0
    for new in batch.documents:
        end = row + len(new.chunks)
        stratum = writer.strata.stratum(vectors[row:end]) if vectors is not None else ""
        added.append(replace(new, segment=segment.name if segment else "", first_row=row, stratum=stratum))
        row = end
    report.snapshot = writer.store.commit(
        added=added,
        segment=segment,
        failed=batch.failed,
        finished=batch.finished,
        topics=writer.strata.changed(),
        vectors=stored,
        keep_versions=writer.keep_versions,
    )
    return Batch()


@dataclass(frozen=True)
class _EncodedChunks:
    """What the store has of chunks that are to be encoded: a chunk that it has keeps its vector, and no text is encoded
    twice.

    `texts` of all the chunks; `locations` `(chunk id, (segment, row))` of those that are encoded, `positions` theirs in
    `texts`.
    """

    folder: Path
    texts: list[str]
    locations: list[tuple[str, tuple[str, int]]]
    positions: list[int]

    @staticmethod
    def looked_up(store: CorpusStore, workspace: Path, encoder: Encoder, chunks: Sequence[Chunk]) -> _EncodedChunks:
        """Two files may hold one document under two titles: a chunk keeps its vector only with the title that was
        encoded.
        """
        texts, ids = [embedding_text(chunk) for chunk in chunks], [chunk.id for chunk in chunks]
        stored = store.chunks_by_id(ids)
        encoded = {
            (chunk_id, embedding_text(stored[chunk_id])): (name, row)
            for chunk_id, name, row in store.vectors.places(encoder.name, ids)
        }
        positions = [position for position, pair in enumerate(zip(ids, texts, strict=True)) if pair in encoded]
        locations = [(ids[position], encoded[ids[position], texts[position]]) for position in positions]
        return _EncodedChunks(workspace / "segments", texts, locations, positions)

    def vectors(self) -> Vectors:
        """Those of `locations`, float32 `(len(locations), dimension)`."""
        segments = {name: read_segment(self.folder, name) for name in {name for _, (name, _) in self.locations}}
        return np.stack([segments[name][row] for _, (name, row) in self.locations])

    def completed(self, encoder: Encoder) -> Vectors:
        """One a chunk, float32 `(len(texts), dimension)`: those that are known, and the others encoded, each text once."""
        encoded_positions = set(self.positions)
        missing = list(dict.fromkeys(text for position, text in enumerate(self.texts) if position not in encoded_positions))
        new_vectors = finite_vectors(encoder, missing)
        rows = {text: row for row, text in enumerate(missing)}
        vectors = np.zeros((len(self.texts), encoder.dimension), dtype=np.float32)
        for position, text in enumerate(self.texts):
            if position not in encoded_positions:
                vectors[position] = new_vectors[rows[text]]
        if self.positions:
            vectors[self.positions] = self.vectors()
        return vectors
