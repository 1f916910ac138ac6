"""Annotations as Argilla's records: the JSON list that `dataset.records.to_json` writes, and the settings its datasets need.

Argilla wants one required question a dataset, so questions, labels and reviews are a dataset each: records with the responses
`question` and `spans`, `label`, or `verdict` and `completion`, the generated completion being a suggestion. Suggestions are not
read back: they are no person's. Offsets of spans are in code points.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from corpora.errors import AnnotationError
from corpora.records import content_id
from raft.examples.reviews import Review, Verdict, completion_id
from raft.records import RaftExample
from serving.annotate.formats.exchange import Incoming, Sources, part_of, shown_prompt
from serving.annotate.records import AnnotatedQuestion, Annotations, Label

USER = "00000000-0000-0000-0000-000000000000"  # a response needs a user whom the server knows: put one there before loading
NONE = "none of these"  # Argilla asks for two classes or more; this one is not read back


def written(annotations: Annotations, sources: Sources) -> dict[str, str]:
    """Ending of a file's name → its text: records and settings of each kind there is something of.

    All examples of the dataset are among the reviews, the reviewed ones with responses.
    """
    reviews = {review.example_id: review for review in annotations.reviews}
    classes = list(annotations.classes)
    records = {
        "questions": [_question_record(question, sources) for question in annotations.questions],
        "labels": [_label_record(label, classes, sources) for label in annotations.labels],
        "reviews": [_review_record(example, reviews.get(example.id)) for example in sources.examples.values()],
    }
    files: dict[str, str] = {}
    for kind, rows in records.items():
        if rows:
            files[f"-{kind}.json"] = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
            files[f"-{kind}.settings.json"] = json.dumps(settings(kind, classes), ensure_ascii=False, indent=1) + "\n"
    return files


def settings(kind: str, classes: Sequence[str]) -> dict[str, Any]:
    """What `rg.Settings.from_json` reads for a dataset of this kind: "questions", "labels" or "reviews"."""
    questions = {
        "questions": [
            _question("question", "text", "The question", required=True),
            _question(
                "spans",
                "span",
                "The answers, and the evidence they stand in",
                field="text",
                allow_overlapping=True,
                options=_options(["answer", "evidence"]),
            ),
        ],
        "labels": [
            _question("label", "label_selection", "The class of the text", True, options=_options([*classes, NONE])),
        ],
        "reviews": [
            _question("verdict", "label_selection", "Is the completion right?", True, options=_options(get_args(Verdict))),
            _question("completion", "text", "The completion as it should be, for an edit"),
        ],
    }[kind]
    fields = [
        _part(name, required, {"type": "text", "use_markdown": False}) for name, required in (("text", True), ("title", False))
    ]
    return {
        "guidelines": None,
        "questions": questions,
        "fields": fields,
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def _question(name: str, kind: str, title: str, required: bool = False, **options: Any) -> dict[str, Any]:
    more: dict[str, Any] = {"use_markdown": False} if kind == "text" else {"visible_options": None}
    return _part(name, required, {"type": kind, **more, **options}, title)


def _part(name: str, required: bool, settings: dict[str, Any], title: str | None = None) -> dict[str, Any]:
    return {"name": name, "title": title or name, "required": required, "description": None, "settings": settings}


def _options(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"text": name, "value": name} for name in dict.fromkeys(names)]


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
    question: list[_Text] = []
    spans: list[_Spans] = []
    label: list[_Text] = []
    verdict: list[_Verdict] = []
    completion: list[_Text] = []


class _Record(_Loose):
    id: str | None = None
    fields: dict[str, Any]
    metadata: dict[str, Any] | None = None
    responses: _Responses | None = None
    status: str | None = None
    server_id: str | None = Field(None, alias="_server_id")

    def of(self, name: str) -> Any:
        """An entry of the metadata, or None."""
        return (self.metadata or {}).get(name)


def read(text: str, sources: Sources, incoming: Incoming) -> None:
    """Take in the first response of every record. Raises AnnotationError when the text is neither a JSON list nor JSON lines."""
    for name, raw in _rows(text):
        with incoming.part(name):
            record = _Record.model_validate(raw)
            given = record.responses or _Responses()
            if record.server_id and record.status == "pending":
                raise AnnotationError("it has no submitted response; drafts and discarded ones are not read")
            people = max(len(given.verdict), len(given.question), len(given.label))
            if people > 1:
                incoming.dropped.append((name, f"{people - 1} more responses; the first one is taken"))
            if given.verdict:
                completion = given.completion[0].value if given.completion else ""
                verdict = given.verdict[0].value
                judged = str(record.of("completion_id") or "")
                incoming.reviews.append(Review(record.id or "", verdict, judged, completion if verdict == "edit" else ""))
            elif given.question:
                incoming.questions.append(_asked(record, given, sources))
            elif given.label:
                incoming.classes += [name for name in record.of("classes") or [] if isinstance(name, str)]
                if given.label[0].value != NONE:
                    incoming.labels.append(_label(record, given.label[0].value, sources))
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
        "responses": {name: [{"value": value, "user_id": USER, "status": "submitted"}] for name, value in responses.items()},
        "vectors": {},
    }


def _question_record(question: AnnotatedQuestion, sources: Sources) -> dict[str, Any]:
    document = sources.documents[question.document_id]
    roles = (("answer", question.answers), ("evidence", question.evidence))
    spans = [{"start": span.start, "end": span.end, "label": role} for role, found in roles for span in found]
    fields = {"text": document.text, "title": document.title}
    return _record(question.id, fields, {"document_id": document.id}, question=question.text, spans=spans)


def _label_record(label: Label, classes: Sequence[str], sources: Sources) -> dict[str, Any]:
    span = label.span
    fields = {"text": span.text, "title": sources.documents[label.document_id].title}
    metadata = {"document_id": label.document_id, "start": span.start, "end": span.end, "classes": list(classes)}
    return _record(f"{label.document_id}-{span.start}-{span.end}", fields, metadata, label=label.name)


def _review_record(example: RaftExample, review: Review | None) -> dict[str, Any]:
    responses: dict[str, str] = {}
    if review is not None:
        responses = {"verdict": review.verdict, **({"completion": review.completion} if review.verdict == "edit" else {})}
    metadata = {"completion_id": completion_id(example)}
    record = _record(example.id, {"text": shown_prompt(example), "title": example.question}, metadata, **responses)
    record["suggestions"] = {"completion": {"value": example.completion, "score": None, "agent": "generated"}}
    return record


def _asked(record: _Record, given: _Responses, sources: Sources) -> AnnotatedQuestion:
    shown = sources.shown(str(record.of("document_id") or ""), str(record.fields.get("text", "")))
    spans = [span for response in given.spans[:1] for span in response.value]
    if any(span.label not in ("answer", "evidence") for span in spans):
        raise AnnotationError("it has a span that is neither of answer and evidence")
    answers, evidence = (
        tuple(shown.part(span.start, span.end) for span in spans if span.label == role) for role in ("answer", "evidence")
    )
    text = given.question[0].value
    about = shown.document.id
    return AnnotatedQuestion(record.id or content_id("question", about, text), about, text, answers, evidence)


def _label(record: _Record, name: str, sources: Sources) -> Label:
    text, start = str(record.fields.get("text", "")), record.of("start")
    known = sources.documents.get(str(record.of("document_id") or ""))
    if known is not None and isinstance(start, int) and known.text.startswith(text, start):
        return Label(known.id, part_of(known, start, start + len(text)), name)
    shown = sources.shown(known.id if known else "", text)
    return Label(shown.document.id, shown.whole, name)
