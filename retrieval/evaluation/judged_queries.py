"""Queries with what is relevant to them in this collection: from judgement files by the documents' names, from
questions by evidence.

Judged are documents (a document is found where its best chunk is) or chunks. What cannot be judged is dropped with its
reason.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from corpora.errors import EvaluationError
from corpora.records import Question
from corpora.splits import SplitOptions, splits_of
from corpora.store.corpus_store import CorpusStore
from corpora.store.evidence_location import NO_CHUNKS, EvidenceLocator, EvidencePlace, document_names
from retrieval.evaluation.qrels import Qrels

RelevanceUnit = Literal["document", "chunk"]


@dataclass(frozen=True)
class JudgedQuery:
    """A query with its relevance judgements and its split.

    `relevant`: id of a document or chunk of the store → grade, 1 and more.
    """

    id: str
    text: str
    relevant: Mapping[str, int]
    split: str


@dataclass(frozen=True)
class JudgedQueries:
    """A named set of judged queries, and the ones that cannot be judged in this collection.

    `level` says whether documents or chunks are judged. `dropped` are (query id, reason).
    """

    name: str
    level: RelevanceUnit
    queries: tuple[JudgedQuery, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    @property
    def qrels(self) -> dict[str, dict[str, int]]:
        """The judgements alone: query id → document or chunk id → grade."""
        return {query.id: dict(query.relevant) for query in self.queries}

    def with_dropped(self, dropped: Sequence[tuple[str, str]]) -> JudgedQueries:
        """The set with further dropped queries."""
        return replace(self, dropped=(*self.dropped, *dropped))

    def reasons(self) -> dict[str, int]:
        """How many queries were dropped for each reason."""
        return dict(sorted(Counter(reason for _, reason in self.dropped).items()))


def from_qrels(
    name: str,
    queries: Mapping[str, str],
    qrels: Qrels,
    store: CorpusStore,
    level: RelevanceUnit = "document",
    splits: SplitOptions | None = None,
) -> JudgedQueries:
    """The judged queries of a judgement file. Chunks are called by their ids. Raises EvaluationError when none is left.

    Half of the queries, by a hash of their id, are "validation", the other half "test". With `splits` a query has that
    of the documents which are relevant to it, as questions have, so that no document is relevant to queries of two
    splits.
    """
    homes: Mapping[str, str] = {}
    if level == "chunk":
        homes = {chunk.id: chunk.document_id for chunk in store.chunks()}
    else:
        names = document_names(store)
    judged_queries: list[JudgedQuery] = []
    dropped: list[tuple[str, str]] = []
    for query, judgements in qrels.items():
        relevant_items = {item: grade for item, grade in judgements.items() if grade > 0}
        relevant: dict[str, int] = {}
        for item, grade in relevant_items.items():
            for identity in {item} & homes.keys() if level == "chunk" else names.of(item):
                relevant[identity] = max(grade, relevant.get(identity, 0))
        if query not in queries:
            dropped.append((query, "its text is not in the file of queries"))
        elif not relevant_items:
            dropped.append((query, "nothing is judged relevant to it"))
        elif not relevant:
            dropped.append((query, f"no {level} that is relevant to it is in the collection"))
        else:
            judged_queries.append(JudgedQuery(query, queries[query], relevant, _half(query)))
    if splits is not None:
        split = _splits(store, [[homes.get(item, item) for item in query.relevant] for query in judged_queries], splits)
        judged_queries = [replace(query, split=query_split) for query, query_split in zip(judged_queries, split, strict=True)]
    return _complete(JudgedQueries(name, level, tuple(judged_queries), tuple(dropped)))


def from_questions(
    name: str,
    questions: Sequence[Question],
    store: CorpusStore,
    level: RelevanceUnit = "chunk",
    splits: SplitOptions | None = None,
) -> JudgedQueries:
    """The judged queries of questions with evidence in the collection, word for word.

    Raises EvaluationError when none is left. The chunks that hold the evidence are relevant, see `EvidencePlace`.
    Splits are those of the documents, as `generate` makes them: what a model was tuned on is "train".
    """
    locator = EvidenceLocator(store)
    located: list[tuple[Question, dict[str, int], list[str]]] = []
    dropped: list[tuple[str, str]] = []
    for question in questions:
        evidence = locator.locate_all(question)
        locations = [location for location in evidence if isinstance(location, EvidencePlace)]
        homes = [location.document_id for location in locations]
        relevant = homes if level == "document" else [chunk.id for location in locations for chunk in location.chunks]
        if relevant:
            located.append((question, dict.fromkeys(relevant, 1), homes))
        elif locations:
            dropped.append((question.id, NO_CHUNKS))
        else:
            dropped.append((question.id, str(evidence[0]) if evidence else "it has no evidence"))
    split = _splits(store, [homes for *_, homes in located], splits or SplitOptions())
    judged_queries = [
        JudgedQuery(question.id, question.text, relevant, query_split)
        for (question, relevant, _), query_split in zip(located, split, strict=True)
    ]
    return _complete(JudgedQueries(name, level, tuple(judged_queries), tuple(dropped)))


def _splits(store: CorpusStore, homes: Sequence[Sequence[str]], shares: SplitOptions) -> list[str]:
    """The split of each query by `homes`, the documents that are relevant to it: they share one, with all
    near-duplicates.
    """
    placed = {document.id: (document.cluster, document.position) for document in store.documents()}
    split = splits_of(placed, homes, shares.validation_fraction, shares.test_fraction)
    return [split[documents[0]] for documents in homes]


def _half(query: str) -> str:
    return "validation" if hashlib.sha256(f"half:{query}".encode()).digest()[0] % 2 else "test"


def _complete(judged: JudgedQueries) -> JudgedQueries:
    if not judged.queries:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in judged.reasons().items()) or "the file holds none"
        raise EvaluationError(
            f"{judged.name}: no query can be judged in this collection: {reasons}; `raftsmith add` the documents first. "
            "Judgements may call a document by id, title, file name, or the part after # that `raftsmith documents` shows"
        )
    return judged
