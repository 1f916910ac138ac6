"""Base and tuned models judged on the same held-out questions over the same retrieved passages.

Every figure comes with n and a 95 % paired-bootstrap interval. Knows no report and no files.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from corpora.errors import EvaluationError
from corpora.progress import Count, uncounted
from raft.answering.assistant import Assistant
from raft.evaluation.measures import Measure, measures
from raft.evaluation.rows import Row, judge
from raft.examples.dataset import DatasetQuestion
from retrieval.evaluation.bootstrap import Interval, bootstrap, mean_of
from retrieval.evaluation.measures import retrieval_measures
from retrieval.records import SearchResult
from retrieval.search.retriever import Searcher

BLOCK = 16
MEASURED_HITS = 10
"""Hits that the measures of retrieval look at."""


@dataclass(frozen=True)
class Evaluation:
    """The judged answers of all arms, their measures, and those of retrieval."""

    rows: tuple[Row, ...]
    measures: tuple[Measure, ...]
    retrieval: Mapping[str, Interval | None]
    chance: float
    """Share of questions whose passages do not support an answer: the precision of abstaining at random."""
    n: int


def held_out(questions: Sequence[DatasetQuestion], limit: int | None, seed: int = 0) -> list[DatasetQuestion]:
    """Questions of the test split, at most `limit`, drawn with `seed`. Raises EvaluationError when there are none."""
    test = sorted((q for q in questions if q.split == "test"), key=lambda q: q.question.id)
    if not test:
        raise EvaluationError(
            "the dataset holds out no test questions; generate one with more documents or a larger test_fraction"
        )
    if limit is not None and limit < len(test):
        test = random.Random(seed).sample(test, limit)
    return test


def evaluate(
    test_questions: Sequence[DatasetQuestion],
    searcher: Searcher,
    arms: Mapping[str, Callable[[], Assistant]],
    progress: Count = uncounted,
) -> Evaluation:
    """Judge the answers of every arm to `test_questions`.

    `progress` counts answers. Arms are made one after the other, so one model is in memory. An arm answers from what
    its assistant retrieves, as `ask` and `serve` do: a search for more hits need not begin with those of a search for
    fewer. Retrieval itself is measured on the first ten hits of `searcher`.
    """
    questions = [item.question.text for item in test_questions]
    retrievals: list[tuple[Searcher, int, list[SearchResult]]] = []
    rows: list[Row] = []
    for name, make in arms.items():
        assistant = make()
        retrieved = _retrieved(assistant, questions, retrievals)
        for first in range(0, len(test_questions), BLOCK):
            part = slice(first, first + BLOCK)
            answers = assistant.answer_from(questions[part], retrieved[part])
            for item, result, answer in zip(test_questions[part], retrieved[part], answers, strict=True):
                rows.append(judge(name, item, result, answer))
            progress(len(rows), len(test_questions) * len(arms))
        del assistant
    by_arm = {name: [row for row in rows if row.arm == name] for name in arms}
    first_arm = next(iter(by_arm.values()))
    return Evaluation(
        rows=tuple(rows),
        measures=tuple(measures(by_arm)),
        retrieval=_retrieval(test_questions, searcher.search(questions, MEASURED_HITS)),
        chance=sum(not row.supported for row in first_arm) / len(first_arm),
        n=len(test_questions),
    )


def _retrieved(
    assistant: Assistant, questions: Sequence[str], retrievals: list[tuple[Searcher, int, list[SearchResult]]]
) -> list[SearchResult]:
    """What the assistant retrieves for `questions`.

    Arms that search alike share one search, kept in `retrievals`, and so see one snapshot.
    """
    for searcher, passages, results in retrievals:
        if searcher is assistant.searcher and passages == assistant.passages:
            return results
    retrievals.append((assistant.searcher, assistant.passages, assistant.retrieve(questions)))
    return retrievals[-1][2]


def _retrieval(test_questions: Sequence[DatasetQuestion], results: Sequence[SearchResult]) -> dict[str, Interval | None]:
    qrels = {item.question.id: list(item.oracles) for item in test_questions if item.oracles}
    run = {
        item.question.id: [hit.chunk.id for hit in result.hits] for item, result in zip(test_questions, results, strict=True)
    }
    per_query = retrieval_measures(qrels, run)
    return {name: bootstrap(mean_of(values), len(values)) for name, values in per_query.items()}


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation without its rows, as values for JSON."""
    return {
        "n": evaluation.n,
        "chance_abstention_precision": evaluation.chance,
        "measures": [asdict(measure) for measure in evaluation.measures],
        "retrieval": {name: asdict(value) if value else None for name, value in evaluation.retrieval.items()},
    }
