"""Encoding chunks that were committed without vectors, batch by batch, each batch one commit: a stop loses at most the
last.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corpora.errors import RaftsmithError
from corpora.progress import Count, uncounted
from corpora.store.changes import Segment, StoredVectors
from corpora.store.corpus_store import CorpusStore
from retrieval.chunk_vectors.index_cache import DenseCache
from retrieval.chunk_vectors.segment_compaction import sweep_segments
from retrieval.chunk_vectors.segments import BATCH_CHUNKS, STATIC_PREFIX, write_segment
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.passage_text import embedding_text, finite_vectors


def backfill(store: CorpusStore, workspace: Path, encoder: Encoder, progress: Count = uncounted) -> int:
    """Encode every chunk that has no vector by `encoder` yet, in order; gives their number.

    The caller holds the writer lock. The quick vectors of earlier versions then go. Raises RaftsmithError, StoreError.
    """
    total = store.vectors.count_missing(encoder.name)
    done = after = 0
    while waiting := store.vectors.missing(encoder.name, after, BATCH_CHUNKS):
        chunks = store.chunks_by_id(list(waiting.values()))
        texts = {embedding_text(chunks[chunk_id]): None for chunk_id in waiting.values()}
        rows = {text: row for row, text in enumerate(texts)}
        vectors = finite_vectors(encoder, list(texts))
        segment = Segment(write_segment(workspace / "segments", vectors), encoder.name, encoder.dimension, len(vectors))
        chunk_rows = tuple((chunk_id, rows[embedding_text(chunks[chunk_id])]) for chunk_id in waiting.values())
        store.commit(vectors=[StoredVectors(segment, chunk_rows)])
        after, done = max(waiting), done + len(waiting)
        progress(done, total)
    drop_vectors(store, workspace, lambda name: name.startswith(STATIC_PREFIX))
    return done


def drop_others(store: CorpusStore, workspace: Path, encoder: Encoder) -> list[str]:
    """Delete the vectors of all other encoders than `encoder`; gives their names.

    Raises RaftsmithError while any chunk needs them.
    """
    missing = store.vectors.count_missing(encoder.name)
    if missing:
        raise RaftsmithError(f"{missing} passages have no vector by {encoder.name} yet; run `raftsmith index --fill` first")
    return drop_vectors(store, workspace, lambda name: name != encoder.name)


def drop_vectors(store: CorpusStore, workspace: Path, matches: Callable[[str], bool]) -> list[str]:
    """Delete the vectors of the encoders whose names meet `matches`; gives the names.

    The caller holds the writer lock.
    """
    dropped = {segment.encoder: segment.dimension for segment in store.segments() if matches(segment.encoder)}
    if dropped:
        store.commit(superseded=sorted(dropped))
        for name, dimension in dropped.items():
            DenseCache(workspace / "cache", name, dimension).forget()
        sweep_segments(store, workspace)
    return sorted(dropped)
