"""One judged answer to one question: what every measure is computed from."""

from __future__ import annotations

from dataclasses import dataclass

from raft.evaluation.answer_metrics import exact_match, token_f1
from raft.examples.dataset import DatasetQuestion
from raft.records import Answer
from retrieval.records import SearchResult

BASE_ARM = "base"


@dataclass(frozen=True)
class Row:
    """One question answered by one arm, judged. Scores are in 0–1; NaN where a measure does not apply.

    `supported`: the evidence of the answer was among the retrieved passages. `right_citations` cite a passage that
    holds the evidence, `right_documents` at least its document.
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


def judge(arm: str, item: DatasetQuestion, result: SearchResult, answer: Answer) -> Row:
    """Score one answer. An unanswerable question is answered rightly by abstaining, as in SQuAD v2."""
    question = item.question
    retrieved = {hit.chunk.id for hit in result.hits}
    prediction = "" if answer.abstained else answer.answer
    unanswerable_score = float(answer.abstained)
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
        exact_match=exact_match(prediction, question.answers) if question.answerable else unanswerable_score,
        token_f1=token_f1(prediction, question.answers) if question.answerable else unanswerable_score,
        quotes=len(answer.citations),
        verbatim_quotes=len(verified),
        right_citations=sum(citation.chunk_id in item.oracles for citation in verified),
        right_documents=sum(citation.document_id in item.oracle_documents for citation in verified),
        oracles=len(item.oracles),
        cited_oracles=len({citation.chunk_id for citation in verified} & set(item.oracles)),
    )
