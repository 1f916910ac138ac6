"""Annotations as Label Studio's JSON tasks. Format: labelstud.io/guide/task_format.

A question is a task with a text area and labelled spans, a document with labels is a task with choices (of the whole
text) and labelled spans, an example to review is a task whose generated completion is a prediction. Only annotations
are read back: predictions are no person's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast, get_args
from xml.sax.saxutils import quoteattr

from pydantic import BaseModel, ConfigDict, Field

from corpora.errors import AnnotationError
from corpora.records import content_id
from raft.examples.reviews import Review, Verdict, completion_id
from raft.records import RaftExample
from serving.annotate.formats.exchange import Incoming, Sources, offsets, shown_prompt
from serving.annotate.records import AnnotatedQuestion, Annotations, Label, Span

_ROLES = ("answer", "evidence")
_VERDICTS = get_args(Verdict)


def labeling_interface(classes: Sequence[str]) -> str:
    """The labeling interface, XML, that a project in Label Studio needs in its settings."""
    lines = [
        "<View>",
        '  <Text name="text" value="$text"/>',
        '  <Header value="A question, its answers and the evidence they stand in"/>',
    ]
    lines.append('  <TextArea name="question" toName="text" maxSubmissions="1"/>')
    lines += _control("Labels", "span", "Label", _ROLES)
    if classes:
        lines.append('  <Header value="The class of the whole text, and of parts of it"/>')
        lines += _control("Choices", "class", "Choice", classes) + _control("Labels", "part", "Label", classes)
    lines.append('  <Header value="A generated example: the verdict and, for an edit, the completion as it should be"/>')
    lines += _control("Choices", "verdict", "Choice", _VERDICTS)
    lines += ['  <TextArea name="completion" toName="text" maxSubmissions="1"/>', "</View>"]
    return "\n".join(lines)


def written(annotations: Annotations, sources: Sources) -> str:
    """The annotations as a JSON list of tasks.

    All examples of the dataset are among them, the reviewed ones with an annotation.
    """
    classes = list(annotations.classes)
    tasks = [_question_task(question, sources) for question in annotations.questions]
    by_document: dict[str, list[Label]] = {}
    for label in annotations.labels:
        by_document.setdefault(label.document_id, []).append(label)
    tasks += [_label_task(document_id, labels, classes, sources) for document_id, labels in by_document.items()]
    reviews = {review.example_id: review for review in annotations.reviews}
    tasks += [_review_task(example, reviews.get(example.id)) for example in sources.examples.values()]
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Value(_Loose):
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=0)
    text: str | list[str] | None = None
    labels: list[str] = []
    choices: list[str] = []

    @property
    def texts(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else self.text or []


class _Result(_Loose):
    type: str = ""
    from_name: str = ""
    value: _Value = _Value()


class _Annotation(_Loose):
    result: list[_Result] = []
    was_cancelled: bool = False
    ground_truth: bool = False
    updated_at: str = ""


class _Task(_Loose):
    data: dict[str, Any]
    annotations: list[_Annotation] = []


def read(value: Any, sources: Sources, incoming: Incoming) -> None:
    """Read one annotation of each task into `incoming`.

    It is the one marked as ground truth, else the one changed last; none that was skipped. Raises AnnotationError when
    `value` is no list.
    """
    if not isinstance(value, list):
        raise AnnotationError("the file is not of Label Studio: expected is a JSON list of tasks; export as JSON, not JSON-MIN")
    for number, raw in enumerate(value, start=1):
        with incoming.part(f"task {number}"):
            task = _Task.model_validate(raw)
            annotations = [annotation for annotation in task.annotations if not annotation.was_cancelled]
            if not annotations:
                raise AnnotationError("it has no annotation; predictions are not read")
            if len(annotations) > 1:
                incoming.dropped.append(
                    (f"task {number}", f"{len(annotations) - 1} more annotations; one is taken, see the documentation")
                )
            results = max(annotations, key=lambda annotation: (annotation.ground_truth, annotation.updated_at)).result
            if "example_id" in task.data:
                incoming.reviews.append(_review(task, results, sources))
            else:
                _read_document(task, results, sources, incoming)


def _read_document(task: _Task, results: Sequence[_Result], sources: Sources, incoming: Incoming) -> None:
    """A question where there is one, with the spans that have a role, and everything else as labels."""
    question_texts = [text for r in results if r.type == "textarea" and r.from_name != "completion" for text in r.value.texts]
    roles = [r for r in results if r.type == "labels" and (r.from_name == "span" or _role(r))] if question_texts else []
    if question_texts:
        incoming.questions.append(_question(task, question_texts[0], roles, sources))
        for further_text in question_texts[1:]:
            incoming.dropped.append((further_text[:40], "a second question of its task; give each a task of its own"))
    incoming.classes += [name for name in task.data.get("classes") or [] if isinstance(name, str)]
    _labels(task, [result for result in results if result not in roles], sources, incoming)


def _role(result: _Result) -> str | None:
    return next((name.lower() for name in result.value.labels if name.lower() in _ROLES), None)


def _control(tag: str, name: str, item: str, values: Sequence[str]) -> list[str]:
    inside = [f"    <{item} value={quoteattr(value)}/>" for value in values]
    return [f'  <{tag} name="{name}" toName="text">', *inside, f"  </{tag}>"] if values else []


def _result(kind: str, from_name: str, number: int, **value: Any) -> dict[str, Any]:
    return {"id": f"{from_name}-{number}", "from_name": from_name, "to_name": "text", "type": kind, "value": value}


def _annotation(results: list[dict[str, Any]]) -> dict[str, Any]:
    """An annotation with `results`, explicitly not the ground truth.

    Label Studio takes one that does not say for the ground truth: what is annotated there comes first.
    """
    return {"result": results, "ground_truth": False}


def _span_result(from_name: str, number: int, span: Span, name: str) -> dict[str, Any]:
    return _result("labels", from_name, number, start=span.start, end=span.end, text=span.text, labels=[name])


def _question_task(question: AnnotatedQuestion, sources: Sources) -> dict[str, Any]:
    document = sources.documents[question.document_id]
    data = {"text": document.text, "title": document.title, "document_id": document.id, "question_id": question.id}
    spans = [
        (name, span)
        for name, role_spans in zip(_ROLES, (question.answers, question.evidence), strict=True)
        for span in role_spans
    ]
    results = [_result("textarea", "question", 0, text=[question.text])]
    results += [_span_result("span", number, span, name) for number, (name, span) in enumerate(spans)]
    return {"data": data, "annotations": [_annotation(results)]}


def _label_task(document_id: str, labels: Sequence[Label], classes: Sequence[str], sources: Sources) -> dict[str, Any]:
    document = sources.documents[document_id]
    results = [
        _result("choices", "class", number, choices=[label.name])
        if (label.span.start, label.span.end) == (0, len(document.text))
        else _span_result("part", number, label.span, label.name)
        for number, label in enumerate(labels)
    ]
    data = {"text": document.text, "title": document.title, "document_id": document.id, "classes": list(classes)}
    return {"data": data, "annotations": [_annotation(results)]}


def _review_task(example: RaftExample, review: Review | None) -> dict[str, Any]:
    data = {"text": shown_prompt(example), "example_id": example.id, "completion_id": completion_id(example)}
    prediction = {"model_version": "generated", "result": [_result("textarea", "completion", 0, text=[example.completion])]}
    task: dict[str, Any] = {"data": data, "predictions": [prediction]}
    if review is not None:
        results = [_result("choices", "verdict", 0, choices=[review.verdict])]
        if review.verdict == "edit":
            results.append(_result("textarea", "completion", 1, text=[review.completion]))
        task["annotations"] = [_annotation(results)]
    return task


def _question(task: _Task, text: str, results: Sequence[_Result], sources: Sources) -> AnnotatedQuestion:
    context = sources.locate_text(str(task.data.get("document_id", "")), str(task.data.get("text", "")))
    spans: dict[str, list[Span]] = {role: [] for role in _ROLES}
    for result in results:
        if result.type == "labels":
            role = _role(result)
            if role is None:
                raise AnnotationError(f"it has a span that is neither of {' and '.join(_ROLES)}")
            spans[role].append(context.part(*_span_offsets(result, context.text)))
    about = context.document.id
    identity = str(task.data.get("question_id") or content_id("question", about, text))
    return AnnotatedQuestion(identity, about, text, tuple(spans["answer"]), tuple(spans["evidence"]))


def _labels(task: _Task, results: Sequence[_Result], sources: Sources, incoming: Incoming) -> None:
    context = sources.locate_text(str(task.data.get("document_id", "")), str(task.data.get("text", "")))
    for result in results:
        if result.type == "choices":
            incoming.labels += [Label(context.document.id, context.whole, name) for name in result.value.choices[:1]]
        elif result.type == "labels":
            span = context.part(*_span_offsets(result, context.text))
            incoming.labels += [Label(context.document.id, span, name) for name in result.value.labels[:1]]


def _span_offsets(result: _Result, text: str) -> tuple[int, int]:
    start, end = result.value.start, result.value.end
    if start is None or end is None:
        raise AnnotationError("a labelled span has no start or no end")
    return offsets(text, start, end, next(iter(result.value.texts), None))


def _review(task: _Task, results: Sequence[_Result], sources: Sources) -> Review:
    verdict = next((r.value.choices[0] for r in results if r.type == "choices" and r.value.choices), "")
    completion = next((text for r in results if r.type == "textarea" for text in r.value.texts), "")
    if verdict not in _VERDICTS:
        raise AnnotationError(f"it has no verdict; accepted: {', '.join(_VERDICTS)}")
    example_id = str(task.data["example_id"])
    judged = str(task.data.get("completion_id") or "")
    return Review(example_id, cast(Verdict, verdict), judged, completion if verdict == "edit" else "")
