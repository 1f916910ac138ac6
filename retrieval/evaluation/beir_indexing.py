"""Indexing a BEIR corpus into a workspace's store, as files are added. The judgements stay outside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import UnreadableDocument
from corpora.progress import Count, uncounted
from corpora.readers import FileReading, ReadOptions
from corpora.records import Reading
from corpora.store.corpus_store import CorpusStore
from corpora.text.near_duplicates import THRESHOLD
from retrieval.encoders.encoder import Encoder
from retrieval.evaluation.beir import read_corpus
from retrieval.indexing.add_files import add_files
from retrieval.indexing.add_report import AddReport
from retrieval.indexing.duplicate_clusters import Similarities

COLLECTION = "beir"


def index_corpus(
    store: CorpusStore,
    root: Path,
    encoder: Encoder,
    corpus: Path,
    options: ChunkOptions,
    progress: Count = uncounted,
    cluster_similarity: float = THRESHOLD,
) -> AddReport:
    """Index the documents of a BEIR corpus file, one for each row. `progress` counts documents.

    What is indexed already costs nothing. Documents of at least `cluster_similarity` (0–1) share a split; each is
    indexed all the same, as each is judged. The caller holds the writer lock. Raises EvaluationError for a corpus that
    cannot be read.
    """

    def read(paths: Iterable[Path], _: ReadOptions) -> Iterator[tuple[Path, FileReading | UnreadableDocument]]:
        for path in paths:
            yield path, FileReading(_Counted(read_corpus(path), progress))

    return add_files(
        store,
        root,
        encoder,
        [corpus.resolve()],
        COLLECTION,
        options,
        reader=read,
        similarities=Similarities(cluster_similarity, skip=math.inf),
    )


class _Counted(list[Reading]):
    """Readings that report the progress of the first iteration over them."""

    def __init__(self, readings: Iterable[Reading], progress: Count) -> None:
        super().__init__(readings)
        self._progress = progress
        self._reported = 0

    def __iter__(self) -> Iterator[Reading]:
        for count, reading in enumerate(super().__iter__(), start=1):
            yield reading
            if count > self._reported:
                self._reported = count
                self._progress(count, len(self))
