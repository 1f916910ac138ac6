"""Did tuning help? Base and tuned models answer the same held-out questions over the same retrieved passages.

Every figure comes with n and a 95 % paired-bootstrap interval. Knows no report and no files.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from corpora.errors import EvaluationError
from raft.answering.assistant import Assistant
from raft.evaluation.answer_metrics import exact_match, token_f1
from raft.examples.dataset import HeldQuestion
from raft.records import Answer
from retrieval.evaluation.bootstrap import Interval, Statistic, bootstrap, difference, mean_of, ratio_of
from retrieval.evaluation.measures import retrieval_measures
from retrieval.records import SearchResult
from retrieval.search.retriever import Searcher

BASE_ARM = "base"
BLOCK = 16
NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One question answered by one arm, judged. Scores are in 0–1; NaN where a measure does not apply.

    `supported`: the evidence of the answer was among the retrieved passages. `right_citations` cite a passage that holds the
    evidence, `right_documents` at least its document.
    """

    arm: str
    question_id: str
    question: str
    answers: tuple[str, ...]
    answer: str
    completion: str
    answerable: bool
    supported: bool
    abstained: bool
    exact_match: float
    token_f1: float
    quotes: int
    verbatim_quotes: int
    right_citations: int
    right_documents: int
    oracles: int
    cited_oracles: int


@dataclass(frozen=True)
class Measure:
    """One line of the table: a value an arm, and each tuned arm's difference to the base."""

    name: str
    explanation: str
    arms: Mapping[str, Interval | None]
    differences: Mapping[str, Interval | None]


@dataclass(frozen=True)
class Evaluation:
    """All that a report needs."""

    rows: tuple[Row, ...]
    measures: tuple[Measure, ...]
    retrieval: Mapping[str, Interval | None]
    chance: float
    """Share of questions whose passages do not support an answer: the precision of abstaining at random."""
    n: int


