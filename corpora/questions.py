"""Question–answer sets: SQuAD v1 and v2 JSON, read and checked. Knows nothing of the store.

Beyond SQuAD's own fields a question may carry `evidence`: a list of `{"document", "text"}`, one for each passage that it
needs; without it the evidence is the sentence of the context that holds the first answer.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from corpora.errors import QuestionsError
from corpora.records import Evidence, Question
from corpora.sentences import sentence_spans


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Answer(_Loose):
    text: str
    answer_start: int


class _Evidence(_Loose):
    document: str
    text: str


class _Question(_Loose):
    id: str
    question: str
    answers: tuple[_Answer, ...] = ()
    is_impossible: bool = False
    evidence: tuple[_Evidence, ...] = ()


class _Paragraph(_Loose):
    context: str
    qas: tuple[_Question, ...]


class _Article(_Loose):
    title: str = ""
    paragraphs: tuple[_Paragraph, ...]


class _Squad(_Loose):
    data: tuple[_Article, ...]


def read_squad(path: Path) -> tuple[list[Question], list[tuple[str, str]]]:
    """Questions in file order, and `(question id, reason)` for each that contradicts itself. Raises QuestionsError."""
    try:
        squad = _Squad.model_validate_json(path.read_bytes())
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top"
        raise QuestionsError(
            f"{path} is not SQuAD JSON: {first['msg']} at {place}; accepted: SQuAD v1 or v2, an object with a `data` list"
        ) from error
    questions: list[Question] = []
    wrong: list[tuple[str, str]] = []
    seen: set[str] = set()
    for article in squad.data:
        for paragraph in article.paragraphs:
            for item in paragraph.qas:
                reason = _contradiction(item, paragraph.context, seen)
                seen.add(item.id)
                if reason:
                    wrong.append((item.id, reason))
                else:
                    questions.append(_question(item, paragraph.context, article.title))
    return questions, wrong


def _contradiction(item: _Question, context: str, seen: set[str]) -> str | None:
    if item.id in seen:
        return "the id occurs twice"
    if not item.question.strip():
        return "the question is empty"
    if not item.is_impossible and not item.answers:
        return "it is answerable but has no answer"
    for answer in () if item.is_impossible else item.answers:
        if context[answer.answer_start : answer.answer_start + len(answer.text)] != answer.text:
            return "the answer is not at its answer_start in the context"
    return None


def _question(item: _Question, context: str, title: str) -> Question:
    if item.is_impossible:
        return Question(item.id, item.question.strip(), (), (), title)
    if item.evidence:
        evidence = tuple(Evidence(e.document, e.text) for e in item.evidence)
    else:
        evidence = (Evidence(title, sentence_around(context, item.answers[0].answer_start, item.answers[0].text)),)
    answers = tuple(dict.fromkeys(answer.text for answer in item.answers))
    return Question(item.id, item.question.strip(), answers, evidence, title)


def sentence_around(text: str, start: int, answer: str) -> str:
    """The sentence, or run of sentences, of `text` that holds `answer` at `start`."""
    end = start + len(answer)
    inside = [(left, right) for left, right in sentence_spans(text) if left < end and right > start]
    return text[min(s for s, _ in inside) : max(e for _, e in inside)] if inside else answer
