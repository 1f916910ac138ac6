"""Annotations as files: raftsmith's own JSON lines, and SQuAD v2 as `generate --from-qa` reads it; the way to the other formats.

What a format cannot hold is left out and counted. Knows no store: what is read is checked when it is written there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from corpora.errors import AnnotationError
from corpora.records import Document, content_id
from corpora.text.quote_location import locate
from raft.examples.reviews import Review, completion_id
from serving.annotate.formats import label_studio
from serving.annotate.formats.exchange import Incoming, Sources, part_of
from serving.annotate.records import AnnotatedQuestion, Annotations, Label, Span

FORMATS = ("jsonl", "squad", "label-studio")
_KINDS: dict[str, TypeAdapter[Any]] = {
    "question": TypeAdapter(AnnotatedQuestion),
    "label": TypeAdapter(Label),
    "review": TypeAdapter(Review),
}


def written(annotations: Annotations, form: str, sources: Sources) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """`(files, left out)`: ending of a file's name → its text, "" being the file itself; and (what it is, reason) for what is
    in none of them. Raises AnnotationError for a format that is not known.
    """
    if form == "jsonl":
        return {"": as_jsonl(annotations)}, []
    left_out = [(q.id, "its document is no longer in the collection") for q in annotations.questions if _gone(q, sources)]
    left_out += [("a label", "its document is no longer in the collection") for x in annotations.labels if _gone(x, sources)]
    stale = {review: reason for review in annotations.reviews if (reason := _stale(review, sources))}
    left_out += [(review.example_id, reason) for review, reason in stale.items()]
    there = Annotations(
        annotations.classes,
        tuple(question for question in annotations.questions if not _gone(question, sources)),
        tuple(label for label in annotations.labels if not _gone(label, sources)),
        tuple(review for review in annotations.reviews if review not in stale),
    )
    if form == "squad":
        left_out += [("a label", "SQuAD has questions only")] * len(there.labels)
        left_out += [(review.example_id, "SQuAD has questions only") for review in there.reviews]
        return {"": as_squad(there.questions, sources)}, left_out
    if not there.labels:
        left_out += [(name, "a class without any label") for name in there.classes]
    if form == "label-studio":
        interface = label_studio.labeling_interface(there.classes)
        return {"": label_studio.written(there, sources), ".interface.xml": interface + "\n"}, left_out
    raise AnnotationError(f"{form!r} is no format; accepted: {', '.join(FORMATS)}")


def read(text: str, form: str, sources: Sources) -> Incoming:
    """What a file's text holds. Raises AnnotationError when it is not of the format at all."""
    incoming = Incoming()
    if form == "jsonl":
        _read_jsonl(text, incoming)
    elif form == "squad":
        _read_squad(_json(text, "SQuAD: one JSON object with a list `data`"), sources, incoming)
    elif form == "label-studio":
        label_studio.read(_json(text, "Label Studio: a JSON list of tasks"), sources, incoming)
    else:
        raise AnnotationError(f"{form!r} is no format; accepted: {', '.join(FORMATS)}")
    return incoming


def as_jsonl(annotations: Annotations) -> str:
    """A JSON object a line, each with its `kind`: "class", "question", "label" or "review"."""
    rows: list[dict[str, Any]] = [{"kind": "class", "name": name} for name in annotations.classes]
    rows += [{"kind": "question", **asdict(question)} for question in annotations.questions]
    rows += [{"kind": "label", **asdict(label)} for label in annotations.labels]
    rows += [{"kind": "review", **asdict(review)} for review in annotations.reviews]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_squad(questions: Sequence[AnnotatedQuestion], sources: Sources) -> str:
    """SQuAD v2 with `evidence`, see `corpora.questions.squad`; an article a document, whose whole text is the context."""
    by_document: dict[str, list[AnnotatedQuestion]] = {}
    for question in questions:
        by_document.setdefault(question.document_id, []).append(question)
    data = []
    for document_id, asked in by_document.items():
        document = sources.documents[document_id]
        name = sources.name(document)
        qas = [_qa(question, name) for question in asked]
        data.append({"title": name, "document_id": document_id, "paragraphs": [{"context": document.text, "qas": qas}]})
    return json.dumps({"version": "v2.0", "data": data}, ensure_ascii=False, indent=1) + "\n"


