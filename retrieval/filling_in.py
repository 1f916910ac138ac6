"""Vectors by an encoder for chunks that have none by it, beside those by others. A kill loses the batch in flight; the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corpora.changes import Segment
from corpora.store import CorpusStore
from retrieval.encoders import Encoder
from retrieval.indexing import embedding_text
from retrieval.segments import write_segment

_BATCH = 4096


def fill_in(
    store: CorpusStore, root: Path, encoder: Encoder, progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Encode and commit what `encoder` has not encoded yet, and give the number of chunks. The caller holds the writer lock."""
    known = {chunk_id for chunk_id, _, _ in store.vector_places(encoder.name)}
    missing = [chunk for chunk in store.chunks() if chunk.id not in known]
    for first in range(0, len(missing), _BATCH):
        part = missing[first : first + _BATCH]
        vectors = encoder.encode([embedding_text(chunk) for chunk in part])
        segment = Segment(write_segment(root / "segments", vectors), encoder.name, encoder.dimension, len(part))
        store.commit(segment=segment, vectors=[(chunk.id, row) for row, chunk in enumerate(part)])
        progress(first + len(part), len(missing))
    return len(missing)
