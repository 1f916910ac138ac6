"""Annotations as Argilla's records, a JSON object a line. Format: `Record.to_dict` of Argilla 2.

Questions are records with the responses `question` and `spans`, labels with the response `label`, examples to review with the
generated completion as a suggestion and the responses `verdict` and `completion`. Suggestions are not read back: they are no
person's. Offsets of spans are in code points.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from corpora.errors import AnnotationError
from corpora.records import content_id
from raft.records import RaftExample
from raft.reviews import Review, completion_id
from serving.annotation_exchange import Incoming, Sources, part_of, shown_prompt
from serving.annotation_records import AnnotatedQuestion, Annotations, Label

USER = "00000000-0000-0000-0000-000000000000"  # Argilla asks for one; where it knows no such user, it takes whoever imports


def written(annotations: Annotations, sources: Sources) -> str:
    """JSON lines. All examples of the dataset are among them, the reviewed ones with responses."""
    rows = [_question_record(question, sources) for question in annotations.questions]
    rows += [_label_record(label, sources) for label in annotations.labels]
    reviews = {review.example_id: review for review in annotations.reviews}
    rows += [_review_record(example, reviews.get(example.id)) for example in sources.examples.values()]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class _Span(_Loose):
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    label: str


class _Spans(_Loose):
    value: list[_Span]


class _Text(_Loose):
    value: str


class _Verdict(_Loose):
    value: Literal["accept", "edit", "reject"]


class _Responses(_Loose):
    """The first response of each question counts."""

    question: list[_Text] = []
    spans: list[_Spans] = []
    label: list[_Text] = []
    verdict: list[_Verdict] = []
    completion: list[_Text] = []


class _Record(_Loose):
    id: str = ""
    fields: dict[str, Any]
    metadata: dict[str, Any] = {}
    responses: _Responses = _Responses()


def read(text: str, sources: Sources, incoming: Incoming) -> None:
    """Take in every record with a response. Raises AnnotationError when the text is neither a JSON list nor JSON lines."""
    for name, raw in _rows(text):
        with incoming.part(name):
            record = _Record.model_validate(raw)
            answers = record.responses
            if answers.verdict:
                completion = answers.completion[0].value if answers.completion else ""
                verdict = answers.verdict[0].value
                judged = str(record.metadata.get("completion_id", ""))
                incoming.reviews.append(Review(record.id, verdict, judged, completion if verdict == "edit" else ""))
            elif answers.question:
                incoming.questions.append(_question(record, sources))
            elif answers.label:
                incoming.labels.append(_label(record, sources))
            else:
                raise AnnotationError("it has no response; suggestions are not read")


def _rows(text: str) -> list[tuple[str, Any]]:
    try:
        if text.startswith("["):
            return [(f"record {number}", row) for number, row in enumerate(json.loads(text), start=1)]
        lines = enumerate(text.split("\n"), start=1)
        return [(f"line {number}", json.loads(line)) for number, line in lines if line.strip()]
    except (ValueError, RecursionError) as error:
        raise AnnotationError("the file is not of Argilla: expected are records as a JSON list or JSON lines") from error


def _record(identity: str, fields: dict[str, str], metadata: dict[str, Any], **responses: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "fields": fields,
        "metadata": metadata,
        "suggestions": {},
        "responses": {name: [{"value": value, "user_id": USER}] for name, value in responses.items()},
        "vectors": {},
    }


def _question_record(question: AnnotatedQuestion, sources: Sources) -> dict[str, Any]:
    document = sources.documents[question.document_id]
    roles = (("answer", question.answers), ("evidence", question.evidence))
    spans = [{"start": span.start, "end": span.end, "label": role} for role, found in roles for span in found]
    fields = {"text": document.text, "title": document.title}
    return _record(question.id, fields, {"document_id": document.id}, question=question.text, spans=spans)


def _label_record(label: Label, sources: Sources) -> dict[str, Any]:
    span = label.span
    fields = {"text": span.text, "title": sources.documents[label.document_id].title}
    metadata = {"document_id": label.document_id, "start": span.start, "end": span.end}
    return _record(f"{label.document_id}-{span.start}-{span.end}", fields, metadata, label=label.name)


def _review_record(example: RaftExample, review: Review | None) -> dict[str, Any]:
    responses: dict[str, str] = {}
    if review is not None and review.judged == completion_id(example):
        responses = {"verdict": review.verdict, **({"completion": review.completion} if review.verdict == "edit" else {})}
    metadata = {"completion_id": completion_id(example)}
    record = _record(example.id, {"prompt": shown_prompt(example), "question": example.question}, metadata, **responses)
    record["suggestions"] = {"completion": {"value": example.completion, "score": None, "agent": "generated"}}
    return record


def _question(record: _Record, sources: Sources) -> AnnotatedQuestion:
    document, shift = sources.place(str(record.metadata.get("document_id", "")), str(record.fields.get("text", "")))
    spans = [span for response in record.responses.spans[:1] for span in response.value]
    unknown = [span for span in spans if span.label not in ("answer", "evidence")]
    if unknown:
        raise AnnotationError("it has a span that is neither of answer and evidence")
    answers, evidence = (
        tuple(part_of(document, shift + span.start, shift + span.end) for span in spans if span.label == role)
        for role in ("answer", "evidence")
    )
    text = record.responses.question[0].value
    return AnnotatedQuestion(record.id or content_id("question", document.id, text), document.id, text, answers, evidence)


def _label(record: _Record, sources: Sources) -> Label:
    text, start = str(record.fields.get("text", "")), record.metadata.get("start")
    known = sources.documents.get(str(record.metadata.get("document_id", "")))
    if known is not None and isinstance(start, int) and known.text.startswith(text, start):
        return Label(known.id, part_of(known, start, start + len(text)), record.responses.label[0].value)
    document, place = sources.place(known.id if known else "", text)
    return Label(document.id, part_of(document, place, place + len(text)), record.responses.label[0].value)
