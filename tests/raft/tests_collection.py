"""The type of the collection that the tests of raft share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpora.records import Question
from corpora.store.corpus_store import CorpusStore
from retrieval.search.retriever import Retriever


@dataclass(frozen=True)
class Collection:
    root: Path
    store: CorpusStore
    retriever: Retriever
    questions: list[Question]
    squad: Path
