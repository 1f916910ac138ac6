"""Segment files written anew: without the rows of chunks that are gone, and several small ones as one.

Each step is one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpora.store.changes import MovedVectors, Segment
from corpora.store.corpus_store import CorpusStore
from corpora.store.segment_lock import segments_free
from corpora.store.vector_rows import VectorPlace
from retrieval.chunk_vectors.segments import BATCH_CHUNKS, read_segment, write_segment

MANY_SMALL = 64
"""So many segments of less than a batch are put together."""
DEAD_SHARE = 0.3
DEAD_ROWS = 1_024
_ROWS = 4_096


def compact_segments(store: CorpusStore, workspace: Path, every_dead_row: bool = False, many_small: int = MANY_SMALL) -> int:
    """Rewrite segments that have many deleted rows, and merge small ones once there are `many_small`; gives how many
    went.

    A segment is rewritten when more than `DEAD_SHARE` of its rows are deleted and `DEAD_ROWS` are in all; with
    `every_dead_row`, each segment with a deleted row. Readers go on with the files of their snapshot. The caller holds
    the writer lock.
    """
    went = 0
    for encoder in sorted({segment.encoder for segment in store.segments()}):
        segment_rows = store.vectors.segment_rows(encoder)
        least = 0.0 if every_dead_row else DEAD_SHARE
        chosen = {number for number, count, live in segment_rows if count - live > least * count}
        if not every_dead_row and sum(count - live for number, count, live in segment_rows if number in chosen) < DEAD_ROWS:
            chosen = set()
        small = [number for number, _, live in segment_rows if live < BATCH_CHUNKS]
        chosen.update(small if len(small) >= many_small else ())
        for group in _groups([store.vectors.of_segment(encoder, number) for number in sorted(chosen)]):
            _rewrite(store, workspace, encoder, group)
        went += len(chosen)
    if went:
        sweep_segments(store, workspace)
    return went


def _groups(segments: Sequence[list[VectorPlace]]) -> list[list[VectorPlace]]:
    """Neighbouring segments together, up to `_ROWS` rows."""
    groups: list[list[VectorPlace]] = []
    for locations in segments:
        if groups and len(groups[-1]) + len(locations) <= _ROWS:
            groups[-1] += locations
        else:
            groups.append(list(locations))
    return groups


def _rewrite(store: CorpusStore, workspace: Path, encoder: str, locations: Sequence[VectorPlace]) -> None:
    folder = workspace / "segments"
    read = {name: read_segment(folder, name) for name in {location.name for location in locations}}
    vectors = np.stack([read[location.name][location.row] for location in locations])
    segment = Segment(write_segment(folder, vectors), encoder, vectors.shape[1], len(vectors))
    store.commit(moved=[MovedVectors(segment, tuple((p.chunk, p.segment, row) for row, p in enumerate(locations)))])


def sweep_segments(store: CorpusStore, workspace: Path) -> int:
    """Delete segment files that no commit names, as a kill between write and commit leaves them; gives their number.

    While somebody reads the segments of an older snapshot they stay, for the next sweep.
    """
    folder, swept = workspace / "segments", 0
    with segments_free(workspace) as free:
        if free and folder.is_dir():
            committed = {segment.name for segment in store.segments()}
            for path in folder.iterdir():
                if path.name not in committed:
                    path.unlink(missing_ok=True)
                    swept += 1
    return swept
