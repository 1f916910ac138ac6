"""Judged queries over an open index, read from question files, judgement files or a BEIR folder.

A BEIR folder is indexed first, into a workspace or a temporary one.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import EvaluationError
from corpora.ingest.options import IngestOptions
from corpora.progress import Progress, Say, no_progress, quiet
from corpora.questions import read_questions
from corpora.splits import SplitOptions
from corpora.store.evidence_location import DocumentNames, document_names
from corpora.store.writer_lock import single_writer
from corpora.workspace.config import Config
from corpora.workspace.workspace import Workspace
from retrieval.encoders.caching_encoder import CachingEncoder
from retrieval.evaluation.beir import corpus_file, read_beir, read_queries
from retrieval.evaluation.beir_indexing import index_corpus
from retrieval.evaluation.judged_queries import JudgedQueries, RelevanceUnit, from_qrels, from_questions
from retrieval.evaluation.qrels import read_qrels
from retrieval.search.collection import open_search_context
from retrieval.search.options import tuned_here
from retrieval.search.pipelines import SearchContext


@dataclass(frozen=True)
class Source:
    """Where queries and judgements come from: question files, a judgement file with its queries, or a BEIR folder."""

    questions: tuple[Path, ...] = ()
    qrels: Path | None = None
    queries: Path | None = None
    beir: Path | None = None
    split: str = "test"
    judge: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError unless exactly one of the three is given."""
        if sum((bool(self.questions), self.qrels is not None, self.beir is not None)) != 1:
            raise ValueError("give one of --questions FILE, --qrels FILE with --queries FILE, and --beir DIR")
        if (self.qrels is None) != (self.queries is None):
            raise ValueError("--qrels and --queries belong together: judgements, and the texts of the judged queries")


@dataclass(frozen=True)
class JudgedIndex:
    """Judged queries with the index they are searched in, its configuration, and every name of its documents."""

    judged: JudgedQueries
    index: SearchContext
    config: Config
    names: DocumentNames


@contextmanager
def open_judged_index(
    source: Source, workspace: Workspace | None, say: Say = quiet, by_document: bool = False, progress: Progress = no_progress
) -> Iterator[JudgedIndex]:
    """Open the index of `workspace` with the judged queries of `source`, and close it at the end.

    A BEIR folder is indexed first, without a workspace into a temporary folder. `by_document`: queries of judgement
    files are split by the documents that are relevant to them, as questions always are; so they are, too, where an
    encoder or a reranker was tuned here, as its training queries must not pass for unseen ones. `progress` counts
    documents while they are indexed. Raises EvaluationError when nothing can be judged.
    """
    with tempfile.TemporaryDirectory(prefix="raftsmith-") if workspace is None else nullcontext(workspace.root) as folder:
        indexed_workspace = workspace or Workspace(Path(folder), Config())
        with _opened(indexed_workspace, source.beir, say, progress) as index:
            by_document = by_document or tuned_here(indexed_workspace)
            judged = _sampled(_read(source, index, indexed_workspace.config, say, by_document), source.limit)
            yield JudgedIndex(judged, index, indexed_workspace.config, document_names(index.store))


@contextmanager
def _opened(workspace: Workspace, beir: Path | None, say: Say, progress: Progress) -> Iterator[SearchContext]:
    corpus = corpus_file(beir) if beir else None
    context = open_search_context(workspace, say)
    store = context.store
    try:
        if corpus is not None:
            with single_writer(workspace.root):
                chunks, alike = workspace.options(ChunkOptions), workspace.options(IngestOptions).cluster_similarity
                report = index_corpus(store, workspace.root, context.encoder, corpus, chunks, progress("documents"), alike)
            say(f"{report.documents} documents indexed" if report.documents else "the corpus is indexed already")
        if not store.counts()["chunks"]:
            raise EvaluationError("the collection is empty; run `raftsmith add` first, or give --beir DIR")
        yield replace(context, encoder=CachingEncoder(context.encoder))
    finally:
        store.close()


def _read(source: Source, index: SearchContext, config: Config, say: Say, by_document: bool) -> JudgedQueries:
    level: RelevanceUnit = "chunk" if source.judge == "chunk" or (source.judge is None and source.questions) else "document"
    shares = config.options(SplitOptions)
    splits = shares if by_document else None
    if source.beir is not None:
        beir_set = read_beir(source.beir, source.split)
        return from_qrels(beir_set.name, beir_set.queries, beir_set.qrels, index.store, level, splits)
    if source.qrels is not None and source.queries is not None:
        queries = read_queries(source.queries)
        return from_qrels(source.qrels.name, queries, read_qrels(source.qrels), index.store, level, splits)
    questions = {}
    dropped: list[tuple[str, str]] = []
    for path in source.questions:
        read = read_questions(path)
        say(f"{path.name}: {len(read.questions)} questions ({read.format}), {len(read.dropped)} dropped")
        dropped += read.dropped
        dropped += [(question.id, "the id occurs twice") for question in read.questions if question.id in questions]
        questions.update({question.id: question for question in read.questions if question.id not in questions})
    name = ", ".join(path.name for path in source.questions)
    judged = from_questions(name, list(questions.values()), index.store, level, shares)
    return judged.with_dropped(dropped)


def _sampled(judged: JudgedQueries, limit: int | None) -> JudgedQueries:
    if limit is None or limit >= len(judged.queries):
        return judged
    drawn = random.Random(0).sample(sorted(judged.queries, key=lambda query: query.id), limit)
    return replace(judged, queries=tuple(sorted(drawn, key=lambda query: query.id)))


def of_split(judged: JudgedQueries, split: str | None) -> JudgedQueries:
    """The queries of one split; None is all of them.

    Raises EvaluationError, naming the splits there are, when none is left.
    """
    if split is None:
        return judged
    queries = tuple(query for query in judged.queries if query.split == split)
    if not queries:
        splits = ", ".join(sorted({query.split for query in judged.queries}))
        raise EvaluationError(f"no query of {judged.name} is in the split {split}; there are: {splits}")
    return replace(judged, queries=queries)
