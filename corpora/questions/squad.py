"""SQuAD v1 and v2, and sets of that form: CUAD, PolicyQA and COVID-QA.

Also their rows, with `answers.text` beside the starts.

Beyond SQuAD's own fields a question may carry `evidence`: a list of `{"document", "text"}`, one for each passage that
it needs; without it the evidence is the sentence of the context that holds the first answer. The contexts of an article
are one document under its title, unless questions carry evidence: then the documents are elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError, field_validator

from corpora.questions.evidence import paragraphs, sentence_around, tidy
from corpora.questions.gathering import Gathering, Loose, fault
from corpora.records import Evidence, Question, QuestionSet, content_id

_EMPTY_LINES = re.compile(r"\n[^\S\n]+(?=\n)")


class _Answer(Loose):
    text: str
    answer_start: int | None = None


class _Evidence(Loose):
    document: str
    text: str


class _Question(Loose):
    id: str = ""
    question: str
    answers: tuple[_Answer, ...] = ()
    plausible_answers: tuple[_Answer, ...] = ()
    is_impossible: bool | None = None
    evidence: tuple[_Evidence, ...] = ()

    @field_validator("answers", "plausible_answers", "evidence", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("text"), list):
            listed = value.get("answer_start")
            starts = listed if isinstance(listed, list) else []
            return [{"text": text, "answer_start": start} for text, start in zip_longest(value["text"], starts)]
        if isinstance(value, str | Mapping):
            value = [value]
        return [{"text": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


class _Context(Loose):
    context: str
    title: str = ""
    document_id: str = ""

    @property
    def name(self) -> str:
        """What the document is called: by its title, else its number in the set, else by its content."""
        return tidy(self.title) or tidy(self.document_id) or f"context {content_id(self.context)[:8]}"


def fits(row: Mapping[str, Any]) -> bool:
    """True for a row with its own context and answers that say where in it they start."""
    answers = row.get("answers")
    first = answers[0] if isinstance(answers, list) and answers else answers
    located = isinstance(first, Mapping) and "text" in first
    return isinstance(row.get("context"), str) and "question" in row and (located or "is_impossible" in row)


def read(data: Sequence[Any], broken: Iterable[tuple[str, str]] = ()) -> QuestionSet:
    """The set of the articles, or flat rows, of `data`. What is broken is dropped with its reason.

    A flat row without answers cannot be answered, as in SQuAD v2; in an article only `is_impossible` or plausible
    answers say so. An answer without a start is searched in the context, and counts when it is there once.
    """
    gathering = Gathering("squad", broken)
    carried: set[tuple[str, str]] = set()
    elsewhere = False
    for location, fields, items, flat in _contexts(data, gathering):
        try:
            context = _Context.model_validate(fields)
        except ValidationError as error:
            gathering.drop(location, fault(error))
            continue
        if (context.name, context.context) not in carried:
            carried.add((context.name, context.context))
            gathering.carry(context.name, paragraphs(context.context))
        lines = _EMPTY_LINES.sub(lambda match: "\n" * len(match[0]), context.context)  # as long, and ends sentences there
        for number, raw in enumerate(items, start=1):
            name = str(raw.get("id") or f"{location}, question {number}") if isinstance(raw, Mapping) else location
            try:
                item = _Question.model_validate(raw)
            except ValidationError as error:
                gathering.drop(name, fault(error))
                continue
            elsewhere = elsewhere or bool(item.evidence)
            question = _question(item, context, lines, flat)
            if isinstance(question, str):
                gathering.drop(name, question)
            else:
                gathering.add(question)
    return gathering.as_set(with_documents=not elsewhere)


def _contexts(data: Sequence[Any], gathering: Gathering) -> Iterable[tuple[str, Any, Sequence[Any], bool]]:
    """`(place, fields of the context, questions, flat)` for each context."""
    for number, article in enumerate(data, start=1):
        location = f"article {number}"
        listed = article.get("paragraphs") if isinstance(article, Mapping) else None
        if isinstance(listed, list):
            for index, paragraph in enumerate(listed, start=1):
                items = paragraph.get("qas") if isinstance(paragraph, Mapping) else None
                if isinstance(items, list):
                    names = {key: article[key] for key in ("title", "document_id") if article.get(key)}
                    yield f"{location}, paragraph {index}", {**names, **paragraph}, items, False
                else:
                    gathering.drop(f"{location}, paragraph {index}", "it has no list `qas`")
        elif isinstance(article, Mapping) and "context" in article:
            yield f"row {number}", article, [article], True
        else:
            gathering.drop(location, "it has neither a list `paragraphs` nor a context")


def _question(item: _Question, context: _Context, lines: str, flat: bool) -> Question | str:
    """The question, or the reason why it is dropped."""
    identity = tidy(item.id) or content_id("question", context.name, context.context, item.question)
    text = tidy(item.question)
    impossible = item.is_impossible
    if impossible is None:
        impossible = not item.answers and (flat or bool(item.plausible_answers))
    if impossible:
        return Question(identity, text, (), (), context.name)
    if not item.answers:
        return "it is answerable but has no answer"
    starts = [_start(answer, context.context) for answer in item.answers]
    for start in starts:
        if isinstance(start, str):
            return start
    if item.evidence:
        evidence = tuple(Evidence(e.document, tidy(e.text)) for e in item.evidence)
    else:
        first = starts[0] if isinstance(starts[0], int) else 0
        evidence = (Evidence(context.name, tidy(sentence_around(lines, first, item.answers[0].text))),)
    answers = tuple(dict.fromkeys(tidy(answer.text) for answer in item.answers))
    return Question(identity, text, answers, evidence, context.name)


def _start(answer: _Answer, context: str) -> int | str:
    """Where the answer starts in the context, or the reason why that is not known."""
    if not answer.text.strip():
        return "an answer is empty"
    if answer.answer_start is not None and answer.answer_start >= 0:
        if context.startswith(answer.text, answer.answer_start):
            return answer.answer_start
        return "the answer is not at its answer_start in the context"
    count = context.count(answer.text)
    if count == 1:
        return context.index(answer.text)
    return "an answer without answer_start is " + ("in the context more than once" if count else "not in the context")