def held_out(questions: Sequence[HeldQuestion], limit: int | None, seed: int = 0) -> list[HeldQuestion]:
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
    held: Sequence[HeldQuestion],
    searcher: Searcher,
    arms: Mapping[str, Callable[[], Assistant]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Judge every arm on `held`; `progress` counts answers. Arms are made one after the other, so one model is in memory."""
    questions = [item.question.text for item in held]
    results = searcher.search(questions, 10)
    rows: list[Row] = []
    for name, make in arms.items():
        assistant = make()
        retrieved = [replace(result, hits=result.hits[: assistant.passages]) for result in results]
        for first in range(0, len(held), BLOCK):
            part = slice(first, first + BLOCK)
            answers = assistant.answer_from(questions[part], retrieved[part])
            for item, result, answer in zip(held[part], retrieved[part], answers, strict=True):
                rows.append(judge(name, item, result, answer))
            progress(len(rows), len(held) * len(arms))
        del assistant
    by_arm = {name: [row for row in rows if row.arm == name] for name in arms}
    first_arm = next(iter(by_arm.values()))
    return Evaluation(
        rows=tuple(rows),
        measures=tuple(measures(by_arm)),
        retrieval=_retrieval(held, results),
        chance=sum(not row.supported for row in first_arm) / len(first_arm),
        n=len(held),
    )


def judge(arm: str, item: HeldQuestion, result: SearchResult, answer: Answer) -> Row:
    """Score one answer. An unanswerable question is answered rightly by abstaining, as in SQuAD v2."""
    question = item.question
    retrieved = {hit.chunk.id for hit in result.hits}
    said = "" if answer.abstained else answer.answer
    right = float(answer.abstained)
    verified = [citation for citation in answer.citations if citation.verified]
    return Row(
        arm=arm,
        question_id=question.id,
        question=question.text,
        answers=question.answers,
        answer=answer.answer,
        completion=answer.completion,
        answerable=question.answerable,
        supported=bool(item.oracles) and set(item.oracles) <= retrieved,
        abstained=answer.abstained,
        exact_match=exact_match(said, question.answers) if question.answerable else right,
        token_f1=token_f1(said, question.answers) if question.answerable else right,
        quotes=len(answer.citations),
        verbatim_quotes=len(verified),
        right_citations=sum(citation.chunk_id in item.oracles for citation in verified),
        right_documents=sum(citation.document_id in item.oracle_documents for citation in verified),
        oracles=len(item.oracles),
        cited_oracles=len({citation.chunk_id for citation in verified} & set(item.oracles)),
    )


_Build = Callable[[Sequence[Row]], Statistic]


def _answerable(score: str) -> _Build:
    return lambda rows: mean_of([getattr(row, score) if row.answerable else NAN for row in rows])


def _ratio(top: Callable[[Row], float], bottom: Callable[[Row], float]) -> _Build:
    return lambda rows: ratio_of([top(row) for row in rows], [bottom(row) for row in rows])


_MEASURES: tuple[tuple[str, str, _Build], ...] = (
    ("token F1", "overlap with the reference answer, answerable questions", _answerable("token_f1")),
    ("exact match", "the reference answer to the word, answerable questions", _answerable("exact_match")),
    (
        "token F1, oracle retrieved",
        "token F1 where the passages hold the evidence: the reader without retrieval's misses",
        lambda rows: mean_of([row.token_f1 if row.answerable and row.supported else NAN for row in rows]),
    ),
    (
        "token F1, all questions",
        "as SQuAD v2: an unanswerable question is right when abstained",
        lambda rows: mean_of([row.token_f1 for row in rows]),
    ),
    (
        "citation precision",
        "share of quotes from a passage that holds the evidence",
        _ratio(lambda row: row.right_citations, lambda row: row.quotes),
    ),
    (
        "citation precision, document",
        "share of quotes from a document that holds the evidence",
        _ratio(lambda row: row.right_documents, lambda row: row.quotes),
    ),
    (
        "citation recall",
        "share of evidence passages that are cited",
        _ratio(lambda row: row.cited_oracles, lambda row: row.oracles),
    ),
    (
        "verbatim quotes",
        "share of quotes that stand in the passages",
        _ratio(lambda row: row.verbatim_quotes, lambda row: row.quotes),
    ),
    (
        "abstention precision",
        "share of abstentions where the passages hold no evidence",
        _ratio(lambda row: row.abstained and not row.supported, lambda row: row.abstained),
    ),
    (
        "abstention recall",
        "share of questions without evidence in the passages that are abstained from",
        _ratio(lambda row: row.abstained and not row.supported, lambda row: not row.supported),
    ),
)


def measures(by_arm: Mapping[str, Sequence[Row]]) -> list[Measure]:
    """The table: every measure for every arm and its paired difference to the base arm, if there is one."""
    table = []
    base = by_arm.get(BASE_ARM)
    for name, explanation, build in _MEASURES:
        values = {arm: bootstrap(build(rows), len(rows)) for arm, rows in by_arm.items()}
        differences = {
            arm: bootstrap(difference(build(rows), build(base)), len(rows)) if base is not None else None
            for arm, rows in by_arm.items()
            if arm != BASE_ARM
        }
        table.append(Measure(name, explanation, values, differences))
    return table


def _retrieval(held: Sequence[HeldQuestion], results: Sequence[SearchResult]) -> dict[str, Interval | None]:
    qrels = {item.question.id: list(item.oracles) for item in held if item.oracles}
    run = {item.question.id: [hit.chunk.id for hit in result.hits] for item, result in zip(held, results, strict=True)}
    per_query = retrieval_measures(qrels, run)
    return {name: bootstrap(mean_of(values), len(values)) for name, values in per_query.items()}


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything but the rows, ready for JSON."""
    return {
        "n": evaluation.n,
        "chance_abstention_precision": evaluation.chance,
        "measures": [asdict(measure) for measure in evaluation.measures],
        "retrieval": {name: asdict(value) if value else None for name, value in evaluation.retrieval.items()},
    }