def _qa(question: AnnotatedQuestion, document: str) -> dict[str, Any]:
    return {
        "id": question.id,
        "question": question.text,
        "is_impossible": not question.answers,
        "answers": [{"text": span.text, "answer_start": span.start} for span in question.answers],
        "evidence": [{"document": document, "text": span.text, "start": span.start} for span in question.evidence],
    }


def _gone(item: AnnotatedQuestion | Label, sources: Sources) -> bool:
    return item.document_id not in sources.documents


def _stale(review: Review, sources: Sources) -> str:
    example = sources.examples.get(review.example_id)
    if example is None:
        return "its example is not in the dataset"
    return "" if review.judged == completion_id(example) else "its example has changed since"


def _json(text: str, expected: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"the file is not JSON; expected is {expected}") from error


def _read_jsonl(text: str, incoming: Incoming) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        with incoming.part(f"line {number}"):
            row = _json(line, "JSON lines")
            kind = row.get("kind") if isinstance(row, dict) else None
            if kind == "class" and isinstance(row.get("name"), str):
                incoming.classes.append(row["name"])
            elif kind in _KINDS:
                held: dict[str, list[Any]] = {
                    "question": incoming.questions,
                    "label": incoming.labels,
                    "review": incoming.reviews,
                }
                held[kind].append(_KINDS[kind].validate_python(row))
            else:
                raise AnnotationError(f"its kind is not known; accepted: class, {', '.join(_KINDS)}")


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class _Answer(_Loose):
    text: str
    answer_start: int = Field(ge=0)


class _Evidence(_Loose):
    text: str
    start: int | None = Field(None, ge=0)


class _Qa(_Loose):
    id: str = ""
    question: str
    is_impossible: bool = False
    answers: tuple[_Answer, ...] = ()
    evidence: tuple[_Evidence, ...] = ()


class _Paragraph(_Loose):
    context: str
    qas: tuple[Any, ...]


class _Article(_Loose):
    title: str = ""
    document_id: str = ""
    paragraphs: tuple[_Paragraph, ...]


class _Squad(_Loose):
    data: tuple[_Article, ...]


def _read_squad(value: Any, sources: Sources, incoming: Incoming) -> None:
    try:
        articles = _Squad.model_validate(value).data
    except ValidationError as error:
        raise AnnotationError(
            f"the file is not SQuAD ({error.errors()[0]['msg']}); expected is an object with `data`"
        ) from error
    for number, article in enumerate(articles, start=1):
        for paragraph in article.paragraphs:
            with incoming.part(f"article {number}: {len(paragraph.qas)} questions"):
                document, shift = sources.place(article.document_id, paragraph.context)
                for place, raw in enumerate(paragraph.qas, start=1):
                    with incoming.part(f"article {number}, question {place}"):
                        incoming.questions.append(_question(_Qa.model_validate(raw), document, shift))


def _question(qa: _Qa, document: Document, shift: int) -> AnnotatedQuestion:
    identity = qa.id or content_id("question", document.id, qa.question)
    if qa.is_impossible:
        return AnnotatedQuestion(identity, document.id, qa.question, (), ())
    if not qa.answers:
        raise AnnotationError("it has no answer and does not say is_impossible")
    answers = tuple(Span(shift + a.answer_start, shift + a.answer_start + len(a.text), a.text) for a in qa.answers)
    evidence = tuple(_evidence(item, document, shift) for item in qa.evidence)
    return AnnotatedQuestion(identity, document.id, qa.question, answers, evidence)


def _evidence(item: _Evidence, document: Document, shift: int) -> Span:
    if item.start is not None:
        return Span(shift + item.start, shift + item.start + len(item.text), item.text)
    place = locate(item.text, document.text)
    if place is None:
        raise AnnotationError("its evidence is not in its document")
    return part_of(document, *place)
