"""Annotations as files: raftsmith's own JSON lines, SQuAD v2 as `generate --from-qa` reads it, and Label Studio.

What a format cannot hold is left out and counted. Knows no store: what is read is checked when it is written there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from corpora.errors import AnnotationError
from corpora.records import Document, content_id
from corpora.text.quote_location import locate
from raft.examples.reviews import Review, completion_id
from serving.annotate.formats import label_studio
from serving.annotate.formats.exchange import Incoming, ShownText, Sources
from serving.annotate.records import AnnotatedQuestion, Annotations, Label, Span

FORMATS = ("jsonl", "squad", "label-studio")
_KINDS: dict[str, TypeAdapter[Any]] = {
    "question": TypeAdapter(AnnotatedQuestion),
    "label": TypeAdapter(Label),
    "review": TypeAdapter(Review),
}


def written(annotations: Annotations, form: str, sources: Sources) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The annotations as files of a format, and what the format left out.

    `(files, left out)`: ending of a file's name → its text, "" being the file itself; and (what it is, reason) for what
    is in none of them. Raises AnnotationError for a format that is not known.
    """
    if form == "jsonl":
        return {"": as_jsonl(annotations)}, []
    left_out = [(q.id, "its document is no longer in the collection") for q in annotations.questions if _gone(q, sources)]
    left_out += [("a label", "its document is no longer in the collection") for x in annotations.labels if _gone(x, sources)]
    stale = {review: reason for review in annotations.reviews if (reason := _stale(review, sources))}
    left_out += [(review.example_id, reason) for review, reason in stale.items()]
    exportable = Annotations(
        annotations.classes,
        tuple(question for question in annotations.questions if not _gone(question, sources)),
        tuple(label for label in annotations.labels if not _gone(label, sources)),
        tuple(review for review in annotations.reviews if review not in stale),
    )
    if form == "squad":
        left_out += [("a label", "SQuAD has questions only")] * len(exportable.labels)
        left_out += [(review.example_id, "SQuAD has questions only") for review in exportable.reviews]
        return {"": as_squad(exportable.questions, sources)}, left_out
    if not exportable.labels:
        left_out += [(name, "a class without any label") for name in exportable.classes]
    if form == "label-studio":
        interface = label_studio.labeling_interface(exportable.classes)
        return {"": label_studio.written(exportable, sources), ".interface.xml": interface + "\n"}, left_out
    raise AnnotationError(f"{form!r} is no format; accepted: {', '.join(FORMATS)}")


def read(text: str, form: str, sources: Sources) -> Incoming:
    """The annotations in a file's text. Raises AnnotationError when it is not of the format at all."""
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
    """The annotations as JSON lines, each object with its `kind`: "class", "question", "label" or "review"."""
    rows: list[dict[str, Any]] = [{"kind": "class", "name": name} for name in annotations.classes]
    rows += [{"kind": "question", **asdict(question)} for question in annotations.questions]
    rows += [{"kind": "label", **asdict(label)} for label in annotations.labels]
    rows += [{"kind": "review", **asdict(review)} for review in annotations.reviews]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_squad(questions: Sequence[AnnotatedQuestion], sources: Sources) -> str:
    """The questions as SQuAD v2 with `evidence`, see `corpora.questions.squad`.

    An article a document, whose whole text is the context.
    """
    by_document: dict[str, list[AnnotatedQuestion]] = {}
    for question in questions:
        by_document.setdefault(question.document_id, []).append(question)
    data = []
    for document_id, document_questions in by_document.items():
        document = sources.documents[document_id]
        name = sources.locator.names.name_of(document)
        qas = [_qa(question, name) for question in document_questions]
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
                records_by_kind: dict[str, list[Any]] = {
                    "question": incoming.questions,
                    "label": incoming.labels,
                    "review": incoming.reviews,
                }
                records_by_kind[kind].append(_KINDS[kind].validate_python(row))
            else:
                raise AnnotationError(f"its kind is not known; accepted: class, {', '.join(_KINDS)}")


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class _Answer(_Loose):
    text: str
    answer_start: int = Field(ge=0)


class _Evidence(_Loose):
    document: str = ""
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
                name = sources.known_name(article.document_id, article.title)
                context = _context(name, paragraph, sources)
                for question_number, raw in enumerate(paragraph.qas, start=1):
                    with incoming.part(f"article {number}, question {question_number}"):
                        incoming.questions.append(_question(_Qa.model_validate(raw), name, context, sources))


def _context(name: str, paragraph: _Paragraph, sources: Sources) -> ShownText | None:
    """The context, located; None where it is in no document and a question names its evidence. Raises
    AnnotationError.
    """
    try:
        return sources.locate_text(name, paragraph.context)
    except AnnotationError:
        if any(isinstance(raw, dict) and raw.get("evidence") for raw in paragraph.qas):
            return None
        raise


def _question(qa: _Qa, name: str, context: ShownText | None, sources: Sources) -> AnnotatedQuestion:
    if not qa.is_impossible and not qa.answers:
        raise AnnotationError("it has no answer and does not say is_impossible")
    evidence = [] if qa.is_impossible else [_evidence(item, name, context, sources) for item in qa.evidence]
    about = {document.id for document, _ in evidence} or {(context.document if context else sources.find_document(name)).id}
    if len(about) > 1:
        raise AnnotationError("its evidence is in more than one document, and an annotated question is about one")
    (document_id,) = about
    identity = qa.id or content_id("question", document_id, qa.question)
    spans = tuple(span for _, span in evidence)
    answers: tuple[Span, ...] = ()
    if not qa.is_impossible:
        inside = context if context and context.document.id == document_id else None
        answers = tuple(_span_at(inside, a.answer_start, a.text) if inside else _within(spans, a.text) for a in qa.answers)
    return AnnotatedQuestion(identity, document_id, qa.question, answers, spans)


def _evidence(item: _Evidence, name: str, context: ShownText | None, sources: Sources) -> tuple[Document, Span]:
    if item.start is not None and context is not None:
        return context.document, _span_at(context, item.start, item.text)
    located = sources.evidence(item.document or name, item.text)
    return located.document, located.whole


def _span_at(context: ShownText, start: int, text: str) -> Span:
    """The span of `text`; one that is not there keeps its text and is refused when it is written."""
    part = context.part(start, start + len(text))
    return part if part.text.split() == text.split() else replace(part, text=text)


def _within(evidence: Sequence[Span], answer: str) -> Span:
    for span in evidence:
        offsets = locate(answer, span.text)
        if offsets is not None:
            return Span(span.start + offsets[0], span.start + offsets[1], span.text[offsets[0] : offsets[1]])
    raise AnnotationError("its context is not in the collection, and an answer is in none of its evidence")
